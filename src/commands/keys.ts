/** `tongren keys …`: every kind of signing key, and its successor. Running processes follow within a minute, without a restart. */

import { localDataKeys } from '#adapters/local-data-keys.ts';
import { CHECKPOINT_KEY } from '#audit/checkpoint.ts';
import { rotateDataKey } from '#audit/rotate-data-key.ts';
import { type KeyLine, succeedKey } from '#audit/succeed-key.ts';
import { listAuthorities } from '#certificates/authorities.ts';
import type { AuthoritySuite } from '#certificates/certificate-deps.ts';
import { certifyRecordKeys, recordKeyName } from '#certificates/log-signer.ts';
import { revokeCertificatesOfKey } from '#certificates/revoke-key.ts';
import { serviceKeyName } from '#certificates/service-signer.ts';
import { RECEIPT_KEY, STATUS_LIST_KEY } from '#codes/code-key-ring.ts';
import { rotateCodeKey } from '#codes/rotate-code-key.ts';
import { fieldCipher } from '#crypto/field-cipher.ts';
import { type OpenInstallation, openInstallation } from '#edge/open-installation.ts';
import { loadSigningKeys, promoteSigningKey, rotateSigningKey, type TokenAlgorithm } from '#oidc/signing-keys.ts';
import { Problem } from '#problem.ts';
import { SEAL_MAKER_KEY } from '#seals/prepare-seal-maker.ts';
import { keyNamesOf } from '#storage/key-generations.ts';
import { openDataKeys } from '#storage/open-data-keys.ts';

const EXIT = { good: 0, refused: 1, wrongUse: 3 } as const;
const BY = 'system:operator';
/** A token key that every process has loaded since; they look twice a minute. */
const PUBLISHED_LONG_ENOUGH_MS = 90_000;

type Suite = AuthoritySuite;

/** Kinds whose next generation is simply made and used; with the suites they come in. */
const LINES: Record<string, (suite: Suite) => KeyLine> = {
  ocsp: (suite) => ({ base: serviceKeyName('ocsp', suite), suite, purpose: 'ocsp-response' }),
  timestamp: (suite) => ({ base: serviceKeyName('timestamp', suite), suite, purpose: 'timestamp' }),
  log: (suite) => ({ base: recordKeyName('issuance-log', suite), suite, purpose: 'tree-head' }),
  'trust-list': (suite) => ({ base: recordKeyName('trust-list', suite), suite, purpose: 'trust-list' }),
  audit: () => ({ base: CHECKPOINT_KEY, suite: 'es256', purpose: 'audit-checkpoint' }),
  'status-list': () => ({ base: STATUS_LIST_KEY.name, suite: STATUS_LIST_KEY.suite, purpose: STATUS_LIST_KEY.purpose }),
  receipt: () => ({ base: RECEIPT_KEY.name, suite: RECEIPT_KEY.suite, purpose: RECEIPT_KEY.purpose }),
  'seal-maker': () => ({ base: SEAL_MAKER_KEY, suite: 'sm2-sm3', purpose: 'seal-info' }),
};
export const KEY_KINDS = [...Object.keys(LINES), 'code', 'token', 'data'];
const IN_BOTH_SUITES: readonly string[] = ['ocsp', 'timestamp', 'log', 'trust-list'];

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
    for (const [kind, lineOf] of Object.entries(LINES)) {
      for (const suite of IN_BOTH_SUITES.includes(kind) ? (['es256', 'sm2-sm3'] as const) : (['es256'] as const)) {
        const line = lineOf(suite);
        const names = await keyNamesOf(deps.db, line.base);
        for (const [index, name] of names.entries()) {
          if (await deps.keys.find(name)) keys.push({ kind, name, suite: line.suite, state: index === 0 ? 'current' : 'retired' });
        }
      }
    }
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

export interface RotateOptions {
  suite?: Suite;
  /** The old key is in wrong hands: its certificates are revoked at once. */
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

async function rotate(
  { config, deps, fields }: Opened,
  kind: string,
  { suite = 'es256', compromised }: RotateOptions,
): Promise<Record<string, unknown>> {
  if (kind === 'code') {
    const { keyName, mintFrom } = await rotateCodeKey(deps, { suite, by: BY, ...(compromised ? { leadSeconds: 1 } : {}) });
    return { after: keyName, from: mintFrom.toISOString() };
  }
  if (kind === 'token') return rotateToken({ ...deps, fields }, 'ES256');
  if (kind === 'data') {
    const { version, sealsFrom } = await rotateDataKey({ ...deps, dataKeys: localDataKeys(config.secret) }, BY);
    const follow = compromised ? 'what the old key sealed is not sealed anew by this / 旧密钥加密的数据不会因此重新加密' : undefined;
    return { after: `data-${version}`, from: sealsFrom.toISOString(), ...(follow ? { follow } : {}) };
  }
  const line = LINES[kind]?.(suite);
  if (!line) throw new Error(`No such kind of key: ${kind}. / 没有该类密钥。`);
  const { before, after } = await succeedKey(deps, line, BY);
  const revoked = compromised ? await revokeOld(deps, before) : [];
  if (kind === 'log') await certifyRecordKeys(deps, 'issuance-log');
  if (kind === 'trust-list') await certifyRecordKeys(deps, 'trust-list');
  const follow =
    kind === 'seal-maker' && compromised ? 'every seal made with it must be made anew / 用该密钥制作的印章须重新制作' : undefined;
  return { before, after: after.name, ...(compromised ? { revoked: revoked.join(' ') || 'none' } : {}), ...(follow ? { follow } : {}) };
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
