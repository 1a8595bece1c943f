/** Makes one authority: key, certificate by its root (a root signs itself), row. Of two processes that make the same, one wins and both go on. */
import { randomBytes } from 'node:crypto';
import { recordEvent } from '#audit/record-event.ts';
import { OID } from '#crypto/oids.ts';
import { encodeTbsCertificate, keyIdentifier } from '#pki/build-certificate.ts';
import { attributeOf, encodeName, type Name } from '#pki/name.ts';
import { type IssuingArea, PROFILES } from '#pki/profiles.ts';
import type { KeyStore, StoredKey } from '#ports/key-store.ts';
import { Problem } from '#problem.ts';
import { isUniqueViolation, type Transaction } from '#storage/database.ts';
import { type Authority, authorityKeyName, requireAuthority } from './authorities.ts';
import { type AuthoritySuite, type CertificateDeps, crlUrl, issuerUrl, wholeSeconds } from './certificate-deps.ts';
import { newSerial } from './serial.ts';
import { completeCertificate, requireCleanTbs } from './sign-certificate.ts';

const DAY_MS = 86_400_000;
const DEFAULT_ORGANISATION = '通认示范市';
const LABELS: Record<'root' | IssuingArea, string> = {
  root: '根证书',
  persons: '个人证书签发',
  organisations: '机构证书签发',
  seals: '印章证书签发',
  devices: '设备证书签发',
  services: '服务证书签发',
};
const SUITE_NAMES: Record<AuthoritySuite, string> = { 'sm2-sm3': 'SM2', es256: 'P-256' };

export interface AuthorityNaming {
  /** Name of the authority: O of its certificates. Default: that of its root. */
  organisation?: string;
  province?: string;
  locality?: string;
}

export interface NewAuthority {
  area: 'root' | IssuingArea;
  suite: AuthoritySuite;
  naming?: AuthorityNaming;
  /** Absent for a root. Its key signs, under the name `root.keyName`. */
  root?: Authority;
  /** Default 1, the first of its area. */
  generation?: number;
  /** The authority that stops issuing in the same instant. */
  replaces?: Authority;
  /** The root's key will not stay in the key store. */
  offline?: boolean;
  by?: string;
}

/** Idempotent. Throws Problem `certificate-refused`, and what the key store throws. */
export async function makeAuthority(deps: CertificateDeps, input: NewAuthority): Promise<Authority> {
  const { area, suite, root, generation = 1, by = 'system:authority' } = input;
  const keyName = authorityKeyName(area, suite, generation);
  const row = await deps.db.issuedCertificate.findUnique({ where: { authorityKey: keyName }, select: { serialHex: true } });
  if (row) {
    await completeCertificate(deps, row.serialHex);
    return admit(deps, input, keyName);
  }
  const key = await findOrCreateKey(deps.keys, keyName, suite);
  const profile = PROFILES[area === 'root' ? 'root' : 'issuing'];
  const now = wholeSeconds(deps.clock.now());
  const issuerKey = root?.keyName ?? keyName;
  const subject = authorityName(input);
  const serial = newSerial(randomBytes);
  const notAfter = new Date(
    Math.min(now.getTime() + profile.maxDays * DAY_MS, root?.certificate.notAfter.getTime() ?? Number.POSITIVE_INFINITY),
  );
  const tbs = encodeTbsCertificate({
    profile,
    suite,
    serial: serial.bytes,
    issuer: root?.certificate.subject.der ?? subject.der,
    subject: subject.der,
    notBefore: now,
    notAfter,
    spki: key.spki,
    ...(root
      ? {
          issuerKeyIdentifier: keyIdentifier(root.certificate.spki),
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
          profile: profile.name,
          suite,
          subject: subject.commonName,
          notBefore: now,
          notAfter,
          tbs: Uint8Array.from(tbs),
          issuedAt: deps.clock.now(),
          issuedBy: by,
        },
      });
      await recordEvent(tx, {
        kind: 'authority-created',
        actor: by,
        subject: `certificate:${serial.hex}`,
        detail: { keyName, suite, area },
        at: deps.clock.now(),
      });
    });
  } catch (error) {
    // Another process made it at the same moment: theirs is the one.
    if (!isUniqueViolation(error)) throw error;
    return makeAuthority(deps, input);
  }
  await completeCertificate(deps, serial.hex);
  return admit(deps, input, keyName);
}

/** From here on it issues, and the one it replaces does not: only once its certificate is there, so that an area is never without. */
async function admit(deps: CertificateDeps, input: NewAuthority, keyName: string): Promise<Authority> {
  const { area, suite, generation = 1, replaces } = input;
  const at = wholeSeconds(deps.clock.now());
  const state = input.offline ? 'offline' : 'current';
  try {
    await deps.db.$transaction(async (tx) => {
      if (await tx.certificateAuthority.findUnique({ where: { keyName } })) return;
      if (replaces) await retire(tx, replaces, at);
      await tx.certificateAuthority.create({
        data: { keyName, area, suite, generation, state, createdAt: at, crlPartitions: replaces?.crlPartitions ?? 0 },
      });
    });
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
  }
  return requireAuthority(deps, keyName);
}

/** The guard is in the WHERE clause: of two successors at once one is refused. Throws Problem `authority-not-current`. */
async function retire(tx: Transaction, { keyName }: Authority, at: Date): Promise<void> {
  const { count } = await tx.certificateAuthority.updateMany({
    where: { keyName, state: { not: 'retired' } },
    data: { state: 'retired', retiredAt: at },
  });
  if (count !== 1) throw new Problem('authority-not-current');
}

function authorityName({ area, suite, naming = {}, root, generation = 1 }: NewAuthority): { der: Uint8Array; commonName: string } {
  const inherited = (oid: string) => (root ? attributeOf(root.certificate.subject as Name, oid) : undefined);
  const organisation = naming.organisation ?? inherited(OID.organisation) ?? DEFAULT_ORGANISATION;
  const province = naming.province ?? inherited(OID.province);
  const locality = naming.locality ?? inherited(OID.locality);
  const commonName = `${organisation}${LABELS[area]} ${SUITE_NAMES[suite]}${generation === 1 ? '' : ` G${generation}`}`;
  const der = encodeName([
    { oid: OID.country, value: 'CN' },
    ...(province ? [{ oid: OID.province, value: province }] : []),
    ...(locality ? [{ oid: OID.locality, value: locality }] : []),
    { oid: OID.organisation, value: organisation },
    { oid: OID.commonName, value: commonName },
  ]);
  return { der, commonName };
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
