/**
 * Linearized files (ISO 32000-1 annex F): a reader that finds the length they name takes the cross-reference that stands behind
 * their first object, and not the one at the end. A length that fits only after an update hides a whole other document.
 */
import { isBlankFrom } from './lexer.ts';
import type { PdfView } from './pdf-file.ts';
import { integerOf, isDict, PdfError } from './pdf-values.ts';
import { type IndirectObject, readIndirectObject } from './read-object.ts';

/** Whether such readers, given the first `end` bytes, begin with another cross-reference than `view` does. */
export function isReadFromItsStart({ file: { bytes, work }, sections }: PdfView, end: number): boolean {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 1024)).indexOf('%PDF-');
  let first: IndirectObject;
  try {
    first = readIndirectObject(bytes, Math.max(0, head), bytes.length, () => undefined, work.values);
  } catch (error) {
    if (error instanceof PdfError) return false;
    throw error;
  }
  if (!isDict(first.value) || !first.value.entries.has('Linearized')) return false;
  const length = integerOf(first.value.entries.get('L'));
  const isOwn = length === end || length === end - head || first.value.duplicates.includes('L');
  const offset = sections[0]?.offset ?? 0;
  return isOwn && !(offset >= first.end && isPlainGap(bytes, first.end, offset));
}

/** Blanks that are blanks to every reader: a null is one to some only. */
function isPlainGap(bytes: Uint8Array, from: number, end: number): boolean {
  return isBlankFrom(bytes, from, end) && !bytes.subarray(from, end).includes(0);
}
