/** `tongren keys list`: every generation of every key, and what it is to us now. */

import type { KeyLine } from '#audit/succeed-key.ts';
import { listAuthorities } from '#certificates/authorities.ts';
import { keyDigestOf } from '#certificates/prepare-certificate.ts';
import { allKeyLines } from '#jobs/key-lines.ts';
import { parseCertificate } from '#pki/certificate.ts';
import { followLinks, LOG_KEY } from '#signer/log-key-chain.ts';
import { readGenerations } from '#storage/key-generations.ts';
import { listIndexKeys } from './list-index-keys.ts';
import { type Opened, withDataKeys } from './with-data-keys.ts';

export interface ListedKey {
  kind: string;
  name: string;
  /** What it may sign or seal, in the words of the signer's policy where it is one of the signer's. */
  purposes: readonly string[];
  suite: string;
  /** `next`, `current`, `leaving`, `retired`, `destroyed`, `compromised`; of authorities `current`, `offline`, `retired`. */
  state: string;
  /** Since when it signs, or will. */
  since?: string;
  /** When it stopped signing, or will; of authorities, issuing. */
  usedUntil?: string;
  /** When the newest certificate of the key ends. */
  certifiedUntil?: string;
  /** How far a change to it has come. */
  progress?: string;
}

/** `keys list`. */
export function listKeys({ json }: { json?: boolean }): Promise<number> {
  return withDataKeys(async (installation) => {
    const keys = [
      ...(await listAuthorityKeys(installation)),
      ...(await Promise.all(allKeyLines().map(({ kind, line }) => listLine(installation, kind, line)))).flat(),
      ...(await listSignerLogKeys(installation)),
      ...(await listCodeKeys(installation)),
      ...(await listTokenKeys(installation)),
      ...(await listDataKeys(installation)),
      ...(await listIndexKeys(installation)),
    ];
    if (json) console.log(JSON.stringify(keys, null, 2));
    else for (const key of keys) console.log(lineOf(key));
    return 0;
  });
}

function lineOf({ kind, name, suite, state, since, usedUntil, certifiedUntil, progress }: ListedKey): string {
  const day = (time: string | undefined) => time?.slice(0, 10) ?? '';
  const used = since || usedUntil ? `${day(since).padEnd(10)} – ${day(usedUntil)}` : '';
  const until = certifiedUntil ? `certificate ends / 证书到期 ${day(certifiedUntil)}` : '';
  return `${kind.padEnd(12)} ${name.padEnd(28)} ${suite.padEnd(8)} ${state.padEnd(12)} ${used.padEnd(24)} ${progress ?? until}`.trimEnd();
}

async function listAuthorityKeys({ deps }: Opened): Promise<ListedKey[]> {
  const rows = await deps.db.certificateAuthority.findMany({
    where: { retiredAt: { not: null } },
    select: { keyName: true, retiredAt: true },
  });
  const ends = new Map(rows.map(({ keyName, retiredAt }) => [keyName, retiredAt?.toISOString()]));
  return (await listAuthorities(deps)).map(({ keyName, suite, state, certificate }) => {
    const usedUntil = ends.get(keyName);
    return {
      ...{ kind: 'authority', name: keyName, purposes: ['certificate', 'crl'], suite, state },
      since: certificate.notBefore.toISOString(),
      ...(usedUntil ? { usedUntil } : {}),
      certifiedUntil: certificate.notAfter.toISOString(),
    };
  });
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
    const usedUntil = generations[index - 1]?.signsSince;
    listed.push({
      ...{ kind, name, purposes: key.purposes, suite: line.suite, state },
      ...(signsSince ? { since: signsSince.toISOString() } : {}),
      ...(usedUntil ? { usedUntil: usedUntil.toISOString() } : {}),
      ...(certifiedUntil ? { certifiedUntil } : {}),
    });
  }
  return listed;
}

/** From what the signer tells with a head of its log: each link says since when. */
async function listSignerLogKeys({ deps }: Opened): Promise<ListedKey[]> {
  const { first, links } = await deps.keys.logHead();
  const { keys } = followLinks({ name: LOG_KEY, spki: first }, links);
  return Promise.all(
    keys.map(async ({ name, link }, index) => {
      const next = keys[index + 1]?.link;
      const past = next?.endorsed === false ? 'compromised' : 'retired';
      const gone = past === 'retired' && (await deps.keys.find(name))?.retired ? 'destroyed' : past;
      return {
        ...{ kind: 'signer-log', name, purposes: ['signer-log'], suite: 'es256', state: next ? gone : 'current' },
        ...(link ? { since: link.at.toISOString() } : {}),
        ...(next ? { usedUntil: next.at.toISOString() } : {}),
      };
    }),
  );
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
    rows.map(async ({ keyName, suite, mintFrom, mintUntil, certificate }) => {
      const past = (await deps.keys.find(keyName))?.retired ? 'destroyed' : 'retired';
      const state = mintFrom > now ? 'next' : mintUntil && mintUntil <= now ? past : 'current';
      return {
        ...{ kind: 'code', name: keyName, purposes: ['code'], suite, state, since: mintFrom.toISOString() },
        ...(mintUntil ? { usedUntil: mintUntil.toISOString() } : {}),
        ...(certificate ? { certifiedUntil: parseCertificate(certificate).notAfter.toISOString() } : {}),
      };
    }),
  );
}

/** From the rows alone: nothing private is opened for a list. */
async function listTokenKeys({ deps }: Opened): Promise<ListedKey[]> {
  const rows = await deps.db.oidcSigningKey.findMany({
    orderBy: [{ alg: 'asc' }, { createdAt: 'asc' }],
    select: { kid: true, alg: true, state: true, promotedAt: true, retiredAt: true },
  });
  return rows.map(({ kid, alg, state, promotedAt, retiredAt }) => ({
    ...{ kind: 'token', name: kid, purposes: ['id-token'], suite: alg, state: state === 'active' ? 'current' : state },
    ...(promotedAt ? { since: promotedAt.toISOString() } : {}),
    ...(retiredAt ? { usedUntil: retiredAt.toISOString() } : {}),
  }));
}

async function listDataKeys({ deps, fields }: Opened): Promise<ListedKey[]> {
  const rows = await deps.db.dataKey.findMany({ where: { purpose: 'field' }, orderBy: { version: 'asc' } });
  const sealing = fields.sealingVersion;
  return rows.map(({ version, createdAt, closedAt, erasedAt, compromisedAt }) => {
    const past = erasedAt ? 'destroyed' : compromisedAt ? 'compromised' : 'retired';
    const state = version === sealing ? 'current' : version > sealing ? 'next' : past;
    return {
      ...{ kind: 'data', name: `data-${version}`, purposes: ['field'], suite: 'aes-256', state, since: createdAt.toISOString() },
      ...(closedAt ? { usedUntil: closedAt.toISOString() } : {}),
    };
  });
}
