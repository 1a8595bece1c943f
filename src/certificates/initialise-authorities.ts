/** The root and the issuing authority of each suite. Idempotent: a restart, and a start after a crash in the middle, finds them as they were. */
import { randomBytes } from 'node:crypto';
import { recordEvent } from '#audit/record-event.ts';
import { OID } from '#crypto/oids.ts';
import { encodeTbsCertificate, keyIdentifier } from '#pki/build-certificate.ts';
import type { Certificate } from '#pki/certificate.ts';
import { encodeName } from '#pki/name.ts';
import { PROFILES } from '#pki/profiles.ts';
import type { KeyStore, StoredKey } from '#ports/key-store.ts';
import { Problem } from '#problem.ts';
import { isUniqueViolation } from '#storage/database.ts';
import {
  AUTHORITY_SUITES,
  type AuthorityRole,
  type AuthoritySuite,
  authorityKeyName,
  type CertificateDeps,
  crlUrl,
  issuerUrl,
  wholeSeconds,
} from './certificate-deps.ts';
import { publishDueCrls } from './publish-crls.ts';
import { newSerial } from './serial.ts';
import { completeCertificate, requireCleanTbs } from './sign-certificate.ts';

const DAY_MS = 86_400_000;
const DEFAULT_ORGANISATION = '通认示范市';
const LABELS: Record<AuthorityRole, string> = { root: '根证书', issuing: '签发证书' };
const SUITE_LABELS: Record<AuthoritySuite, string> = { 'sm2-sm3': 'SM2', es256: 'P-256' };

export interface AuthorityNaming {
  /** Name of the authority: O of its certificates. */
  organisation?: string;
  province?: string;
  locality?: string;
}

/** Makes what is missing: keys, certificates, a first CRL of each authority. Throws when a key is gone that a certificate of ours names. */
export async function initialiseAuthorities(deps: CertificateDeps, naming: AuthorityNaming = {}): Promise<void> {
  for (const suite of AUTHORITY_SUITES) {
    const root = await ensureAuthority(deps, 'root', suite, naming);
    await ensureAuthority(deps, 'issuing', suite, naming, root);
  }
  await publishDueCrls(deps);
}

async function ensureAuthority(
  deps: CertificateDeps,
  role: AuthorityRole,
  suite: AuthoritySuite,
  naming: AuthorityNaming,
  root?: Certificate,
): Promise<Certificate> {
  const keyName = authorityKeyName(role, suite);
  const row = await deps.db.issuedCertificate.findUnique({ where: { authorityKey: keyName } });
  if (!row) return makeAuthority(deps, role, suite, naming, root);
  const certificate = await completeCertificate(deps, row.serialHex);
  const key = await deps.keys.find(keyName);
  if (!key || Buffer.compare(key.spki, certificate.spki) !== 0) {
    throw new Error(
      `The key store does not hold the key ${keyName} that the database's certificate names: the two belong to different installations.`,
    );
  }
  return certificate;
}

async function makeAuthority(
  deps: CertificateDeps,
  role: AuthorityRole,
  suite: AuthoritySuite,
  naming: AuthorityNaming,
  root: Certificate | undefined,
): Promise<Certificate> {
  const keyName = authorityKeyName(role, suite);
  const issuerKey = authorityKeyName('root', suite);
  const key = await findOrCreateKey(deps.keys, keyName, suite);
  const profile = PROFILES[role];
  const now = wholeSeconds(deps.clock.now());
  const subject = authorityName(role, suite, naming);
  const serial = newSerial(randomBytes);
  const tbs = encodeTbsCertificate({
    profile,
    suite,
    serial: serial.bytes,
    issuer: root?.subject.der ?? subject,
    subject,
    notBefore: now,
    notAfter: new Date(now.getTime() + profile.maxDays * DAY_MS),
    spki: key.spki,
    ...(root
      ? {
          issuerKeyIdentifier: keyIdentifier(root.spki),
          crlUrl: crlUrl(deps.publicOrigin, issuerKey),
          issuerUrl: issuerUrl(deps.publicOrigin, issuerKey),
        }
      : {}),
  });
  requireCleanTbs(tbs, suite);
  try {
    await deps.db.$transaction(async (tx) => {
      await tx.issuedCertificate.create({
        data: {
          serialHex: serial.hex,
          issuerKey,
          authorityKey: keyName,
          profile: role,
          suite,
          subject: commonName(role, suite, naming),
          notBefore: now,
          notAfter: new Date(now.getTime() + profile.maxDays * DAY_MS),
          tbs: Uint8Array.from(tbs),
          issuedAt: deps.clock.now(),
          issuedBy: 'system:authority',
        },
      });
      await recordEvent(tx, {
        kind: 'authority-created',
        actor: 'system:authority',
        subject: `certificate:${serial.hex}`,
        detail: { keyName, suite, role },
        at: deps.clock.now(),
      });
    });
  } catch (error) {
    // Another process made it at the same moment: theirs is the one.
    if (!isUniqueViolation(error)) throw error;
    return ensureAuthority(deps, role, suite, naming, root);
  }
  return completeCertificate(deps, serial.hex);
}

function authorityName(role: AuthorityRole, suite: AuthoritySuite, naming: AuthorityNaming): Uint8Array {
  const organisation = naming.organisation ?? DEFAULT_ORGANISATION;
  return encodeName([
    { oid: OID.country, value: 'CN' },
    ...(naming.province ? [{ oid: OID.province, value: naming.province }] : []),
    ...(naming.locality ? [{ oid: OID.locality, value: naming.locality }] : []),
    { oid: OID.organisation, value: organisation },
    { oid: OID.commonName, value: commonName(role, suite, naming) },
  ]);
}

function commonName(role: AuthorityRole, suite: AuthoritySuite, naming: AuthorityNaming): string {
  return `${naming.organisation ?? DEFAULT_ORGANISATION}${LABELS[role]} ${SUITE_LABELS[suite]}`;
}

async function findOrCreateKey(keys: KeyStore, name: string, suite: AuthoritySuite): Promise<StoredKey> {
  const found = await keys.find(name);
  if (found) return found;
  try {
    return await keys.create(name, suite, ['certificate', 'crl']);
  } catch (error) {
    const other = error instanceof Problem && error.code === 'key-exists' ? await keys.find(name) : undefined;
    if (!other) throw error;
    return other;
  }
}
