/** Looking things up: authorities, trust bundles, lists in force, the status of one certificate. */
import { type Certificate, parseCertificate } from '#pki/certificate.ts';
import { type Crl, parseCrl, type RevocationReason } from '#pki/crl.ts';
import { toPem } from '#pki/pem.ts';
import type { Database } from '#storage/database.ts';
import { isRoot, listAuthorities } from './authorities.ts';
import type { AuthoritySuite, CertificateDeps } from './certificate-deps.ts';
import { type CrlFacts, type CrlScope, findCrlFacts, readCrl } from './find-crl.ts';

type Reading = Pick<CertificateDeps, 'db'>;

export interface TrustedCertificates {
  /** Anchors. */
  roots: Certificate[];
  /** To build paths with; trusted through a root only. */
  issuing: Certificate[];
}

/** The authorities of this installation in both suites, those that retired too: what they issued may live on. */
export async function trustedCertificates(deps: Reading): Promise<TrustedCertificates> {
  const authorities = await listAuthorities(deps);
  const of = (wanted: boolean) => authorities.filter((one) => isRoot(one) === wanted).map(({ certificate }) => certificate);
  return { roots: of(true), issuing: of(false) };
}

/** Roots and issuing certificates of one suite as PEM: `ca-sm2.pem`, `ca-p256.pem`. Empty before the authorities were made. */
export async function trustBundle(deps: Reading, suite: AuthoritySuite): Promise<string> {
  const authorities = await listAuthorities(deps);
  return authorities.flatMap((one) => (one.suite === suite ? toPem('CERTIFICATE', one.certificate.der) : [])).join('');
}

/** By authority and scope: a list is read and parsed once, until another takes its place. A large one takes a second. */
const parsedLists = new WeakMap<Database, Map<string, { digest: string; crl: Promise<Crl> }>>();

/** The lists in force, parsed: the complete ones, and a delta where it is newer than its complete list. */
export async function currentCrls(deps: Reading): Promise<Crl[]> {
  const authorities = await listAuthorities(deps);
  const found = await Promise.all(
    authorities.map(async ({ keyName }) => {
      const [complete, delta] = await Promise.all([findCrlFacts(deps, keyName, 'complete'), findCrlFacts(deps, keyName, 'delta')]);
      const newer = delta && delta.number > (complete?.number ?? 0n) ? delta : undefined;
      return Promise.all([complete && parsedList(deps, complete, 'complete'), newer && parsedList(deps, newer, 'delta')]);
    }),
  );
  return found.flat().filter((crl) => crl !== undefined);
}

function parsedList(deps: Reading, facts: CrlFacts, scope: CrlScope): Promise<Crl> {
  const lists = parsedLists.get(deps.db) ?? new Map<string, { digest: string; crl: Promise<Crl> }>();
  parsedLists.set(deps.db, lists);
  const place = `${facts.issuerKey} ${scope}`;
  const known = lists.get(place);
  if (known?.digest === facts.digest) return known.crl;
  const crl = readCrl(deps, facts, scope).then(parseCrl);
  lists.set(place, { digest: facts.digest, crl });
  // A store that did not answer once is asked again.
  crl.catch(() => lists.delete(place));
  return crl;
}

export interface CertificateStatus {
  serialHex: string;
  /** `unknown`: not one of ours. */
  status: 'good' | 'revoked' | 'expired' | 'not-yet-valid' | 'unknown';
  profile?: string;
  revokedAt?: Date;
  reason?: RevocationReason;
  asOf: Date;
}

/** Status by our own records, now. Revocation, also of the authority that issued it, outweighs expiry. */
export async function certificateStatus(deps: Reading & Pick<CertificateDeps, 'clock'>, serialHex: string): Promise<CertificateStatus> {
  const asOf = deps.clock.now();
  const row = await deps.db.issuedCertificate.findUnique({ where: { serialHex }, omit: { tbs: true } });
  if (!row?.der) return { serialHex, status: 'unknown', asOf };
  const known = { serialHex, profile: row.profile, asOf };
  const fallen = await findRevokedAuthority(deps, row.issuerKey);
  if (fallen && !(row.revokedAt && row.revokedAt < fallen))
    return { ...known, status: 'revoked', revokedAt: fallen, reason: 'ca-compromise' };
  if (row.revokedAt) return { ...known, status: 'revoked', revokedAt: row.revokedAt, reason: row.revocationReason as RevocationReason };
  if (asOf > row.notAfter) return { ...known, status: 'expired' };
  return { ...known, status: asOf < row.notBefore ? 'not-yet-valid' : 'good' };
}

/** When the authority was revoked that issued a certificate: what it issued is worth nothing since. */
async function findRevokedAuthority({ db }: Reading, issuerKey: string): Promise<Date | undefined> {
  const issuer = await db.issuedCertificate.findUnique({ where: { authorityKey: issuerKey }, select: { revokedAt: true } });
  return issuer?.revokedAt ?? undefined;
}

/** The certificate with this serial number, if it is ours and was signed. */
export async function findCertificate(deps: Reading, serialHex: string): Promise<Certificate | undefined> {
  const row = await deps.db.issuedCertificate.findUnique({ where: { serialHex }, select: { der: true } });
  return row?.der ? parseCertificate(row.der) : undefined;
}

export interface CertificateRow {
  id: string;
  serialHex: string;
  profile: string;
  suite: string;
  subject: string;
  notBefore: Date;
  notAfter: Date;
  revokedAt: Date | null;
  revocationReason: string | null;
}

/** For operators: newest first, by pages. */
export async function listCertificates(
  deps: Reading,
  { profile, cursor, limit = 50 }: { profile?: string; cursor?: string; limit?: number } = {},
): Promise<{ items: CertificateRow[]; nextCursor?: string }> {
  const size = Math.min(Math.max(limit, 1), 200);
  const items = await deps.db.issuedCertificate.findMany({
    where: { der: { not: null }, ...(profile ? { profile } : {}), ...(cursor ? { id: { lt: cursor } } : {}) },
    select: {
      id: true,
      serialHex: true,
      profile: true,
      suite: true,
      subject: true,
      notBefore: true,
      notAfter: true,
      revokedAt: true,
      revocationReason: true,
    },
    orderBy: { id: 'desc' },
    take: size,
  });
  const last = items.at(-1);
  return { items, ...(items.length === size && last ? { nextCursor: last.id } : {}) };
}
