/** Reading a licence's sealed file: by its holder, or by staff of the issuing organisation for a purpose the holder can read. */
import { createHash, randomUUID } from 'node:crypto';
import { recordEvent } from '#audit/record-event.ts';
import { Problem } from '#problem.ts';
import { findIssued, requireOwnLicence } from './find-licences.ts';
import { filePlaceOf, type LicenceFormat } from './finish-licence.ts';
import { type ActingParty, type LicenceDeps, requireActing } from './licence-deps.ts';
import { statusAt } from './licence-status.ts';
import type { LicenceRow } from './make-licence-files.ts';
import { parsePurpose } from './purposes.ts';

export type FileReader =
  | { as: 'holder'; personId: string }
  /** Role `issuer` in the issuing organisation; the look-up enters the holder's log. */
  | { as: 'staff'; by: ActingParty; purpose: string };

export interface LicenceFile {
  bytes: Uint8Array;
  /** `<identifier>.ofd` */
  fileName: string;
  mediaType: 'application/ofd' | 'application/pdf';
}

/** Throws Problem `licence-not-found`, `not-allowed`, `invalid-input` (/purpose). */
export async function readLicenceFile(
  deps: LicenceDeps,
  input: { licenceId: string; format: LicenceFormat; reader: FileReader },
): Promise<LicenceFile> {
  const { reader, format } = input;
  const row =
    reader.as === 'holder'
      ? await requireOwnLicence(deps, { licenceId: input.licenceId, personId: reader.personId })
      : await findIssued(deps, input.licenceId);
  if (!row) throw new Problem('licence-not-found');
  if (reader.as === 'staff') await logStaffReading(deps, row, reader, format);
  else await logHolderReading(deps, row, reader.personId, format);
  return {
    bytes: await openLicenceFile(deps, row, format),
    fileName: `${row.identifier}.${format}`,
    mediaType: format === 'ofd' ? 'application/ofd' : 'application/pdf',
  };
}

/** The file as it was sealed: its digest is the one the licence holds. */
export async function openLicenceFile(
  { files, fields }: Pick<LicenceDeps, 'files' | 'fields'>,
  row: LicenceRow,
  format: LicenceFormat,
): Promise<Uint8Array> {
  const name = format === 'ofd' ? row.ofdFile : row.pdfFile;
  const stored = name === null ? undefined : await files.find(name);
  if (!stored) throw new Error(`the ${format} file of licence ${row.id} is not in the file store`);
  const bytes = fields.open(filePlaceOf(row.id, format), stored);
  const digest = createHash('sha256').update(bytes).digest('hex');
  if (digest !== (format === 'ofd' ? row.ofdDigest : row.pdfDigest))
    throw new Error(`the ${format} file of licence ${row.id} is not the one that was issued`);
  return bytes;
}

async function logHolderReading({ db, clock }: LicenceDeps, row: LicenceRow, personId: string, format: LicenceFormat): Promise<void> {
  await db.$transaction((tx) =>
    recordEvent(tx, {
      kind: 'licence-file-read',
      actor: `person:${personId}`,
      subject: `licence:${row.id}`,
      detail: { format },
      at: clock.now(),
    }),
  );
}

async function logStaffReading(
  deps: LicenceDeps,
  row: LicenceRow,
  reader: Extract<FileReader, { as: 'staff' }>,
  format: LicenceFormat,
): Promise<void> {
  const purpose = parsePurpose(reader.purpose);
  const acting = await requireActing(deps, reader.by, { organisationId: row.issuerOrganisationId, role: 'issuer' });
  const at = deps.clock.now();
  await deps.db.$transaction(async (tx) => {
    const lookUp = await tx.lookUp.create({
      data: {
        at,
        kind: 'file',
        licenceId: row.id,
        holderId: row.holderId,
        organisationId: acting.organisationId,
        actor: acting.actor,
        purpose,
        verdict: 'valid',
        licenceStatus: statusAt(row, at),
        requestId: randomUUID(),
      },
    });
    await recordEvent(tx, {
      kind: 'licence-file-read',
      actor: acting.actor,
      subject: `licence:${row.id}`,
      detail: { format, lookUp: lookUp.id },
      at,
    });
  });
}
