/**
 * CRLs: numbered in the database, stored before they are signed, published again even if nothing changed, because a list
 * that ran out tells a verifier nothing.
 */
import { recordEvent } from '#audit/record-event.ts';
import { keyIdentifier } from '#pki/build-certificate.ts';
import type { RevocationReason, RevokedEntry } from '#pki/crl.ts';
import { assembleCrl, encodeTbsCrl } from '#pki/encode-crl.ts';
import type { Transaction } from '#storage/database.ts';
import { type Authority, isRoot, listAuthorities, requireAuthority } from './authorities.ts';
import { type CertificateDeps, wholeSeconds } from './certificate-deps.ts';

const DAY_MS = 86_400_000;
/** A root's list changes almost never and its key is used rarely; an issuing authority's must be fresh. */
const LIFE_DAYS = { root: 30, issuing: 7 } as const;
/** First half of a 64-bit advisory lock: the CRLs of one issuer are made one after another. */
const CRL_LOCK_SPACE = 0x43524c;

export interface PublishedCrl {
  issuerKey: string;
  der: Uint8Array;
  number: bigint;
  thisUpdate: Date;
  nextUpdate: Date;
}

/** A new list of every authority. */
export async function publishCrls(deps: CertificateDeps): Promise<PublishedCrl[]> {
  const published: PublishedCrl[] = [];
  for (const { keyName } of await publishingAuthorities(deps)) published.push(await publishCrl(deps, keyName));
  return published;
}

/** New lists only where the last one is missing, past half its life, or older than a revocation. */
export async function publishDueCrls(deps: CertificateDeps): Promise<PublishedCrl[]> {
  const due = await Promise.all(
    (await publishingAuthorities(deps)).map(async ({ keyName }) => ((await isDue(deps, keyName)) ? [keyName] : [])),
  );
  return Promise.all(due.flat().map((keyName) => publishCrl(deps, keyName)));
}

/** Those whose key is at hand: the list of an offline root is made where its key is. */
async function publishingAuthorities(deps: CertificateDeps): Promise<Authority[]> {
  return (await listAuthorities(deps)).filter(({ state }) => state !== 'offline');
}

async function isDue(deps: CertificateDeps, keyName: string): Promise<boolean> {
  const last = await findCrl(deps, keyName);
  if (!last) return true;
  const half = (last.thisUpdate.getTime() + last.nextUpdate.getTime()) / 2;
  if (deps.clock.now().getTime() >= half) return true;
  const newest = await deps.db.revocationList.findFirst({
    where: { issuerKey: keyName, number: last.number },
    select: { entries: true },
  });
  const revoked = await deps.db.issuedCertificate.count({ where: { issuerKey: keyName, revokedAt: { not: null } } });
  return revoked !== newest?.entries;
}

/** A new list of one authority; `lifeDays` for a root whose key is seldom at hand. Throws Problem `authority-missing`. */
export async function publishCrl(deps: CertificateDeps, keyName: string, lifeDays?: number): Promise<PublishedCrl> {
  const found = await requireAuthority(deps, keyName);
  const { suite, certificate: authority } = found;
  const thisUpdate = wholeSeconds(deps.clock.now());
  const nextUpdate = new Date(thisUpdate.getTime() + (lifeDays ?? LIFE_DAYS[isRoot(found) ? 'root' : 'issuing']) * DAY_MS);
  const stored = await deps.db.$transaction(
    async (tx) => {
      await tx.$queryRaw`SELECT 1 FROM pg_advisory_xact_lock(${CRL_LOCK_SPACE}::int, hashtext(${keyName}))`;
      const last = await tx.revocationList.aggregate({ where: { issuerKey: keyName }, _max: { number: true } });
      const number = (last._max.number ?? 0n) + 1n;
      const entries = await readEntries(tx, keyName);
      const tbs = encodeTbsCrl({
        suite,
        issuer: authority.subject.der,
        issuerKeyIdentifier: authority.ski ?? keyIdentifier(authority.spki),
        number,
        thisUpdate,
        nextUpdate,
        entries,
        expiredKeptSince: authority.notBefore,
      });
      const data = { issuerKey: keyName, number, thisUpdate, nextUpdate, entries: entries.length, tbs: Uint8Array.from(tbs) };
      await tx.revocationList.create({ data });
      await recordEvent(tx, {
        kind: 'crl-published',
        actor: 'system:authority',
        subject: `crl:${keyName}`,
        detail: { number: String(number), entries: entries.length },
        at: deps.clock.now(),
      });
      return { number, tbs };
    },
    { timeout: 60_000, maxWait: 30_000 },
  );
  const signature = await deps.keys.sign(keyName, 'crl', stored.tbs);
  const der = Uint8Array.from(assembleCrl(stored.tbs, suite, signature));
  await deps.db.revocationList.updateMany({ where: { issuerKey: keyName, number: stored.number, der: null }, data: { der } });
  return { issuerKey: keyName, der, number: stored.number, thisUpdate, nextUpdate };
}

/** Everything ever revoked stays on the list, expired or not: seals outlive the certificates that made them. */
async function readEntries(tx: Transaction, keyName: string): Promise<RevokedEntry[]> {
  const rows = await tx.issuedCertificate.findMany({
    where: { issuerKey: keyName, revokedAt: { not: null } },
    select: { serialHex: true, revokedAt: true, revocationReason: true, invalidityDate: true },
    orderBy: { serialHex: 'asc' },
  });
  return rows.map((row) => ({
    serialHex: row.serialHex,
    revokedAt: row.revokedAt ?? new Date(0),
    reason: (row.revocationReason ?? 'unspecified') as RevocationReason,
    ...(row.invalidityDate ? { invalidityDate: row.invalidityDate } : {}),
  }));
}

/** The newest signed list of an authority. */
export async function findCrl(deps: Pick<CertificateDeps, 'db'>, keyName: string): Promise<PublishedCrl | undefined> {
  const row = await deps.db.revocationList.findFirst({
    where: { issuerKey: keyName, der: { not: null } },
    orderBy: { number: 'desc' },
    omit: { tbs: true },
  });
  return row?.der
    ? { issuerKey: keyName, der: row.der, number: row.number, thisUpdate: row.thisUpdate, nextUpdate: row.nextUpdate }
    : undefined;
}
