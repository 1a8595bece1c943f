/** Two revisions behind a signature: the security store (level B-LT), and a document timestamp over everything (B-LTA). */
import type { DigestName } from '#crypto/suite.ts';
import { readForm } from './form-fields.ts';
import { Increment } from './increment.ts';
import { pdfAOf } from './pdf-a-claim.ts';
import { openPdf, type PdfView } from './pdf-file.ts';
import { type RequestTimestamp, type TimestampToken, takeTimestamp, timestampRoom } from './request-timestamp.ts';
import { prepareField } from './reserve-field.ts';
import type { RevisedFile } from './revised-file.ts';
import { SignaturePlaceholder } from './signature-placeholder.ts';
import { putSecurityStore, type StoreEntry } from './write-security-store.ts';

/** The file as it stands, whatever its size. */
export function viewOf({ bytes }: RevisedFile): PdfView {
  return openPdf(bytes, { maxFileBytes: Number.MAX_SAFE_INTEGER }).viewAt(bytes.length);
}

/**
 * Appends what the file does not hold yet; false when there is nothing to append. Throws PdfError.
 * @param more whether further revisions will follow.
 */
export function addSecurityStore(file: RevisedFile, entries: readonly StoreEntry[], more: boolean): boolean {
  const view = viewOf(file);
  const increment = new Increment(view);
  if (!putSecurityStore(view, increment, entries)) return false;
  const seed = Buffer.concat([Buffer.from(`DSS ${file.bytes.length} `), ...entries.map(({ contents }) => contents.subarray(0, 512))]);
  file.append(increment.build(seed).bytes, more);
  return true;
}

/** Appends a document timestamp in a field of its own that draws nothing. Throws PdfError and what `takeTimestamp` throws. */
export async function addDocumentTimestamp(
  file: RevisedFile,
  timestamp: RequestTimestamp,
  digest: DigestName,
  more = false,
): Promise<TimestampToken> {
  for (let attempt = 0; ; attempt++) {
    const contentsBytes = await timestampRoom(timestamp, digest);
    const view = viewOf(file);
    const increment = new Increment(view);
    const number = increment.allot();
    const fieldName = freeName(view);
    // PDF/A-1 wants an appearance of every field; with one, strict readers would take the update for more than a timestamp.
    prepareField(view, increment, number, { fieldName, bare: !pdfAOf(view).startsWith('1') });
    const entries = '/Type/DocTimeStamp/Filter/Adobe.PPKLite/SubFilter/ETSI.RFC3161';
    const seed = `${fieldName} ${file.bytes.length} `;
    const placeholder = new SignaturePlaceholder(file, increment, { number, entries, more: '', contentsBytes, seed });
    const token = await takeTimestamp(timestamp, digest, placeholder.digest(digest));
    // The authority's tokens have grown, for example by a longer chain: its length is known now.
    if (token.der.length > contentsBytes && attempt === 0) continue;
    file.append(placeholder.fill(token.der), more);
    return token;
  }
}

function freeName(view: PdfView): string {
  const taken = new Set(readForm(view).nodes.map(({ name }) => name));
  for (let number = 1; ; number++) if (!taken.has(`Timestamp${number}`)) return `Timestamp${number}`;
}
