/**
 * Every signature a file ever had: those of the newest revision, and those an older revision had and a newer one hides.
 * A signature dictionary is told by the place where it stands.
 */
import { findStartXref } from './cross-reference.ts';
import { readForm, signatureValueOf } from './form-fields.ts';
import type { PdfFile, PdfView } from './pdf-file.ts';
import { type PdfDict, PdfError } from './pdf-values.ts';

export interface FoundSignature {
  readonly fieldName: string;
  readonly dict: PdfDict;
  /** In the newest revision's form. */
  readonly current: boolean;
}

const MAX_REVISIONS = 1_000;
const MAX_STRAY_MARKS = 2_000;
/** A signature dictionary may carry its Contents, some ten thousand bytes, before its ByteRange. */
const STRAY_WINDOW_BYTES = 200_000;

/** The end of each revision on the newest chain, oldest first, with its view. */
export function revisionsOf(file: PdfFile, latest: PdfView): PdfView[] {
  const offsets = new Set(latest.sections.map(({ offset }) => offset));
  const views: PdfView[] = [];
  let end = file.bytes.length;
  for (let count = 0; end > 0; count++) {
    if (count > MAX_REVISIONS) throw new PdfError('too-many-revisions');
    const found = findStartXref(file.bytes, end);
    if (!found) break;
    const isRevision = offsets.has(found.offset) && found.offset < found.at && found.eofEnd !== undefined;
    if (isRevision && found.eofEnd !== undefined) views.unshift(file.viewOf(found.offset, found.eofEnd));
    end = found.at;
  }
  return views;
}

/**
 * Signatures in order of where they stand. Throws PdfError when a revision cannot be read.
 * @param newest the view of the whole file.
 */
export function findSignatures(file: PdfFile, newest: PdfView): FoundSignature[] {
  const found = new Map<number, FoundSignature>();
  const collect = (view: PdfView, current: boolean): void => {
    for (const { dict, name } of signaturesIn(view)) {
      if (dict.source !== file.bytes) throw new PdfError('signature-in-object-stream');
      if (!found.has(dict.start)) found.set(dict.start, { fieldName: name, dict, current });
    }
  };
  collect(newest, true);
  for (const view of revisionsOf(file, newest)) if (view.sections[0] !== newest.sections[0]) collect(view, false);
  return [...found.values()].sort((a, b) => a.dict.start - b.dict.start);
}

/** Signature values of the form, and those that /Perms names although no field leads there. */
function signaturesIn(view: PdfView): { dict: PdfDict; name: string }[] {
  const list: { dict: PdfDict; name: string }[] = [];
  for (const field of readForm(view).nodes) {
    const dict = signatureValueOf(view, field);
    if (dict && !list.some((known) => known.dict.start === dict.start)) list.push({ dict, name: field.name });
  }
  const perms = view.dict(view.catalog.entries.get('Perms'));
  const certification = perms && view.dict(perms.entries.get('DocMDP'));
  if (certification && !list.some((known) => known.dict.start === certification.start)) list.push({ dict: certification, name: '' });
  return list;
}

/** Whether a view leads to this very dictionary by its form or its permissions. */
export function leadsTo(view: PdfView, dict: PdfDict): boolean {
  return signaturesIn(view).some((known) => known.dict.start === dict.start && known.dict.source === dict.source);
}

/** Where usage-rights signatures stand: they let old programs save forms and say nothing about what a page shows. */
export function usageRightsIn(views: readonly PdfView[]): PdfDict[] {
  return views.flatMap((view) => {
    const perms = view.dict(view.catalog.entries.get('Perms'));
    return ['UR3', 'UR'].flatMap((key) => (perms && view.dict(perms.entries.get(key))) ?? []);
  });
}

/**
 * Whether bytes that look like a signature dictionary stand in the file although no revision leads to one there:
 * a cut or forged chain of revisions hides them. Bytes inside the given spans are known.
 */
export function hasStraySignature(bytes: Uint8Array, known: readonly PdfDict[]): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = buffer.indexOf('/ByteRange');
  for (let count = 0; at >= 0 && count < MAX_STRAY_MARKS; count++, at = buffer.indexOf('/ByteRange', at + 10)) {
    if (known.some(({ start, end }) => at > start && at < end)) continue;
    const before = buffer.subarray(Math.max(0, at - STRAY_WINDOW_BYTES), at);
    const start = before.lastIndexOf(' obj');
    if (start >= 0 && before.lastIndexOf('stream') <= start) return true;
  }
  return false;
}
