/** Where a signature stands and what it is over: dictionary, signed range, revision. Whether its value is good is for `judge-signature.ts`. */
import type { SignatureReport } from '#documents/verdict.ts';
import { findStartXref } from './cross-reference.ts';
import { type FoundSignature, leadsTo } from './find-signatures.ts';
import { isBlankFrom } from './lexer.ts';
import { isReadFromItsStart } from './linearized.ts';
import type { PdfFile, PdfView } from './pdf-file.ts';
import { dateOf, nameOf, PdfError } from './pdf-values.ts';
import { rulesOf, type SignatureRules } from './permissions.ts';
import { MAX_TAIL_BYTES } from './read-updates.ts';
import { judgeDictionary, type SignedRange } from './signature-dictionary.ts';

export interface LocatedSignature {
  readonly found: FoundSignature;
  /** `malformed` until it is judged. */
  readonly report: SignatureReport;
  readonly subFilter: string;
  readonly isTimestamp: boolean;
  /** The time in the dictionary. */
  readonly claimed: Date | undefined;
  readonly range?: SignedRange;
  /** The revision it covers; absent when its range is no revision. */
  readonly view?: PdfView;
  readonly rules?: SignatureRules;
  /** /Contents with its padding; only together with `view`. */
  readonly contents?: Uint8Array;
}

/** Throws PdfError only when the work goes beyond the file's limits. */
export function locateSignature(file: PdfFile, found: FoundSignature, index: number): LocatedSignature {
  const { dict } = found;
  const subFilter = nameOf(dict.entries.get('SubFilter')) ?? '';
  const isTimestamp = subFilter === 'ETSI.RFC3161';
  const claimed = dateOf(dict.entries.get('M'));
  const report: SignatureReport = {
    index,
    kind: isTimestamp ? 'timestamp' : 'signature',
    verdict: 'malformed',
    time: { claimed: claimed?.toISOString() ?? null, proven: null },
    coverage: 'partial',
    uncovered: [],
    changesAfter: [],
    reasons: [],
  };
  const located = { found, report, subFilter, isTimestamp, claimed };
  const dictionary = judgeDictionary(file.bytes, dict);
  if ('fault' in dictionary) {
    report.reasons.push(dictionary.fault);
    return located;
  }
  const { range, contents } = dictionary;
  const revision = revisionOf(file, found, range.end);
  if (typeof revision === 'string') {
    report.verdict = 'altered';
    report.reasons.push(revision);
    return { ...located, range };
  }
  const { length } = file.bytes;
  const isBlank = length - range.end <= MAX_TAIL_BYTES && isBlankFrom(file.bytes, range.end);
  const isWhole = length === range.end || (isBlank && !isReadFromItsStart(revision, length));
  report.coverage = isWhole ? 'whole-file' : 'whole-revision';
  if (needsAppearances(revision)) report.reasons.push('need-appearances');
  return { ...located, range, view: revision, rules: rulesOf(revision, dict), contents };
}

/** The revision that ends where the signed bytes end, or why there is none. */
function revisionOf(file: PdfFile, found: FoundSignature, end: number): PdfView | string {
  try {
    const start = findStartXref(file.bytes, end);
    if (!start?.eofEnd || !isBlankFrom(file.bytes, start.eofEnd, end)) return 'signed-bytes-are-no-revision';
    const view = file.viewAt(end);
    return leadsTo(view, found.dict) ? view : 'signature-not-in-signed-revision';
  } catch (error) {
    if (error instanceof PdfError) return 'signed-revision-unreadable';
    throw error;
  }
}

/** Readers then draw the fields anew from their values, and not as they were when signed. */
function needsAppearances(view: PdfView): boolean {
  const form = view.dict(view.catalog.entries.get('AcroForm'));
  return form !== undefined && view.get(form, 'NeedAppearances') === true;
}
