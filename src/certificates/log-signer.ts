/**
 * The keys of our public records, the issuance log and the trust list: one in each suite, with a `service-signer` certificate of ours,
 * so that whoever trusts our roots can tell the records are ours. Certificates are renewed in good time; the keys stay.
 */
import { OID } from '#crypto/oids.ts';
import { type Certificate, parseCertificate } from '#pki/certificate.ts';
import { attributeOf } from '#pki/name.ts';
import type { KeyPurpose, StoredKey } from '#ports/key-store.ts';
import { Problem } from '#problem.ts';
import { currentKeyName, keyNamesOf } from '#storage/key-generations.ts';
import { AUTHORITY_SUITES, type AuthoritySuite, type CertificateDeps } from './certificate-deps.ts';
import { trustedCertificates } from './find-certificates.ts';
import { issueCertificate } from './issue-certificate.ts';

const DAY_MS = 86_400_000;
const LIFE_DAYS = 730;
const RENEW_DAYS = 90;

export type RecordRole = 'issuance-log' | 'trust-list';

const PLANS: Record<RecordRole, { keyPrefix: string; purpose: KeyPurpose; commonName: string }> = {
  'issuance-log': { keyPrefix: 'log', purpose: 'tree-head', commonName: '签发日志签名' },
  'trust-list': { keyPrefix: 'trust-list', purpose: 'trust-list', commonName: '信任列表签名' },
};

export interface RecordSigner {
  key: StoredKey;
  suite: AuthoritySuite;
  purpose: KeyPurpose;
}

/** `log-p256`, `trust-list-sm2` …. */
export function recordKeyName(role: RecordRole, suite: AuthoritySuite): string {
  return `${PLANS[role].keyPrefix}-${suite === 'sm2-sm3' ? 'sm2' : 'p256'}`;
}

/** The keys of a record, P-256 first, those missing made. */
export async function recordSigners(deps: Pick<CertificateDeps, 'keys' | 'db'>, role: RecordRole): Promise<RecordSigner[]> {
  const suites = AUTHORITY_SUITES.filter((suite) => deps.keys.suites.includes(suite)).toReversed();
  return Promise.all(suites.map(async (suite) => ({ key: await findOrCreate(deps, role, suite), suite, purpose: PLANS[role].purpose })));
}

/** Those that exist, of all generations, for readers: nothing is made. */
export async function findRecordKeys(deps: Pick<CertificateDeps, 'keys' | 'db'>, role: RecordRole): Promise<StoredKey[]> {
  const names = await Promise.all(AUTHORITY_SUITES.toReversed().map((suite) => keyNamesOf(deps.db, recordKeyName(role, suite))));
  const found = await Promise.all(names.flat().map((name) => deps.keys.find(name)));
  return found.filter((key) => key !== undefined);
}

/** Certifies each key that has no certificate left for three months. Answers how many. */
export async function certifyRecordKeys(deps: CertificateDeps, role: RecordRole): Promise<number> {
  let made = 0;
  for (const { key, suite } of await recordSigners(deps, role)) {
    const present = await findRecordCertificate(deps, key);
    if (present && present.notAfter.getTime() - deps.clock.now().getTime() >= RENEW_DAYS * DAY_MS) continue;
    const [authority] = (await trustedCertificates(deps)).roots;
    await issueCertificate(deps, {
      profile: 'service-signer',
      suite,
      subject: {
        commonName: `${PLANS[role].commonName} ${key.name}`,
        organisation: (authority && attributeOf(authority.subject, OID.organisation)) ?? 'Tongren',
      },
      spki: key.spki,
      days: LIFE_DAYS,
      by: 'system:records',
    });
    made += 1;
  }
  return made;
}

/** The newest certificate of this key that holds now. */
export async function findRecordCertificate(
  deps: Pick<CertificateDeps, 'db' | 'clock'>,
  key: Pick<StoredKey, 'spki' | 'suite'>,
): Promise<Certificate | undefined> {
  const now = deps.clock.now();
  const rows = await deps.db.issuedCertificate.findMany({
    where: {
      profile: 'service-signer',
      suite: key.suite,
      der: { not: null },
      revokedAt: null,
      notBefore: { lte: now },
      notAfter: { gt: now },
    },
    select: { der: true },
    orderBy: { notAfter: 'desc' },
    take: 50,
  });
  return rows.map(({ der }) => parseCertificate(der ?? new Uint8Array())).find(({ spki }) => Buffer.compare(spki, key.spki) === 0);
}

/** Leaf first, without the root; empty while the key has no certificate. */
export async function recordChain(
  deps: Pick<CertificateDeps, 'db' | 'clock'>,
  key: Pick<StoredKey, 'spki' | 'suite'>,
): Promise<Certificate[]> {
  const leaf = await findRecordCertificate(deps, key);
  if (!leaf) return [];
  const { issuing } = await trustedCertificates(deps);
  const issuer = issuing.find(({ subject }) => Buffer.compare(subject.der, leaf.issuer.der) === 0);
  return issuer ? [leaf, issuer] : [leaf];
}

/** Of two processes that start at once, one makes it and the other finds it. */
async function findOrCreate(
  { db, keys }: Pick<CertificateDeps, 'keys' | 'db'>,
  role: RecordRole,
  suite: AuthoritySuite,
): Promise<StoredKey> {
  const name = await currentKeyName(db, recordKeyName(role, suite));
  const found = await keys.find(name);
  if (found) return found;
  try {
    return await keys.create(name, suite, [PLANS[role].purpose]);
  } catch (error) {
    const other = error instanceof Problem && error.code === 'key-exists' ? await keys.find(name) : undefined;
    if (!other) throw error;
    return other;
  }
}
