/**
 * The authorities of this installation: in each suite a root, and below it one that issues for each area, so that a stolen or
 * faulty one reaches no further than its area. A successor is a new authority with a key of its own; the one before keeps up its
 * lists and answers as long as what it issued lives.
 */
import { type Certificate, parseCertificate } from '#pki/certificate.ts';
import { type CertificateProfile, ISSUING_AREAS, type IssuingArea } from '#pki/profiles.ts';
import { Problem } from '#problem.ts';
import type { Database } from '#storage/database.ts';
import { type AuthoritySuite, type CertificateDeps, suiteLabel } from './certificate-deps.ts';

/** `general`: the one authority for everything that earlier installations had. It issues no more. */
export type AuthorityArea = 'root' | IssuingArea | 'general';
/** `offline`: a root whose key is not in the key store. */
export type AuthorityState = 'current' | 'offline' | 'retired';

export interface Authority {
  keyName: string;
  area: AuthorityArea;
  suite: AuthoritySuite;
  generation: number;
  state: AuthorityState;
  certificate: Certificate;
  /** Key name of the authority that issued it: a root's own. */
  issuerKey: string;
  /** How many partition lists it keeps up; 0 for none. */
  crlPartitions: number;
}

type Reading = Pick<CertificateDeps, 'db'>;

/** `ca-root-sm2`, `ca-persons-p256`, `ca-persons-p256-2` …: the key in the key store, and the file name in `/crl` and `/ca`. */
export function authorityKeyName(area: Exclude<AuthorityArea, 'general'>, suite: AuthoritySuite, generation = 1): string {
  return `ca-${area}-${suiteLabel(suite)}${generation === 1 ? '' : `-${generation}`}`;
}

interface KnownCertificate {
  certificate: Certificate;
  issuerKey: string;
}

/** An authority has one certificate, and that does not change: each is read once for a database. */
const knownOf = new WeakMap<Database, Map<string, KnownCertificate>>();

/** All that have a certificate: roots first, then by area, the newest first in each. */
export async function listAuthorities({ db }: Reading): Promise<Authority[]> {
  const rows = await db.certificateAuthority.findMany({ orderBy: [{ suite: 'asc' }, { area: 'asc' }, { generation: 'desc' }] });
  const known = knownOf.get(db) ?? new Map<string, KnownCertificate>();
  knownOf.set(db, known);
  const missing = rows.map(({ keyName }) => keyName).filter((keyName) => !known.has(keyName));
  if (missing.length > 0) await readCertificates(db, missing, known);
  const authorities = rows.flatMap((row): Authority[] => {
    const issued = known.get(row.keyName);
    if (!issued) return [];
    const { keyName, generation, crlPartitions } = row;
    const { area, suite, state } = row as { area: AuthorityArea; suite: AuthoritySuite; state: AuthorityState };
    return [{ keyName, area, suite, generation, state, crlPartitions, ...issued }];
  });
  return [...authorities.filter(isRoot), ...authorities.filter((authority) => !isRoot(authority))];
}

async function readCertificates(db: Database, keyNames: readonly string[], into: Map<string, KnownCertificate>): Promise<void> {
  const rows = await db.issuedCertificate.findMany({
    where: { authorityKey: { in: [...keyNames] }, der: { not: null } },
    select: { authorityKey: true, issuerKey: true, der: true },
  });
  for (const { authorityKey, issuerKey, der } of rows) {
    if (authorityKey && der) into.set(authorityKey, { certificate: parseCertificate(der), issuerKey });
  }
}

/** A successor is noticed after this by whoever asks for the recent list. */
const RECENT_MS = 5_000;
const recent = new WeakMap<Database, { at: number; list: Promise<Authority[]> }>();

/** As `listAuthorities` a few seconds ago at most: for those whose statement checks in the database that the authority still issues. */
export function recentAuthorities(deps: Reading): Promise<Authority[]> {
  const known = recent.get(deps.db);
  if (known && performance.now() - known.at < RECENT_MS) return known.list;
  const list = listAuthorities(deps);
  list.catch(() => recent.delete(deps.db));
  recent.set(deps.db, { at: performance.now(), list });
  return list;
}

/** What was changed in this process is seen by it at once. */
export function forgetRecentAuthorities({ db }: Reading): void {
  recent.delete(db);
}

export function isRoot({ area }: Pick<Authority, 'area'>): boolean {
  return area === 'root';
}

/** The one that issues in an area, or the root in use, whether or not its key is at hand. Throws Problem `authority-missing`. */
export async function currentAuthority(deps: Reading, area: AuthorityArea, suite: AuthoritySuite): Promise<Authority> {
  const authorities = await listAuthorities(deps);
  const found = authorities.find((authority) => authority.area === area && authority.suite === suite && authority.state !== 'retired');
  if (!found) throw new Problem('authority-missing');
  return found;
}

/** The authority with this key. Throws Problem `authority-missing`. */
export async function requireAuthority(deps: Reading, keyName: string): Promise<Authority> {
  const found = (await listAuthorities(deps)).find((authority) => authority.keyName === keyName);
  if (!found) throw new Problem('authority-missing');
  return found;
}

/** The area whose authority signs this profile; undefined for authorities themselves, and for what each authority signs for itself. */
export function areaOf({ issuer }: Pick<CertificateProfile, 'issuer'>): IssuingArea | undefined {
  return ISSUING_AREAS.find((area) => area === issuer);
}
