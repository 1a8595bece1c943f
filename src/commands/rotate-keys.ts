/** `tongren keys rotate`: every kind of signing key, and its successor. Running processes follow within a minute, without a restart. */
import { setTimeout as pause } from 'node:timers/promises';
import { localDataKeys } from '#adapters/local-data-keys.ts';
import { recordEvent } from '#audit/record-event.ts';
import { rotateDataKey } from '#audit/rotate-data-key.ts';
import { succeedKey } from '#audit/succeed-key.ts';
import type { AuthoritySuite } from '#certificates/certificate-deps.ts';
import { dropOcspAnswers } from '#certificates/drop-ocsp-answers.ts';
import { certifyRecordKeys } from '#certificates/log-signer.ts';
import { revokeCertificatesOfKey } from '#certificates/revoke-key.ts';
import { publishTrustList } from '#certificates/trust-list-publish.ts';
import { rotateCodeKey } from '#codes/rotate-code-key.ts';
import type { OpenInstallation } from '#edge/open-installation.ts';
import { KEY_LINES } from '#jobs/key-lines.ts';
import { startResealing } from '#jobs/reseal-pass.ts';
import { retireKey } from '#jobs/retire-keys.ts';
import { promoteSigningKey, replaceSigningKey, rotateSigningKey, type TokenAlgorithm } from '#oidc/signing-keys.ts';
import { Problem } from '#problem.ts';
import { LOG_KEY } from '#signer/log-key-chain.ts';
import { FOLLOWED_WITHIN_MS } from '#storage/key-generations.ts';
import { rotateIndex } from './rotate-index.ts';
import { type Opened, withDataKeys } from './with-data-keys.ts';

const BY = 'system:operator';
/** Its keys are the signer's own: it makes, links and destroys them itself. */
const SIGNER_LOG = 'signer-log';
/** A token key that every process has loaded since; they look twice a minute. */
const PUBLISHED_LONG_ENOUGH_MS = 90_000;

type Suite = AuthoritySuite;

/** What a compromised key of these signed is still shown with its public key: copies kept elsewhere from before tell the truth. */
const STAYS_PUBLISHED: readonly string[] = ['log', 'audit'];

export interface RotateOptions {
  suite?: Suite;
  /** Of token keys. */
  alg?: TokenAlgorithm;
  /** The old key is in wrong hands: it must stop counting, at once. */
  compromised?: boolean;
  /** Of data keys: what older ones sealed is sealed anew. */
  reseal?: boolean;
  json?: boolean;
}

/** `keys rotate <kind>`. */
export function rotateKey(kind: string, options: RotateOptions): Promise<number> {
  return withDataKeys(async (installation) => {
    const said = await rotate(installation, kind, options);
    console.log(
      options.json
        ? JSON.stringify(said)
        : Object.entries(said)
            .map(([name, value]) => `${name}: ${String(value)}`)
            .join('\n'),
    );
    return 0;
  });
}

async function rotate({ config, deps, fields }: Opened, kind: string, options: RotateOptions): Promise<Record<string, unknown>> {
  const { suite = 'es256', alg = 'ES256', compromised = false } = options;
  if (kind === 'code') {
    const { keyName, mintFrom, predecessor } = await rotateCodeKey(deps, { suite, by: BY, compromised });
    const done = { after: keyName, from: mintFrom.toISOString(), ...followOf(kind, compromised) };
    const before = await deps.db.codeKey.findFirst({ where: { suite, kid: predecessor } });
    return before && compromised
      ? { before: before.keyName, ...done, ...(await destroy(deps, { name: before.keyName, successor: keyName })) }
      : done;
  }
  if (kind === 'token') {
    if (!compromised) return rotateToken({ ...deps, fields }, alg);
    const { gone, kid } = await replaceSigningKey({ ...deps, fields }, { alg, by: BY });
    return { deleted: gone, signing: kid, ...followOf(kind, compromised) };
  }
  if (kind === 'data') {
    const { version, sealsFrom } = await rotateDataKey({ ...deps, dataKeys: localDataKeys(config.secret, config.secretBefore) }, BY, {
      compromised,
    });
    const reseal = compromised || options.reseal ? { reseal: `pass ${(await startResealing(deps, BY)).id}` } : {};
    return { after: `data-${version}`, from: sealsFrom.toISOString(), ...reseal, ...followOf(kind, compromised) };
  }
  if (kind === SIGNER_LOG) return rotateSignerLog(deps, compromised);
  if (kind === 'index') return rotateIndex({ config, deps }, BY, { compromised });
  const line = KEY_LINES[kind]?.(suite);
  if (!line) throw new Error(`No such kind of key: ${kind}. / 没有该类密钥。`);
  const { before, after, signsFrom } = await succeedKey(deps, line, BY, { compromised: compromised && !STAYS_PUBLISHED.includes(kind) });
  const revoked = compromised ? await revokeOld(deps, before) : [];
  if (kind === 'log') await certifyRecordKeys(deps, 'issuance-log');
  if (kind === 'trust-list') {
    await certifyRecordKeys(deps, 'trust-list');
    await publishTrustList(deps, { anew: true });
  }
  return {
    before,
    after: after.name,
    from: signsFrom.toISOString(),
    ...(compromised ? { revoked: revoked.join(' ') || 'none' } : {}),
    ...followOf(kind, compromised),
    ...(compromised ? await destroy(deps, { name: before, successor: after.name }, kind === 'ocsp' ? suite : undefined) : {}),
  };
}

async function rotateSignerLog({ db, clock, keys }: OpenInstallation['deps'], compromised: boolean): Promise<Record<string, unknown>> {
  const change = await keys.rotateLogKey({ compromised });
  const { before, after, fingerprint, formerFingerprint, line, at, endorsed, already } = change;
  const followed = endorsed ? {} : followOf(SIGNER_LOG, true);
  const said = { before, after, from: at, fingerprint, line, ...(already ? { already: 'just before / 刚刚已更换' } : {}), ...followed };
  await db.$transaction(async (tx) => {
    const detailOfKey = { path: ['key'], equals: fingerprint };
    // An answer that was lost on its way left no event: asked again, it is noted then.
    if (await tx.auditEvent.findFirst({ where: { kind: 'key-succeeded', subject: `key:${after}`, detail: detailOfKey } })) return;
    const event = { actor: BY, at: clock.now() };
    const detail = { base: LOG_KEY, purpose: SIGNER_LOG, key: fingerprint, former: formerFingerprint, line };
    await recordEvent(tx, { ...event, kind: 'key-succeeded', subject: `key:${after}`, detail });
    if (compromised && !endorsed)
      await recordEvent(tx, { ...event, kind: 'key-compromised', subject: `key:${before}`, detail: { base: LOG_KEY } });
  });
  return said;
}

/** What a command cannot undo, and whose part it is. */
const FOLLOW: Record<string, string> = {
  'seal-maker': 'every seal made with it must be made anew / 用该密钥制作的印章须重新制作',
  data: 'the worker seals everything anew; then erase the old key by `keys retire data N`. Copies that were taken, backups and encrypted citizen numbers in certificates stay readable with it / 后台将重新加密全部数据，完成后用 keys retire data N 销毁旧密钥；已外泄的副本、备份和证书中的加密身份号码仍可用旧密钥解密',
  code: 'codes by the old key are refused two minutes from now, offline when the verifier has fetched the keys again / 旧密钥签发的码两分钟后失效；离线核验端须重新下载公钥',
  token: 'relying apps follow when they fetch the published keys again / 接入应用重新获取公钥后生效',
  receipt: 'receipts by the old key prove nothing any more; the records of look-ups stand / 旧密钥签发的回执不再有效，核验记录不受影响',
  'status-list': 'verifiers that work offline must fetch keys and list again / 离线核验端须重新下载公钥和状态列表',
  audit: 'checkpoints that were kept before today still tell by their copies; keep a new one now / 请立即另存新的检查点',
  [SIGNER_LOG]:
    'compare the fingerprint at the signer, then tell each installation: tongren signer-log trust --key head-key.pem / 请在签名服务端核对指纹后执行 tongren signer-log trust --key head-key.pem',
  log: 'heads that were kept elsewhere still tell by their copies; keep a new one now / 请立即另存新的日志树头',
};

function followOf(kind: string, compromised: boolean): { follow?: string } {
  const follow = compromised ? FOLLOW[kind] : undefined;
  return follow === undefined ? {} : { follow };
}

/**
 * When running processes have followed, the old key is destroyed in the key store. Answers of a responder go before and after: what
 * others signed with it in the meantime was kept too.
 */
async function destroy(
  deps: OpenInstallation['deps'],
  key: { name: string; successor: string },
  ocspSuite?: Suite,
): Promise<Record<string, unknown>> {
  let dropped = ocspSuite ? await dropOcspAnswers(deps, ocspSuite) : 0;
  console.error('Waiting half a minute for running processes to follow … / 正在等待运行中的进程切换（约半分钟）……');
  await pause(FOLLOWED_WITHIN_MS);
  if (ocspSuite) dropped += await dropOcspAnswers(deps, ocspSuite);
  const said = ocspSuite ? { dropped } : {};
  try {
    return { ...said, destroyed: await retireKey(deps, key, BY) };
  } catch (error) {
    if (!(error instanceof Problem && error.code === 'signing-refused')) throw error;
    return { ...said, destroyed: `no: ${error.detail ?? ''} / 未销毁：签名服务策略不允许` };
  }
}

async function revokeOld(deps: OpenInstallation['deps'], name: string): Promise<string[]> {
  const old = await deps.keys.find(name);
  return old ? revokeCertificatesOfKey(deps, { spki: old.spki, reason: 'key-compromise', by: BY }) : [];
}

/** The first call publishes a key that does not sign yet; a later one, when every process knows it, lets it sign. */
async function rotateToken(deps: Parameters<typeof rotateSigningKey>[0], alg: TokenAlgorithm): Promise<Record<string, unknown>> {
  const next = await deps.db.oidcSigningKey.findFirst({ where: { alg, state: 'next' }, orderBy: { createdAt: 'asc' } });
  if (!next)
    return {
      published: await rotateSigningKey(deps, { alg, by: BY }),
      next: 'run again in two minutes to let it sign / 两分钟后再次运行以启用',
    };
  const ageMs = deps.clock.now().getTime() - next.createdAt.getTime();
  if (ageMs < PUBLISHED_LONG_ENOUGH_MS)
    throw new Error('The next key was published less than 90 seconds ago; try again soon. / 新密钥刚刚发布，请稍后再试。');
  await promoteSigningKey(deps, { kid: next.kid, by: BY });
  return { signing: next.kid };
}
