/**
 * The encryption certificate that goes with a signing certificate in force: of the same name, its key made and kept by us, handed to
 * the holder once. A key that got lost is recovered by two operators, never simply handed out again.
 */
import { encodePfx } from '#crypto/pfx.ts';
import { generateKeyPair } from '#crypto/suite.ts';
import type { Certificate } from '#pki/certificate.ts';
import { PROFILES } from '#pki/profiles.ts';
import { faultyField, Problem } from '#problem.ts';
import { isUniqueViolation, type Transaction } from '#storage/database.ts';
import type { AuthoritySuite } from './certificate-deps.ts';
import { noteForHolder } from './certificate-notices.ts';
import type { EnrolDeps } from './enrolment.ts';
import { requireStrongPassword } from './export-pkcs12.ts';
import { findHeldCertificate, type HeldCertificate } from './held-certificates.ts';
import { issueCertificate } from './issue-certificate.ts';
import { type ArchiveDeps, archiveKey, type KeyEnvelope, sealKeyFor } from './issue-pair.ts';
import type { RenewingParty } from './renew-certificate.ts';
import { requireOrganisationParty } from './request-organisation-certificate.ts';
import { requireCertain } from './request-person-certificate.ts';
import { subjectOfCertificate } from './subject-of-certificate.ts';

const DAY_MS = 86_400_000;

export type KeyHandover =
  | { as: 'envelope' }
  /** P-256 only. The holder sets the password; it is not kept. */
  | { as: 'pkcs12'; password: string };

export interface TakeEncryptionInput {
  /** Of the signing certificate. */
  serialHex: string;
  by: RenewingParty;
  handover: KeyHandover;
}

export interface TakenEncryption {
  certificate: Certificate;
  /** Leaf, issuing authority, root. */
  chain: Certificate[];
  /** Sealed for the signing key. */
  envelope?: KeyEnvelope;
  pfx?: Uint8Array;
}

/**
 * Once for each signing certificate; of two at once one is refused. Throws Problem `certificate-not-found` (also for those of others),
 * `certificate-not-usable`, `invalid-input` (kinds without a twin), `encryption-certificate-taken`, `pfx-suite-not-offered`,
 * `pfx-password-too-weak`, what proves the party, and what `issueCertificate` throws.
 */
export async function takeEncryptionCertificate(deps: EnrolDeps & ArchiveDeps, input: TakeEncryptionInput): Promise<TakenEncryption> {
  const { held, actor } = await requireOwnHeld(deps, input);
  const { handover } = input;
  if (held.status !== 'good') throw new Problem('certificate-not-usable');
  const profile = PROFILES[held.profile].encryptionTwin;
  if (!profile) throw faultyField('/serial', 'Certificates of this kind have no encryption certificate.', '此类证书不配加密证书。');
  const suite = held.suite as AuthoritySuite;
  if (handover.as === 'pkcs12') {
    if (suite !== 'es256') throw new Problem('pfx-suite-not-offered');
    requireStrongPassword(handover.password);
  }
  const days = Math.floor((held.notAfter.getTime() - deps.clock.now().getTime()) / DAY_MS);
  if (days < 1) throw new Problem('certificate-not-usable');
  const { mandate, subject } = subjectOfCertificate(held.certificate);
  const pair = generateKeyPair(suite);
  try {
    const issued = await issueCertificate(deps, {
      ...{ profile, suite, subject, spki: pair.spki, days: Math.min(days, PROFILES[profile].maxDays), by: actor },
      ...(mandate ? { mandate } : {}),
      within: async (tx, serialHex) => {
        await requireUnrevoked(tx, held.serialHex);
        await archiveKey(tx, deps, { serialHex, signingSerial: held.serialHex, suite, pkcs8: pair.pkcs8, by: actor });
        const row = await tx.certificateRequest.findUniqueOrThrow({ where: { serialHex: held.serialHex } });
        await noteForHolder(tx, { row, serialHex: held.serialHex, kind: 'encryption-issued', at: deps.clock.now() });
      },
    });
    if (handover.as === 'envelope') return { ...issued, envelope: sealKeyFor(held.certificate.spki, { suite, ...pair }) };
    const chain = issued.chain.map(({ der }) => der);
    const { password } = handover;
    return { ...issued, pfx: await encodePfx({ pkcs8: pair.pkcs8, chain, password, friendlyName: subject.commonName }) };
  } catch (error) {
    throw isUniqueViolation(error) ? new Problem('encryption-certificate-taken', { cause: error }) : error;
  } finally {
    pair.pkcs8.fill(0);
  }
}

/** Until the transaction ends the signing certificate is not revoked; who revokes it afterwards finds the new one and takes it along. */
async function requireUnrevoked(tx: Transaction, serialHex: string): Promise<void> {
  const rows = await tx.$queryRaw<unknown[]>`
    SELECT 1 FROM issued_certificate WHERE serial_hex = ${serialHex} AND revoked_at IS NULL FOR SHARE`;
  if (rows.length === 0) throw new Problem('certificate-not-usable');
}

/** The party's own certificate, and who acts. A person must be here now; staff must hold the role. */
export async function requireOwnHeld(
  deps: EnrolDeps,
  { serialHex, by }: { serialHex: string; by: RenewingParty },
): Promise<{ held: HeldCertificate; actor: string }> {
  const held = await findHeldCertificate(deps, serialHex);
  if (!held) throw new Problem('certificate-not-found');
  const { holder } = held;
  if ('session' in by) {
    if (holder.kind !== 'person' || holder.personId !== by.personId) throw new Problem('certificate-not-found');
    await requireCertain(deps, by.personId, by.session);
    return { held, actor: `person:${by.personId}` };
  }
  if (holder.kind !== 'organisation' || holder.organisationId !== by.organisationId) throw new Problem('certificate-not-found');
  return { held, actor: (await requireOrganisationParty(deps, by)).actor };
}

export interface EncryptionTwin {
  serialHex: string;
  notAfter: Date;
  revoked: boolean;
  /** How often its key was handed over again. */
  recoveries: number;
}

/** The encryption certificate of this signing certificate, if it was taken. */
export async function findEncryptionTwin({ db }: Pick<EnrolDeps, 'db'>, signingSerial: string): Promise<EncryptionTwin | undefined> {
  const archived = await db.archivedKey.findUnique({ where: { signingSerial } });
  const row = archived && (await db.issuedCertificate.findUnique({ where: { serialHex: archived.serialHex }, omit: { tbs: true } }));
  if (!row?.der) return undefined;
  const { serialHex, notAfter, revokedAt } = row;
  return { serialHex, notAfter, revoked: revokedAt !== null, recoveries: archived?.recoveries ?? 0 };
}
