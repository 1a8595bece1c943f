/** The certificates that somebody enrolled for, and whose a certificate is. */
import { digest } from '#crypto/suite.ts';
import { type Certificate, parseCertificate } from '#pki/certificate.ts';
import type { RevocationReason } from '#pki/crl.ts';
import type { ProfileName } from '#pki/profiles.ts';
import type { EnrolDeps, Holder } from './enrolment.ts';
import { holderOf } from './enrolment.ts';
import { RENEWAL_WINDOW_DAYS } from './enrolment-limits.ts';

type Reading = Pick<EnrolDeps, 'db' | 'clock'>;
const DAY_MS = 86_400_000;
/** No holder has more, by the limits and the years; a list is never endless. */
const MAX_LISTED = 500;

export interface HeldCertificate {
  serialHex: string;
  profile: ProfileName;
  suite: string;
  /** Common name. */
  subject: string;
  holder: Holder;
  notBefore: Date;
  notAfter: Date;
  status: 'good' | 'revoked' | 'expired' | 'not-yet-valid';
  revokedAt?: Date;
  reason?: RevocationReason;
  /** Its end is near, and nothing follows it yet. */
  renewable: boolean;
  renewedBy?: string;
  /** SHA-256 of the SubjectPublicKeyInfo, hex: by this a browser finds the key it made. */
  keyFingerprint: string;
  certificate: Certificate;
}

export type HolderQuery = { personId: string } | { organisationId: string } | { deviceId: string };

/** Newest first. Those of an organisation come without its devices'. */
export async function listHeldCertificates(deps: Reading, query: HolderQuery): Promise<HeldCertificate[]> {
  const where = 'organisationId' in query ? { ...query, deviceId: null } : query;
  const rows = await deps.db.certificateRequest.findMany({
    where: { ...where, status: 'issued' },
    orderBy: { id: 'desc' },
    take: MAX_LISTED,
  });
  return describe(
    deps,
    rows.flatMap((row) => (row.serialHex ? [{ serialHex: row.serialHex, holder: holderOf(row) }] : [])),
  );
}

/** One certificate that was enrolled for; undefined for any other. */
export async function findHeldCertificate(deps: Reading, serialHex: string): Promise<HeldCertificate | undefined> {
  const holder = await findHolder(deps, serialHex);
  return holder && (await describe(deps, [{ serialHex, holder }]))[0];
}

/** Whose certificate it is; undefined for those nobody enrolled for: authorities, seals, services. */
export async function findHolder({ db }: Pick<EnrolDeps, 'db'>, serialHex: string): Promise<Holder | undefined> {
  const row = await db.certificateRequest.findUnique({ where: { serialHex } });
  return row ? holderOf(row) : undefined;
}

async function describe(deps: Reading, held: readonly { serialHex: string; holder: Holder }[]): Promise<HeldCertificate[]> {
  const serials = held.map(({ serialHex }) => serialHex);
  const at = deps.clock.now();
  const [rows, followers] = await Promise.all([
    deps.db.issuedCertificate.findMany({ where: { serialHex: { in: serials }, der: { not: null } }, omit: { tbs: true } }),
    deps.db.certificateRequest.findMany({
      where: { renewsSerial: { in: serials }, status: { in: ['requested', 'approved', 'issued'] } },
      select: { renewsSerial: true, serialHex: true },
    }),
  ]);
  return held.flatMap(({ serialHex, holder }) => {
    const row = rows.find((candidate) => candidate.serialHex === serialHex);
    if (!row?.der) return [];
    const certificate = parseCertificate(row.der);
    const follower = followers.find(({ renewsSerial }) => renewsSerial === serialHex);
    const status = statusOf(row, at);
    const { profile, suite, subject, notBefore, notAfter, revokedAt, revocationReason } = row;
    return [
      {
        ...{ serialHex, profile: profile as ProfileName, suite, subject, holder, notBefore, notAfter, status, certificate },
        renewable: status === 'good' && !follower && isInRenewalWindow(notAfter, at),
        keyFingerprint: Buffer.from(digest('sha256', certificate.spki)).toString('hex'),
        ...(revokedAt ? { revokedAt, reason: (revocationReason ?? 'unspecified') as RevocationReason } : {}),
        ...(follower?.serialHex ? { renewedBy: follower.serialHex } : {}),
      },
    ];
  });
}

export function isInRenewalWindow(notAfter: Date, at: Date): boolean {
  return at <= notAfter && at.getTime() >= notAfter.getTime() - RENEWAL_WINDOW_DAYS * DAY_MS;
}

function statusOf(row: { revokedAt: Date | null; notBefore: Date; notAfter: Date }, at: Date): HeldCertificate['status'] {
  if (row.revokedAt) return 'revoked';
  if (at > row.notAfter) return 'expired';
  return at < row.notBefore ? 'not-yet-valid' : 'good';
}
