/**
 * Every signature a file ever had: those of the newest revision, and those an older revision had and a newer one hides.
 * A signature dictionary is told by the place where it stands.
 */
import { findStartXref } from './cross-reference.ts';
import { readForm, signatureValueOf } from './form-fields.ts';
import type { PdfFile, PdfView } from './pdf-file.ts';
import { integerOf, isStream, type PdfDict, PdfError } from './pdf-values.ts';

export interface FoundSignature {
  readonly fieldName: string;
  readonly dict: PdfDict;
  /** In the newest revision's form. */
  readonly current: boolean;
}

const MAX_REVISIONS = 1_000;
const MAX_SIGNATURES = 1_000;
const MAX_STRAY_MARKS = 200;
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
    for (const { dict, name } of signaturesIn(view).values()) {
      if (dict.source !== file.bytes) throw new PdfError('signature-in-object-stream');
      if (!found.has(dict.start)) found.set(dict.start, { fieldName: name, dict, current });
    }
  };
  collect(newest, true);
  for (const view of revisionsOf(file, newest)) if (view.sections[0] !== newest.sections[0]) collect(view, false);
  return [...found.values()].sort((a, b) => a.dict.start - b.dict.start);
}

/** Signature values of the form, and those that /Perms names although no field leads there; by where they stand. */
function signaturesIn(view: PdfView): Map<number, { dict: PdfDict; name: string }> {
  const list = new Map<number, { dict: PdfDict; name: string }>();
  const add = (dict: PdfDict | undefined, name: string) => {
    if (!dict || list.has(dict.start)) return;
    if (list.size >= MAX_SIGNATURES) throw new PdfError('too-many-signatures');
    list.set(dict.start, { dict, name });
  };
  for (const field of readForm(view).nodes) add(signatureValueOf(view, field), field.name);
  const perms = view.dict(view.catalog.entries.get('Perms'));
  add(perms && view.dict(perms.entries.get('DocMDP')), '');
  return list;
}

/** Whether a view leads to this very dictionary by its form or its permissions. */
export function leadsTo(view: PdfView, dict: PdfDict): boolean {
  return signaturesIn(view).get(dict.start)?.dict.source === dict.source;
}

/** Where usage-rights signatures stand: they let old programs save forms and say nothing about what a page shows. */
export function usageRightsIn(views: readonly PdfView[]): PdfDict[] {
  return views.flatMap((view) => {
    const perms = view.dict(view.catalog.entries.get('Perms'));
    return ['UR3', 'UR'].flatMap((key) => (perms && view.dict(perms.entries.get(key))) ?? []);
  });
}

/**
 * Whether a signature dictionary stands in the file although no revision leads to it: a cut or forged chain of
 * revisions hides it. One inside a stream, such as an attached PDF, is content.
 */
export function hasStraySignature(file: PdfFile, newest: PdfView, known: readonly PdfDict[]): boolean {
  const { bytes } = file;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = buffer.indexOf('/ByteRange');
  for (let count = 0; at >= 0 && count < MAX_STRAY_MARKS; count++, at = buffer.indexOf('/ByteRange', at + 10)) {
    if (known.some(({ start, end }) => at > start && at < end)) continue;
    const before = buffer.subarray(Math.max(0, at - STRAY_WINDOW_BYTES), at);
    const start = before.lastIndexOf(' obj');
    if (start >= 0 && before.lastIndexOf('stream') <= start && !isInsideStream(newest, at)) return true;
  }
  return false;
}

/** Whether the byte belongs to the data of a stream that some revision lists. */
function isInsideStream(view: PdfView, at: number): boolean {
  let nearest = -1;
  for (const { entries } of view.sections) {
    for (const entry of entries.values())
      if (entry.type === 'plain' && entry.offset <= at && entry.offset > nearest) nearest = entry.offset;
  }
  if (nearest < 0) return false;
  try {
    const { value } = view.file.objectAt(nearest, (num) => integerOf(view.object(num)?.value));
    return isStream(value) && value.start <= at && at < value.end;
  } catch (error) {
    if (error instanceof PdfError) return false;
    throw error;
  }
}
