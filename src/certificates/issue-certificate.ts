/** Issues a certificate by profile: lint, store the bytes to be signed, sign, store the certificate. */
import { type AuditEventInput, recordEvents } from '#audit/record-event.ts';
import type { SubjectAltName } from '#pki/build-certificate.ts';
import type { Certificate } from '#pki/certificate.ts';
import type { Mandate } from '#pki/holder-extensions.ts';
import type { ProfileName } from '#pki/profiles.ts';
import { Problem } from '#problem.ts';
import type { Transaction } from '#storage/database.ts';
import { listAuthorities, recentAuthorities } from './authorities.ts';
import type { AuthoritySuite, CertificateDeps } from './certificate-deps.ts';
import { gatherIssuing } from './gather-issuing.ts';
import { keyDigestOf, type PreparedCertificate, prepareCertificate } from './prepare-certificate.ts';
import { signCertificates } from './sign-certificate.ts';
import { storeCertificates } from './store-certificates.ts';

/** Parameters of one statement are limited; a batch of this size costs each certificate next to nothing. */
const MAX_AT_ONCE = 500;

export interface CertificateSubject {
  commonName: string;
  organisation?: string;
  organisationalUnit?: string;
  /** Unified social credit code of the organisation. */
  uscc?: string;
  /** Our own code for an organisation that has none. */
  internalCode?: string;
  /** GM/T 0015 numbers. identifyCode as `protectIdentifyCode` writes it, never in clear. */
  identifyCode?: string;
  taxationNumber?: string;
  registrationNumber?: string;
  province?: string;
  locality?: string;
  /** Default CN. */
  country?: string;
}

export interface IssueCertificateInput {
  profile: ProfileName;
  /** Suite of the authority that signs. */
  suite: AuthoritySuite;
  /** For profiles that each authority signs for itself: key name of the one that signs. */
  issuerKey?: string;
  subject: CertificateSubject;
  spki: Uint8Array;
  /** Default: now. */
  notBefore?: Date;
  days: number;
  /** Actor, as the audit log names it. */
  by: string;
  subjectAltNames?: readonly SubjectAltName[];
  /** For agents: the certificate ends with it at the latest. */
  mandate?: Mandate;
  /** Written in the transaction that stores the certificate, before it is signed: if it throws, there is no certificate. */
  within?: (tx: Transaction, serialHex: string) => Promise<void>;
}

export interface IssuedCertificate {
  certificate: Certificate;
  /** Leaf, issuing authority, root. */
  chain: Certificate[];
}

/**
 * Throws Problem `invalid-input` (key or life), `certificate-refused` (the lint says why), `authority-missing`,
 * `certificate-key-compromised`, `certificate-key-of-other-kind`.
 */
export async function issueCertificate(deps: CertificateDeps, input: IssueCertificateInput): Promise<IssuedCertificate> {
  // What writes more in its transaction has it to itself.
  if (!input.within) return gatherIssuing(issueCertificates, deps, input);
  const [issued] = await issueCertificates(deps, [input]);
  if (!issued) throw new Error('one asked for, none issued');
  return issued;
}

/** Many at once, in the same order: all are stored in one transaction, or none. Throws what `issueCertificate` throws, for the first that is refused. */
export async function issueCertificates(deps: CertificateDeps, inputs: readonly IssueCertificateInput[]): Promise<IssuedCertificate[]> {
  if (inputs.length > MAX_AT_ONCE) throw new RangeError(`At most ${MAX_AT_ONCE} certificates are issued at once.`);
  const prepared = (await storeQuickly(deps, inputs)) ?? (await storeWithCare(deps, inputs));
  const certificates = await signCertificates(
    deps,
    prepared.map(({ row }) => row),
  );
  return prepared.flatMap(({ authority, root }, index) => {
    const certificate = certificates[index];
    return certificate ? [{ certificate, chain: [certificate, authority.certificate, root.certificate] }] : [];
  });
}

/**
 * One statement, which itself looks whether the authorities still issue and the keys are free. Undefined when it stored nothing, or
 * when more is to be written in the transaction.
 */
async function storeQuickly(deps: CertificateDeps, inputs: readonly IssueCertificateInput[]): Promise<PreparedCertificate[] | undefined> {
  if (inputs.some(({ within }) => within)) return undefined;
  const authorities = await recentAuthorities(deps);
  if (authorities.length === 0) return undefined;
  const prepared = inputs.map((input) => prepareCertificate(input, { authorities, publicOrigin: deps.publicOrigin, at: deps.clock.now() }));
  requireFreeKeys([], prepared);
  try {
    const isStored = await storeCertificates(deps, { rows: prepared.map(({ row }) => row), events: prepared.map(issueEvent) });
    return isStored ? prepared : undefined;
  } catch (error) {
    if (isKeyConflict(error)) return undefined;
    throw error;
  }
}

/** The database's own word, where two asked for one key in the same moment and neither saw the other. */
function isKeyConflict(error: unknown): boolean {
  return error instanceof Error && error.message.includes('this key is certified under another profile');
}

/** Looks at everything anew, so that a refusal says why. */
async function storeWithCare(deps: CertificateDeps, inputs: readonly IssueCertificateInput[]): Promise<PreparedCertificate[]> {
  const at = deps.clock.now();
  const [authorities, earlier] = await Promise.all([listAuthorities(deps), earlierUses(deps, inputs)]);
  const prepared = inputs.map((input) => prepareCertificate(input, { authorities, publicOrigin: deps.publicOrigin, at }));
  requireFreeKeys(earlier, prepared);
  try {
    // In the order of their keys, as `store_certificates` does: two batches with the same keys do not wait for each other.
    const rows = prepared.map(({ row }) => row).sort((a, b) => Buffer.compare(a.keyDigest, b.keyDigest));
    await deps.db.$transaction(async (tx) => {
      await tx.issuedCertificate.createMany({ data: rows });
      await recordEvents(tx, prepared.map(issueEvent));
      for (const { input, row } of prepared) await input.within?.(tx, row.serialHex);
    });
  } catch (error) {
    throw isKeyConflict(error) ? new Problem('certificate-key-of-other-kind', { cause: error }) : error;
  }
  return prepared;
}

function issueEvent({ row }: PreparedCertificate): AuditEventInput {
  const { profile, suite, issuerKey: issuer } = row;
  return {
    kind: 'certificate-issued',
    actor: row.issuedBy,
    subject: `certificate:${row.serialHex}`,
    detail: { profile, suite, issuer, notAfter: row.notAfter.toISOString() },
    at: row.issuedAt,
  };
}

interface KeyUse {
  keyDigest: Uint8Array | null;
  profile: string;
  revocationReason: string | null;
}

function earlierUses({ db }: CertificateDeps, inputs: readonly IssueCertificateInput[]): Promise<KeyUse[]> {
  return db.issuedCertificate.findMany({
    where: { keyDigest: { in: inputs.map(({ spki }) => keyDigestOf(spki)) } },
    select: { keyDigest: true, profile: true, revocationReason: true },
  });
}

/** A key whose secret is out gets no certificate again, and one key does not speak in two capacities. */
function requireFreeKeys(earlier: readonly KeyUse[], prepared: readonly PreparedCertificate[]): void {
  const uses = [...earlier, ...prepared.map(({ row }) => ({ keyDigest: row.keyDigest, profile: row.profile, revocationReason: null }))];
  const profiles = new Map<string, string>();
  for (const { keyDigest, profile, revocationReason } of uses) {
    if (revocationReason === 'key-compromise' || revocationReason === 'ca-compromise') throw new Problem('certificate-key-compromised');
    const key = Buffer.from(keyDigest ?? []).toString('hex');
    if ((profiles.get(key) ?? profile) !== profile) throw new Problem('certificate-key-of-other-kind');
    profiles.set(key, profile);
  }
}
