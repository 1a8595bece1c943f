/** `tongren keys …`: every kind of signing key, and its successor. Running processes follow within a minute, without a restart. */
import { setTimeout as pause } from 'node:timers/promises';
import { localDataKeys } from '#adapters/local-data-keys.ts';
import { rotateDataKey } from '#audit/rotate-data-key.ts';
import { type KeyLine, succeedKey } from '#audit/succeed-key.ts';
import { listAuthorities } from '#certificates/authorities.ts';
import type { AuthoritySuite } from '#certificates/certificate-deps.ts';
import { dropOcspAnswers } from '#certificates/drop-ocsp-answers.ts';
import { certifyRecordKeys } from '#certificates/log-signer.ts';
import { revokeCertificatesOfKey } from '#certificates/revoke-key.ts';
import { rotateCodeKey } from '#codes/rotate-code-key.ts';
import { fieldCipher } from '#crypto/field-cipher.ts';
import { type OpenInstallation, openInstallation } from '#edge/open-installation.ts';
import { allKeyLines, KEY_LINES } from '#jobs/key-lines.ts';
import { retireKey } from '#jobs/retire-keys.ts';
import { loadSigningKeys, promoteSigningKey, replaceSigningKey, rotateSigningKey, type TokenAlgorithm } from '#oidc/signing-keys.ts';
import { Problem } from '#problem.ts';
import { FOLLOWED_WITHIN_MS, readGenerations } from '#storage/key-generations.ts';
import { openDataKeys } from '#storage/open-data-keys.ts';

const EXIT = { good: 0, refused: 1, wrongUse: 3 } as const;
const BY = 'system:operator';
/** A token key that every process has loaded since; they look twice a minute. */
const PUBLISHED_LONG_ENOUGH_MS = 90_000;

type Suite = AuthoritySuite;

/** What a compromised key of these signed is still shown with its public key: copies kept elsewhere from before tell the truth. */
const STAYS_PUBLISHED: readonly string[] = ['log', 'audit'];

interface ListedKey {
  kind: string;
  name: string;
  suite: string;
  state: string;
}

/** `keys list`. */
export function listKeys({ json }: { json?: boolean }): Promise<number> {
  return inInstallation(async ({ deps, fields }) => {
    const keys: ListedKey[] = (await listAuthorities(deps)).map(({ keyName, suite, state }) => ({
      kind: 'authority',
      name: keyName,
      suite,
      state,
    }));
    for (const { kind, line } of allKeyLines()) keys.push(...(await listLine(deps, kind, line)));
    const now = deps.clock.now();
    for (const { keyName, suite, mintFrom, mintUntil } of await deps.db.codeKey.findMany({ orderBy: { kid: 'asc' } })) {
      keys.push({
        kind: 'code',
        name: keyName,
        suite,
        state: mintFrom > now ? 'next' : mintUntil && mintUntil <= now ? 'retired' : 'current',
      });
    }
    for (const { kid, alg, state } of await loadSigningKeys({ db: deps.db, fields })) {
      keys.push({ kind: 'token', name: kid, suite: alg, state: state === 'active' ? 'current' : state });
    }
    const sealing = fields.sealingVersion;
    for (const { version } of await deps.db.dataKey.findMany({ where: { purpose: 'field' }, orderBy: { version: 'asc' } })) {
      const state = version === sealing ? 'current' : version > sealing ? 'next' : 'retired';
      keys.push({ kind: 'data', name: `data-${version}`, suite: 'aes-256', state });
    }
    if (json) console.log(JSON.stringify(keys, null, 2));
    else for (const { kind, name, suite, state } of keys) console.log(`${kind.padEnd(12)} ${name.padEnd(28)} ${suite.padEnd(8)} ${state}`);
    return EXIT.good;
  });
}

async function listLine({ db, keys, clock }: OpenInstallation['deps'], kind: string, line: KeyLine): Promise<ListedKey[]> {
  const generations = await readGenerations(db, line.base);
  const current = generations.findIndex(({ signsFrom }) => !signsFrom || signsFrom <= clock.now());
  const listed: ListedKey[] = [];
  for (const [index, { name, compromisedAt }] of generations.entries()) {
    const key = await keys.find(name);
    const past = compromisedAt ? 'compromised' : key?.retired ? 'destroyed' : 'retired';
    if (key) listed.push({ kind, name, suite: line.suite, state: index === current ? 'current' : index < current ? 'next' : past });
  }
  return listed;
}

export interface RotateOptions {
  suite?: Suite;
  /** Of token keys. */
  alg?: TokenAlgorithm;
  /** The old key is in wrong hands: it must stop counting, at once. */
  compromised?: boolean;
  json?: boolean;
}

/** `keys rotate <kind>`. */
export function rotateKey(kind: string, options: RotateOptions): Promise<number> {
  return inInstallation(async (installation) => {
    const said = await rotate(installation, kind, options);
    console.log(
      options.json
        ? JSON.stringify(said)
        : Object.entries(said)
            .map(([name, value]) => `${name}: ${String(value)}`)
            .join('\n'),
    );
    return EXIT.good;
  });
}

type Opened = OpenInstallation & { fields: ReturnType<typeof fieldCipher> & { sealingVersion: number } };

async function rotate({ config, deps, fields }: Opened, kind: string, options: RotateOptions): Promise<Record<string, unknown>> {
  const { suite = 'es256', alg = 'ES256', compromised = false } = options;
  if (kind === 'code') {
    const { keyName, mintFrom, predecessor } = await rotateCodeKey(deps, { suite, by: BY, ...(compromised ? { leadSeconds: 1 } : {}) });
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
    const { version, sealsFrom } = await rotateDataKey({ ...deps, dataKeys: localDataKeys(config.secret) }, BY);
    return { after: `data-${version}`, from: sealsFrom.toISOString(), ...followOf(kind, compromised) };
  }
  const line = KEY_LINES[kind]?.(suite);
  if (!line) throw new Error(`No such kind of key: ${kind}. / 没有该类密钥。`);
  const { before, after, signsFrom } = await succeedKey(deps, line, BY, { compromised: compromised && !STAYS_PUBLISHED.includes(kind) });
  const revoked = compromised ? await revokeOld(deps, before) : [];
  if (kind === 'log') await certifyRecordKeys(deps, 'issuance-log');
  if (kind === 'trust-list') await certifyRecordKeys(deps, 'trust-list');
  return {
    before,
    after: after.name,
    from: signsFrom.toISOString(),
    ...(compromised ? { revoked: revoked.join(' ') || 'none' } : {}),
    ...followOf(kind, compromised),
    ...(compromised ? await destroy(deps, { name: before, successor: after.name }, kind === 'ocsp' ? suite : undefined) : {}),
  };
}

/** What a command cannot undo, and whose part it is. */
const FOLLOW: Record<string, string> = {
  'seal-maker': 'every seal made with it must be made anew / 用该密钥制作的印章须重新制作',
  data: 'what the old key sealed is not sealed anew by this / 旧密钥加密的数据不会因此重新加密',
  code: 'codes by the old key are refused two minutes from now, offline when the verifier has fetched the keys again / 旧密钥签发的码两分钟后失效；离线核验端须重新下载公钥',
  token: 'relying apps follow when they fetch the published keys again / 接入应用重新获取公钥后生效',
  receipt: 'receipts by the old key prove nothing any more; the records of look-ups stand / 旧密钥签发的回执不再有效，核验记录不受影响',
  'status-list': 'verifiers that work offline must fetch keys and list again / 离线核验端须重新下载公钥和状态列表',
  audit: 'checkpoints that were kept before today still tell by their copies; keep a new one now / 请立即另存新的检查点',
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

async function inInstallation(act: (installation: Opened) => Promise<number>): Promise<number> {
  try {
    const installation = await openInstallation(process.env);
    try {
      const { config, deps } = installation;
      const opened = await openDataKeys(deps.db, localDataKeys(config.secret), deps.clock.now());
      return await act({
        ...installation,
        fields: { ...fieldCipher(opened.fieldKeys, opened.indexKey), sealingVersion: opened.fieldKeys[0]?.version ?? 1 },
      });
    } finally {
      await installation.close();
    }
  } catch (error) {
    const code = error instanceof Problem ? ` [${error.code}]` : '';
    console.error(`${(error as Error).message}${code}`);
    return EXIT.refused;
  }
}
