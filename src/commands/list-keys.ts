/** `tongren keys list`: every generation of every key, and what it is to us now. */

import type { KeyLine } from '#audit/succeed-key.ts';
import { listAuthorities } from '#certificates/authorities.ts';
import { keyDigestOf } from '#certificates/prepare-certificate.ts';
import { allKeyLines } from '#jobs/key-lines.ts';
import { loadSigningKeys } from '#oidc/signing-keys.ts';
import { readGenerations } from '#storage/key-generations.ts';
import { type Opened, withDataKeys } from './with-data-keys.ts';

export interface ListedKey {
  kind: string;
  name: string;
  suite: string;
  /** `next`, `current`, `retired`, `destroyed`, `compromised`; of authorities `current`, `offline`, `retired`. */
  state: string;
  /** Since when it signs, or will. */
  since?: string;
  /** When the newest certificate of the key ends. */
  certifiedUntil?: string;
}

/** `keys list`. */
export function listKeys({ json }: { json?: boolean }): Promise<number> {
  return withDataKeys(async (installation) => {
    const keys = [
      ...(await listAuthorityKeys(installation)),
      ...(await Promise.all(allKeyLines().map(({ kind, line }) => listLine(installation, kind, line)))).flat(),
      ...(await listCodeKeys(installation)),
      ...(await listTokenKeys(installation)),
      ...(await listDataKeys(installation)),
    ];
    if (json) console.log(JSON.stringify(keys, null, 2));
    else for (const key of keys) console.log(lineOf(key));
    return 0;
  });
}

function lineOf({ kind, name, suite, state, since, certifiedUntil }: ListedKey): string {
  const day = (time: string | undefined) => (time?.slice(0, 10) ?? '').padEnd(11);
  const until = certifiedUntil ? `certificate ends / 证书到期 ${day(certifiedUntil)}` : '';
  return `${kind.padEnd(12)} ${name.padEnd(28)} ${suite.padEnd(8)} ${state.padEnd(12)} ${day(since)} ${until}`.trimEnd();
}

async function listAuthorityKeys({ deps }: Opened): Promise<ListedKey[]> {
  return (await listAuthorities(deps)).map(({ keyName, suite, state, certificate }) => ({
    kind: 'authority',
    name: keyName,
    suite,
    state,
    since: certificate.notBefore.toISOString(),
    certifiedUntil: certificate.notAfter.toISOString(),
  }));
}

async function listLine({ deps }: Opened, kind: string, line: KeyLine): Promise<ListedKey[]> {
  const { db, keys, clock } = deps;
  const generations = await readGenerations(db, line.base);
  const current = generations.findIndex(({ signsFrom }) => !signsFrom || signsFrom <= clock.now());
  const listed: ListedKey[] = [];
  for (const [index, { name, signsSince, compromisedAt }] of generations.entries()) {
    const key = await keys.find(name);
    if (!key) continue;
    const past = compromisedAt ? 'compromised' : key.retired ? 'destroyed' : 'retired';
    const state = index === current ? 'current' : index < current ? 'next' : past;
    const certifiedUntil = await endOfCertificate(db, key.spki);
    listed.push({
      ...{ kind, name, suite: line.suite, state },
      ...(signsSince ? { since: signsSince.toISOString() } : {}),
      ...(certifiedUntil ? { certifiedUntil } : {}),
    });
  }
  return listed;
}

async function endOfCertificate(db: Opened['deps']['db'], spki: Uint8Array): Promise<string | undefined> {
  const row = await db.issuedCertificate.findFirst({
    where: { keyDigest: keyDigestOf(spki), der: { not: null }, revokedAt: null },
    orderBy: { notAfter: 'desc' },
    select: { notAfter: true },
  });
  return row?.notAfter.toISOString();
}

async function listCodeKeys({ deps }: Opened): Promise<ListedKey[]> {
  const now = deps.clock.now();
  const rows = await deps.db.codeKey.findMany({ orderBy: { kid: 'asc' } });
  return Promise.all(
    rows.map(async ({ keyName, suite, mintFrom, mintUntil }) => {
      const past = (await deps.keys.find(keyName))?.retired ? 'destroyed' : 'retired';
      const state = mintFrom > now ? 'next' : mintUntil && mintUntil <= now ? past : 'current';
      return { kind: 'code', name: keyName, suite, state, since: mintFrom.toISOString() };
    }),
  );
}

async function listTokenKeys({ deps, fields }: Opened): Promise<ListedKey[]> {
  const keys = await loadSigningKeys({ db: deps.db, fields });
  return keys.map(({ kid, alg, state }) => ({ kind: 'token', name: kid, suite: alg, state: state === 'active' ? 'current' : state }));
}

async function listDataKeys({ deps, fields }: Opened): Promise<ListedKey[]> {
  const rows = await deps.db.dataKey.findMany({ where: { purpose: 'field' }, orderBy: { version: 'asc' } });
  const sealing = fields.sealingVersion;
  return rows.map(({ version, createdAt }) => {
    const state = version === sealing ? 'current' : version > sealing ? 'next' : 'retired';
    return { kind: 'data', name: `data-${version}`, suite: 'aes-256', state, since: createdAt.toISOString() };
  });
}
