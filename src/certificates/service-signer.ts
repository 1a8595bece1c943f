/** The keys that answer for an issuing authority, one for status and one for time in each suite, with certificates renewed in good time. */
import { OID } from '#crypto/oids.ts';
import { digest, digestOfSuite } from '#crypto/suite.ts';
import { type Certificate, parseCertificate } from '#pki/certificate.ts';
import { attributeOf } from '#pki/name.ts';
import type { KeyPurpose, KeyStore, StoredKey } from '#ports/key-store.ts';
import { Problem } from '#problem.ts';
import { currentKeyName } from '#storage/key-generations.ts';
import { type Authority, currentAuthority, isRoot, listAuthorities } from './authorities.ts';
import { type AuthoritySuite, type CertificateDeps, suiteLabel } from './certificate-deps.ts';
import { issueCertificate } from './issue-certificate.ts';

export type ServiceRole = 'ocsp' | 'timestamp';

const DAY_MS = 86_400_000;
/** How long what was looked up is taken for true; a revoked service certificate is left after this. */
const KEEP_MS = 30_000;

interface RolePlan {
  keyPrefix: string;
  purpose: KeyPurpose;
  commonName: string;
  days: number;
  /** Renewed when less is left. */
  renewDays: number;
}

const PLANS: Record<ServiceRole, RolePlan> = {
  // Nobody can revoke it for those who trust it (nocheck), so it lives shortly.
  ocsp: { keyPrefix: 'ocsp', purpose: 'ocsp-response', commonName: '证书状态查询服务', days: 90, renewDays: 30 },
  // A token is believed as long as its certificate lives: each has at least four years before it.
  timestamp: { keyPrefix: 'tsa', purpose: 'timestamp', commonName: '时间戳服务', days: 1_826, renewDays: 1_461 },
};

export interface ServiceSigner {
  keyName: string;
  spki: Uint8Array;
  certificate: Certificate;
  /** Digest of the certificate in its suite, by which signatures name it. */
  certificateDigest: Uint8Array;
  /** The authority it answers for, which issued it. */
  issuing: Certificate;
}

const remembered = new WeakMap<KeyStore, Map<string, { signer: ServiceSigner; at: number }>>();

/** `ocsp-p256`, `tsa-sm2` …: the first generation. */
export function serviceKeyName(role: ServiceRole, suite: AuthoritySuite): string {
  return `${PLANS[role].keyPrefix}-${suiteLabel(suite)}`;
}

/**
 * Key and certificate of a service; made when missing, renewed when due. Status is certified by the authority it answers for (RFC 6960
 * §4.2.2.2), time by the one for services. While the signer cannot be reached, a certificate that is still valid goes on being used.
 * Throws Problem `authority-missing`, or what the key store throws.
 */
export async function findServiceSigner(
  deps: CertificateDeps,
  role: ServiceRole,
  suite: AuthoritySuite,
  answersFor?: Authority,
): Promise<ServiceSigner> {
  const keyName = await currentKeyName(deps.db, serviceKeyName(role, suite));
  const known = remembered.get(deps.keys) ?? new Map<string, { signer: ServiceSigner; at: number }>();
  remembered.set(deps.keys, known);
  const now = deps.clock.now().getTime();
  const place = `${keyName} ${answersFor?.keyName ?? ''}`;
  const recent = known.get(place);
  if (recent && Math.abs(now - recent.at) < KEEP_MS) return recent.signer;
  const signer = await lookUp(deps, role, suite, answersFor ?? (await currentAuthority(deps, 'services', suite)));
  known.set(place, { signer, at: now });
  return signer;
}

/** Makes and renews all of them; for the worker, and for the first question. */
export async function prepareServiceSigners(deps: CertificateDeps): Promise<void> {
  for (const authority of await listAuthorities(deps)) {
    if (isRoot(authority)) continue;
    await lookUp(deps, 'ocsp', authority.suite, authority);
    if (authority.area === 'services' && authority.state === 'current') await lookUp(deps, 'timestamp', authority.suite, authority);
  }
}

async function lookUp(deps: CertificateDeps, role: ServiceRole, suite: AuthoritySuite, authority: Authority): Promise<ServiceSigner> {
  const key = await findOrCreateKey(deps, role, suite);
  const now = deps.clock.now();
  const present = await findCertificate(deps, { role, key, now, authority });
  const left = present ? present.notAfter.getTime() - now.getTime() : 0;
  if (present && left >= PLANS[role].renewDays * DAY_MS) return signerOf(key, present, authority.certificate);
  try {
    return signerOf(key, await renew(deps, role, key, authority), authority.certificate);
  } catch (error) {
    if (!present) throw error;
    return signerOf(key, present, authority.certificate);
  }
}

function signerOf(key: StoredKey, certificate: Certificate, issuing: Certificate): ServiceSigner {
  const certificateDigest = digest(digestOfSuite(key.suite), certificate.der);
  return { keyName: key.name, spki: key.spki, certificate, certificateDigest, issuing };
}

interface Wanted {
  role: ServiceRole;
  key: StoredKey;
  now: Date;
  authority: Authority;
}

/** The newest certificate of this key that holds now. */
async function findCertificate(deps: CertificateDeps, { role, key, now, authority }: Wanted): Promise<Certificate | undefined> {
  const rows = await deps.db.issuedCertificate.findMany({
    where: {
      profile: role,
      issuerKey: authority.keyName,
      der: { not: null },
      revokedAt: null,
      notBefore: { lte: now },
      notAfter: { gt: now },
    },
    select: { der: true },
    orderBy: { notAfter: 'desc' },
    take: 10,
  });
  const found = rows.map(({ der }) => parseCertificate(der ?? new Uint8Array()));
  return found.find(({ spki }) => Buffer.compare(spki, key.spki) === 0);
}

async function renew(deps: CertificateDeps, role: ServiceRole, key: StoredKey, authority: Authority): Promise<Certificate> {
  const plan = PLANS[role];
  const issuing = authority.certificate;
  const daysOfIssuer = Math.floor((issuing.notAfter.getTime() - deps.clock.now().getTime()) / DAY_MS);
  const { certificate } = await issueCertificate(deps, {
    profile: role,
    suite: authority.suite,
    ...(role === 'ocsp' ? { issuerKey: authority.keyName } : {}),
    subject: { commonName: plan.commonName, organisation: attributeOf(issuing.subject, OID.organisation) ?? 'Tongren' },
    spki: key.spki,
    days: Math.min(plan.days, daysOfIssuer),
    by: 'system:status',
  });
  return certificate;
}

/** Of two processes that start at once, one makes it and the other finds it. */
async function findOrCreateKey({ db, keys }: CertificateDeps, role: ServiceRole, suite: AuthoritySuite): Promise<StoredKey> {
  const name = await currentKeyName(db, serviceKeyName(role, suite));
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
