/** The worker's look-out: whose certificate ends soon, whose was revoked. */
import { PROFILES } from '#pki/profiles.ts';
import { EXPIRY_NOTICE_DAYS, type NoticeKind, noteForHolder } from './certificate-notices.ts';
import type { EnrolDeps } from './enrolment.ts';

const DAY_MS = 86_400_000;
const BATCH = 500;
/** A revocation that was not told within this (the worker was away so long) is old news. */
const REVOKED_DAYS = 30;
const LEAF_PROFILES = Object.values(PROFILES).flatMap(({ ca, name }) => (ca ? [] : [name as string]));

interface Concerned {
  serialHex: string;
  personId: string | null;
  organisationId: string | null;
  deviceId: string | null;
}

/**
 * Writes the notices that are due and returns how many. Of several steps passed at once (the worker was away, or the notice is new)
 * only the nearest is told; nothing is told of a certificate that another one follows.
 */
export async function writeCertificateNotices(deps: Pick<EnrolDeps, 'db' | 'clock'>): Promise<number> {
  let written = await write(deps, 'revoked', await findRevoked(deps));
  for (const [index, days] of EXPIRY_NOTICE_DAYS.entries()) {
    const nextStep = EXPIRY_NOTICE_DAYS[index + 1] ?? 0;
    written += await write(deps, `expires-${days}`, await findEnding(deps, { kind: `expires-${days}`, from: nextStep, to: days }));
  }
  return written;
}

async function write({ db, clock }: Pick<EnrolDeps, 'db' | 'clock'>, kind: NoticeKind, found: readonly Concerned[]): Promise<number> {
  if (found.length === 0) return 0;
  return db.$transaction(async (tx) => {
    let written = 0;
    for (const row of found) if (await noteForHolder(tx, { row, serialHex: row.serialHex, kind, at: clock.now() })) written += 1;
    return written;
  });
}

function findRevoked({ db, clock }: Pick<EnrolDeps, 'db' | 'clock'>): Promise<Concerned[]> {
  const since = new Date(clock.now().getTime() - REVOKED_DAYS * DAY_MS);
  return db.$queryRaw<Concerned[]>`
    SELECT r.serial_hex AS "serialHex", r.person_id AS "personId", r.organisation_id AS "organisationId", r.device_id AS "deviceId"
    FROM issued_certificate c JOIN certificate_request r ON r.serial_hex = c.serial_hex
    WHERE c.revoked_at IS NOT NULL AND c.revoked_at > ${since}
      AND NOT EXISTS (SELECT 1 FROM certificate_notice n WHERE n.serial_hex = c.serial_hex AND n.kind = 'revoked')
    ORDER BY c.revoked_at LIMIT ${BATCH}`;
}

/** Certificates with more than `from` and at most `to` days left. */
function findEnding(
  { db, clock }: Pick<EnrolDeps, 'db' | 'clock'>,
  { kind, from, to }: { kind: NoticeKind; from: number; to: number },
): Promise<Concerned[]> {
  const after = new Date(clock.now().getTime() + from * DAY_MS);
  const until = new Date(clock.now().getTime() + to * DAY_MS);
  return db.$queryRaw<Concerned[]>`
    SELECT r.serial_hex AS "serialHex", r.person_id AS "personId", r.organisation_id AS "organisationId", r.device_id AS "deviceId"
    FROM issued_certificate c JOIN certificate_request r ON r.serial_hex = c.serial_hex
    WHERE c.profile = ANY(${LEAF_PROFILES}) AND c.not_after > ${after} AND c.not_after <= ${until}
      AND c.revoked_at IS NULL AND c.der IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM certificate_request f WHERE f.renews_serial = c.serial_hex AND f.status = 'issued')
      AND NOT EXISTS (SELECT 1 FROM certificate_notice n WHERE n.serial_hex = c.serial_hex AND n.kind = ${kind})
    ORDER BY c.not_after LIMIT ${BATCH}`;
}
