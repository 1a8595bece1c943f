import type { CertificateDeps } from '#certificates/certificate-deps.ts';
import { type AuthorityWarning, authorityWarnings } from '#certificates/hold-ceremony.ts';
import type { Job } from './run-jobs.ts';

/** Often enough to be seen in a day's log, seldom enough not to drown it. */
const EVERY_SECONDS = 6 * 3600;

/** Says in the log what needs the keepers of the roots, from months before it ends; the same stands in /metrics and `tongren ca list`. */
export function warnOfAuthoritiesJob(
  deps: Pick<CertificateDeps, 'db' | 'clock'> & { production?: boolean },
  tell: (sentence: string) => void,
): Job {
  return {
    name: 'warn-of-authorities',
    everySeconds: EVERY_SECONDS,
    exclusive: true,
    run: async () => {
      for (const warning of await authorityWarnings(deps)) tell(sentenceOf(warning));
      return 0;
    },
  };
}

function sentenceOf({ keyName, what, at }: AuthorityWarning): string {
  const day = at?.toISOString().slice(0, 10) ?? '';
  switch (what) {
    case 'crl-missing':
      return `${keyName} has no revocation list: run \`tongren ca root-crl\` or look at the publish-crls job. / ${keyName} 没有吊销列表。`;
    case 'root-online':
      return `The key of ${keyName} is in the key store of a production service: an installation that begins with \`tongren ca init\` keeps its roots offline. / ${keyName} 的私钥在线存放；生产环境应在首次启动前用 \`tongren ca init\` 建立离线根。`;
    case 'crl-ends':
      return `The revocation list of ${keyName} ends on ${day}: bring the shares and run \`tongren ca root-crl\`. / ${keyName} 的吊销列表将于 ${day} 到期，请召集份额保管人更新。`;
    case 'certificate-ends':
      return `The certificate of ${keyName} ends on ${day}: make a successor in good time. / ${keyName} 的证书将于 ${day} 到期，请及时更换。`;
  }
}
