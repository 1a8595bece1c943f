/**
 * Whether a signed revision is one that no update can make readers take in another way: they put a document together anew from
 * whatever objects stand in the file as soon as anything in it is odd, and each finds other things odd.
 */
import { listedBy } from './cross-reference.ts';
import { isWhiteSpace, spanOf } from './lexer.ts';
import { isReadFromItsStart } from './linearized.ts';
import type { PdfView } from './pdf-file.ts';
import { integerOf, isArray, isDict, isRef, isStream, nameOf, PdfError, type PdfValue } from './pdf-values.ts';

/**
 * What another reader could make of the file under `latest`; undefined when nothing.
 * @param views the signed revision and those after it, oldest first.
 */
export function faultOfRevisions(views: readonly PdfView[], latest: PdfView): string | undefined {
  const [signed] = views;
  if (!signed) return undefined;
  const { length } = signed.file.bytes;
  if (views.some((view) => isReadFromItsStart(view, view.end))) return 'linearized for one revision only';
  if (isReadFromItsStart(latest, length)) return 'linearized for the whole file only';
  if (views.length === 1) return undefined;
  return faultOfTrailers(latest) ?? faultOfContainers(signed) ?? (hidesObject(signed, latest) ? 'an object that is not listed' : undefined);
}

/** The way from one cross-reference to the one before, and how each is laid out, as plain numbers that no update can change. */
function faultOfTrailers({ file, sections }: PdfView): string | undefined {
  for (const { trailer, kind, irregular } of sections) {
    const { entries, duplicates } = trailer;
    // Most readers take the first of two entries, PDFium the last.
    if (kind === 'table' && irregular) return 'an object listed twice';
    // MuPDF gives up on such a stream.
    if (kind === 'stream' && entries.has('XRefStm')) return 'a cross-reference stream that names another';
    if (duplicates.length > 0 || hasNullName(trailer)) return 'a key twice in a trailer';
    if ([...LAYOUT_KEYS, 'Size', 'Prev', 'XRefStm', 'Index', 'W'].some((key) => leadsElsewhere(entries.get(key)))) {
      return 'a cross-reference laid out by other objects';
    }
    const place = spanOf(trailer, 'Prev');
    if (place && !/^\d+$/.test(Buffer.from(file.bytes.subarray(place.start, place.end)).toString('latin1')))
      return 'no plain number in Prev';
  }
  return undefined;
}

/** Names end there for some readers, and one of them then stands for another (ISO 32000-1 §7.3.5 does not allow it). */
export function hasNullName(value: PdfValue): boolean {
  if (isArray(value)) return value.items.some(hasNullName);
  if (isDict(value)) return [...value.entries].some(([key, entry]) => key.includes('\0') || hasNullName(entry));
  return isStream(value) ? hasNullName(value.dict) : (nameOf(value)?.includes('\0') ?? false);
}

/** Object streams of the signed revision that an update can make readers take apart in another way. */
function faultOfContainers(signed: PdfView): string | undefined {
  const containers = new Set<number>();
  for (const section of signed.sections) {
    for (const [, entry] of listedBy(section)) if (entry.type === 'compressed') containers.add(entry.container);
  }
  for (const container of containers) {
    const object = signed.object(container);
    // One that an update before the signature took the place of.
    if (!object || !isStream(object.value)) continue;
    const { entries } = object.value.dict;
    if (['N', 'First', ...LAYOUT_KEYS].some((key) => leadsElsewhere(entries.get(key)))) {
      return 'an object stream laid out by other objects';
    }
    const fault = faultOfOrder(signed.file.objectStream(object.key, object.value, (value) => signed.resolve(value)).places);
    if (fault) return fault;
  }
  return undefined;
}

/** How the data of a stream is unpacked. */
const LAYOUT_KEYS = ['Filter', 'DecodeParms', 'F', 'DP'];

function leadsElsewhere(value: PdfValue | undefined): boolean {
  if (isArray(value)) return value.items.some(leadsElsewhere);
  return isRef(value) || (isDict(value) && [...value.entries.values()].some(leadsElsewhere));
}

/** What makes readers differ that go by the number, or end each object where the next begins. */
export function faultOfOrder(places: readonly (readonly [number, number])[]): string | undefined {
  if (new Set(places.map(([num]) => num)).size !== places.length) return 'a number twice in an object stream';
  const isOrdered = places.every(([, start], index) => index === 0 || start > (places[index - 1]?.[1] ?? 0));
  return isOrdered ? undefined : 'an object stream out of order';
}

/** How far before `obj` its number can begin; comments may stand between. */
const MAX_HEADER_BYTES = 300;
const HEADER = /(\d+)[\0\t\n\f\r ]+\d+[\0\t\n\f\r ]*$/;

/**
 * Whether an object stands in the signed bytes that no cross-reference lists and that a reader which takes the last of each number
 * would show. What stands in the data of a stream, such as an attached PDF, is content.
 */
function hidesObject(signed: PdfView, latest: PdfView): boolean {
  const { bytes } = signed.file;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(signed.end, bytes.length));
  const listed = listedOffsets(signed);
  const isListed = (start: number): boolean => {
    let at = start;
    while (!listed.has(at) && isWhiteSpace(bytes[at - 1])) at--;
    return listed.has(at);
  };
  const sorted = Float64Array.from(listed).sort();
  for (let at = buffer.indexOf('obj'); at >= 0; at = buffer.indexOf('obj', at + 3)) {
    if (bytes[at - 1] === 0x64) continue;
    const from = Math.max(0, at - MAX_HEADER_BYTES);
    const header = HEADER.exec(withoutComments(buffer.toString('latin1', from, at)));
    if (!header) continue;
    const num = Number(header[1]);
    const start = from + header.index;
    if (isListed(start) || isData(signed, sorted, at)) continue;
    const entry = latest.entry(num);
    if (entry?.type !== 'plain' || entry.offset < at) return true;
  }
  return false;
}

function withoutComments(text: string): string {
  return text.includes('%') ? text.replace(/%[^\r\n]*/g, (comment) => ' '.repeat(comment.length)) : text;
}

/** Where objects stand that some revision up to the signed one lists, and its cross-reference streams. */
function listedOffsets(view: PdfView): Set<number> {
  const listed = new Set<number>();
  for (const section of view.sections) {
    listed.add(section.offset);
    if (section.hidden) listed.add(section.hidden.offset);
    for (const [, entry] of listedBy(section)) if (entry.type === 'plain') listed.add(entry.offset);
  }
  return listed;
}

/** Whether the byte belongs to the data of the stream that begins last before it. */
function isData(view: PdfView, offsets: Float64Array, at: number): boolean {
  let [low, high] = [0, offsets.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((offsets[middle] ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  const nearest = offsets[low - 1];
  if (nearest === undefined) return false;
  try {
    const { value } = view.file.objectAt(nearest, (num) => integerOf(view.object(num)?.value));
    return isStream(value) && value.start <= at && at < value.end;
  } catch (error) {
    if (error instanceof PdfError && error.reason !== 'work-limit') return false;
    throw error;
  }
}
