/**
 * The second half of issuing: files made, sealed, encrypted and stored, then one transaction that makes the licence exist.
 *
 * Each try is a row of its own and names its files after itself, so two tries at one licence never write over each other.
 * Whoever commits must still own a living try; the cleaner first takes that away and only then removes files. So at any
 * moment either no file counts, or exactly the two whose digests the licence holds.
 */
import { recordEvent } from '#audit/record-event.ts';
import { Problem } from '#problem.ts';
import { describeSealedFile, recordSealUse } from '#seals/record-seal-use.ts';
import type { Transaction } from '#storage/database.ts';
import { refuseClosedKey } from '#storage/sealed-places.ts';
import type { LicenceDeps } from './licence-deps.ts';
import { isReplaceable, type StoredStatus } from './licence-status.ts';
import { type LicenceFiles, type LicenceRow, makeLicenceFiles } from './make-licence-files.ts';
import { noteStatusChange } from './note-status-change.ts';

export const LICENCE_FORMATS = ['ofd', 'pdf'] as const;
export type LicenceFormat = (typeof LICENCE_FORMATS)[number];

/** @throws Problem `licence-issue-unfinished` when another try, or the cleaner, was faster; and what making the files throws. */
export async function finishLicence(deps: LicenceDeps, licenceId: string, actor: string): Promise<void> {
  const { db, clock, fields, files } = deps;
  const row = await db.licence.findUnique({ where: { id: licenceId } });
  if (row?.status !== 'preparing') throw new Problem('licence-issue-unfinished');
  const attempt = await db.issueAttempt.create({ data: { licenceId, startedAt: clock.now() } });
  const made = await makeLicenceFiles(deps, row, actor);
  const sealed = LICENCE_FORMATS.map((format) => ({ format, bytes: fields.seal(filePlaceOf(row.id, format), made[format]) }));
  const puts = sealed.map(({ format, bytes }) => files.put(fileNameOf(row.id, attempt.id, format), bytes));
  // Both have ended, one way or the other, before this try does: nothing is written after the cleaner looked.
  await Promise.allSettled(puts);
  await Promise.all(puts);
  try {
    await commitLicence(deps, row, { id: attempt.id, keyVersion: Math.min(...sealed.map(({ bytes }) => bytes[0] ?? 0)) }, made, actor);
  } catch (error) {
    if (error instanceof Problem && error.code === 'licence-issue-unfinished') {
      // The cleaner may have looked before these were written, so it falls to us.
      for (const format of LICENCE_FORMATS) await files.remove(fileNameOf(row.id, attempt.id, format));
    }
    throw error;
  }
}

/** The instant from which the licence exists. */
async function commitLicence(
  { db, clock }: LicenceDeps,
  row: LicenceRow,
  attempt: { id: string; keyVersion: number },
  made: LicenceFiles,
  actor: string,
): Promise<void> {
  const sealed = { ofd: describeSealedFile('ofd', made.ofd), pdf: describeSealedFile('pdf', made.pdf) };
  const digests = { ofd: sealed.ofd.digest, pdf: sealed.pdf.digest };
  const at = clock.now();
  await db.$transaction(async (tx) => {
    const owned = await tx.issueAttempt.deleteMany({ where: { id: attempt.id, abandonedAt: null } });
    const changed = await tx.licence.updateMany({
      where: { id: row.id, status: 'preparing' },
      data: {
        status: 'in-force',
        statusChangedAt: at,
        issuedAt: at,
        ofdFile: fileNameOf(row.id, attempt.id, 'ofd'),
        ofdDigest: digests.ofd,
        pdfFile: fileNameOf(row.id, attempt.id, 'pdf'),
        pdfDigest: digests.pdf,
      },
    });
    if (owned.count !== 1 || changed.count !== 1) throw new Problem('licence-issue-unfinished');
    await refuseClosedKey(tx, attempt.keyVersion);
    await recordSealUse(tx, {
      sealId: made.seal.sealId,
      subject: `licence:${row.id}`,
      licenceType: row.typeKey,
      files: LICENCE_FORMATS.map((format) => sealed[format]),
      actor,
      at,
    });
    if (row.replacesId) await supersede(tx, row, row.replacesId, actor, at);
    const { identifier, typeKey: type, version } = row;
    await recordEvent(tx, {
      kind: 'licence-issued',
      actor,
      subject: `licence:${row.id}`,
      detail: { identifier, type, version, ...digests, seal: made.seal.esId },
      at,
    });
  });
}

/** The version before ends in the instant the next one begins. */
async function supersede(tx: Transaction, row: LicenceRow, replacedId: string, actor: string, at: Date): Promise<void> {
  const replaced = await tx.licence.findUniqueOrThrow({ where: { id: replacedId } });
  if (!isReplaceable(replaced.status as StoredStatus)) throw new Problem('licence-not-replaceable');
  const { count } = await tx.licence.updateMany({
    where: { id: replacedId, status: replaced.status },
    data: { status: 'superseded', statusChangedAt: at },
  });
  if (count !== 1) throw new Problem('licence-not-replaceable');
  await noteStatusChange(tx, {
    licenceId: replacedId,
    from: replaced.status,
    to: 'superseded',
    reason: `replaced by ${row.identifier}`,
    actor,
    at,
  });
}

export function fileNameOf(licenceId: string, attemptId: string, format: LicenceFormat): string {
  return `licences/${licenceId}/${attemptId}.${format}.enc`;
}

/** Where the encrypted file belongs: moved to another licence or format it does not open. */
export function filePlaceOf(licenceId: string, format: LicenceFormat): string {
  return `licence.file:${licenceId}.${format}`;
}
