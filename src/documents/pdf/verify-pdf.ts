/**
 * Verifying a PDF: every signature it has or had, and everything that was appended after the first of them.
 * A failed verification is a verdict with reasons, never an exception.
 */
import { DerError } from '#crypto/der.ts';
import { indicationOf } from '#documents/indication.ts';
import {
  combineVerdicts,
  DEFAULT_LIMITS,
  type Limits,
  refusedFile,
  type Verdict,
  type Verification,
  type VerifyOptions,
  worstVerdict,
} from '#documents/verdict.ts';
import { type Change, changesOf } from './compare-revisions.ts';
import { holdsRevocationData, readSecurityStore } from './document-security-store.ts';
import { findSignatures, hasStraySignature, revisionsOf, usageRightsIn } from './find-signatures.ts';
import { judgeSignature, type SignatureQuestion } from './judge-signature.ts';
import { licenceMetadataOfPdf, type PdfLicenceMetadata } from './licence-metadata.ts';
import { type LocatedSignature, locateSignature } from './locate-signature.ts';
import { openPdf, type PdfFile, type PdfView } from './pdf-file.ts';
import { nameOf, PdfError } from './pdf-values.ts';
import { ruleOn } from './permissions.ts';
import { readUpdates } from './read-updates.ts';
import { DEFAULT_PDF_LIMITS, type PdfLimits } from './work-budget.ts';

interface JudgedSignature extends LocatedSignature {
  /** Signed by a seal or document-signer certificate under an official anchor. */
  readonly official: boolean;
}

interface JudgedStep {
  readonly start: number;
  readonly end: number;
  readonly changes: readonly Change[];
}

/** Judges the bytes as a PDF. Never throws for anything in them. */
export function verifyPdf(bytes: Uint8Array, options: VerifyOptions): Verification {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  try {
    return verify(openPdf(bytes, pdfLimits(limits, options)), limits, options);
  } catch (error) {
    if (error instanceof PdfError)
      return refusedFile('pdf', error.reason === 'unsupported-filter' ? 'unsupported' : 'malformed', error.reason);
    if (error instanceof DerError) return refusedFile('pdf', 'malformed', 'certificate-unreadable');
    throw error;
  }
}

function pdfLimits(limits: Limits, options: VerifyOptions): Partial<PdfLimits> {
  return {
    maxFileBytes: limits.maxFileBytes,
    maxStreamBytes: Math.min(limits.maxEntryBytes, DEFAULT_PDF_LIMITS.maxStreamBytes),
    maxDecodedBytes: Math.min(limits.maxInflatedBytes, DEFAULT_PDF_LIMITS.maxDecodedBytes),
    // The general default counts files in a package; a PDF of many pages has more objects than that.
    ...(options.limits?.maxEntries === undefined ? {} : { maxObjects: options.limits.maxEntries }),
  };
}

function verify(file: PdfFile, limits: Limits, options: VerifyOptions): Verification {
  const newest = newestView(file);
  if (newest.encrypted) return refusedFile('pdf', 'unsupported', 'encrypted');
  const found = findSignatures(file, newest);
  if (found.length > limits.maxSignatures) return refusedFile('pdf', 'malformed', 'too-many-signatures');
  const rights = newest.catalog.entries.has('Perms') ? usageRightsIn([newest, ...revisionsOf(file, newest)]) : [];
  const isStray = hasStraySignature(file, newest, [...rights, ...found.map(({ dict }) => dict)]);
  if (found.length === 0) {
    const own = isStray ? { own: 'altered' as const, reasons: ['signature-outside-revisions'] } : {};
    return { report: combineVerdicts({ format: 'pdf', signatures: [], ...own }) };
  }

  const located = found.map((one, index) => locateSignature(file, one, index));
  const store = readSecurityStore(newest, ...located.flatMap(({ view }) => view ?? []));
  const steps = readSteps(file, located, newest);
  const judged = judgeFromLast(file, located, steps, { store, options });
  for (const signature of judged) setLevel(signature, judged, store.hasRevocationData);

  const reasons: string[] = [];
  let own: Verdict = 'genuine';
  if (isStray) {
    own = 'altered';
    reasons.push('signature-outside-revisions');
  }
  for (const { report } of judged) {
    report.reasons = [...new Set(report.reasons)];
    if (report.verdict !== 'unsigned') Object.assign(report, indicationOf(report.verdict, report.reasons));
  }
  const report = combineVerdicts({
    format: 'pdf',
    own,
    reasons,
    signatures: judged.map((item) => item.report),
    official: isOfficial(judged, steps),
  });
  const { identifier, dataDigest } = signedLicenceMetadata(judged);
  return {
    report,
    ...(identifier ? { licenceIdentifier: identifier } : {}),
    ...(dataDigest ? { licenceDataDigest: dataDigest } : {}),
  };
}

/**
 * Judges the signatures from the last to the first (EN 319 102-1 §5.6.2): a document timestamp that stands proves that all it covers
 * existed then, older timestamps included, so that each is judged as of the earliest such time.
 */
function judgeFromLast(
  file: PdfFile,
  located: readonly LocatedSignature[],
  steps: JudgedStep[] | string,
  evidence: Pick<SignatureQuestion, 'store' | 'options'>,
): JudgedSignature[] {
  const proofs: { end: number; at: Date }[] = [];
  const official = new Map<LocatedSignature, boolean>();
  const ends = ({ range }: LocatedSignature) => range?.end ?? 0;
  for (const signature of [...located].sort((a, b) => ends(b) - ends(a))) {
    const times = proofs.filter(({ end }) => end > ends(signature)).map(({ at }) => at.getTime());
    const provenAt = times.length > 0 ? new Date(Math.min(...times)) : undefined;
    official.set(signature, judgeSignature({ file, signature, provenAt, ...evidence }));
    applySteps(signature, located, steps);
    const { isTimestamp, report, range } = signature;
    if (isTimestamp && range && report.verdict === 'genuine' && report.time.proven) {
      proofs.push({ end: range.end, at: new Date(report.time.proven) });
    }
  }
  return located.map((signature) => ({ ...signature, official: official.get(signature) ?? false }));
}

/** The whole file; when its end is damaged, a signature may still stand in what is before. */
function newestView(file: PdfFile): PdfView {
  const view = file.viewAt(file.bytes.length);
  void view.catalog;
  return view;
}

/** Updates after the first signature whose revision can be read, with what each changed. A string when they are no revisions. */
function readSteps(file: PdfFile, judged: readonly LocatedSignature[], newest: PdfView): JudgedStep[] | string {
  const first = judged.reduce<LocatedSignature | undefined>(
    (best, item) => (item.view && item.range && (!best?.range || item.range.end < best.range.end) ? item : best),
    undefined,
  );
  if (!first?.view) return [];
  try {
    return readUpdates(file, first.view, newest).map((update) => ({ start: update.start, end: update.end, changes: changesOf(update) }));
  } catch (error) {
    if (error instanceof PdfError) return error.reason;
    throw error;
  }
}

/** What came after one signature, under its own rules and those of a certification before the change. */
function applySteps(signature: LocatedSignature, judged: readonly LocatedSignature[], steps: JudgedStep[] | string): void {
  const { report, range, rules, found } = signature;
  const worsen = (verdict: Verdict, reason: string) => {
    report.verdict = worstVerdict(report.verdict, verdict);
    report.reasons.push(reason);
  };
  if (!found.current) worsen('altered', 'signature-removed');
  if (!range || !rules) return;
  if (typeof steps === 'string') {
    if (report.coverage !== 'whole-file') worsen('altered', steps);
    return;
  }
  for (const step of steps) {
    if (step.start < range.end) continue;
    const isCertified = judged.some((item) => item.rules?.certification !== undefined && item.range && item.range.end <= step.start);
    const isSignedLater = judged.some((item) => !item.isTimestamp && item.range && item.range.end >= lastByteOf(step));
    for (const change of step.changes) {
      report.changesAfter.push(change.field ? `${change.what}:${change.field}` : change.what);
      const ruling = ruleOn(change, rules, isCertified);
      if (ruling === 'forbidden') worsen('altered', 'change-not-allowed');
      else if (ruling === 'shown-unsigned' && !(change.level === 'form' && isSignedLater)) {
        report.uncovered.push(change.field ? `${change.what}:${change.field}` : change.what);
        worsen('partly-covered', 'change-outside-signature');
      }
    }
  }
}

/** White space behind an update's end mark need not be signed. */
function lastByteOf({ end }: JudgedStep): number {
  return end - 2;
}

/** PAdES levels, as far as they were reached: T by a proven time, LT by revocation data, LTA by a document timestamp over it. */
function setLevel(signature: JudgedSignature, judged: readonly JudgedSignature[], hasRevocationData: boolean): void {
  const { report, range } = signature;
  if (report.form !== 'pades-b' || !report.time.proven) return;
  report.form = 'pades-t';
  if (!hasRevocationData) return;
  report.form = 'pades-lt';
  const isArchived = judged.some(
    (item) =>
      item.isTimestamp &&
      nameOf(item.found.dict.entries.get('Type')) !== 'Sig' &&
      item.report.verdict === 'genuine' &&
      item.range &&
      range &&
      item.range.end > range.end &&
      item.view &&
      holdsRevocationData(item.view),
  );
  if (isArchived) report.form = 'pades-lta';
}

/** Official needs an official seal, and whatever was drawn or filled in after it needs another one over it. */
function isOfficial(judged: readonly JudgedSignature[], steps: JudgedStep[] | string): boolean {
  if (typeof steps === 'string') return false;
  return judged.some((seal) => {
    const { range } = seal;
    if (!seal.official || !range) return false;
    const shown = steps.filter((step) => step.start >= range.end && step.changes.some(isShown));
    return shown.every((step) => judged.some((item) => item.official && item.range && item.range.end >= lastByteOf(step)));
  });
}

function isShown({ newVisibleField, drawn, level, what }: Change): boolean {
  return newVisibleField === true || drawn === true || what === 'field-filled' || level === 'annotation';
}

const TRUSTED_BYTES: readonly Verdict[] = ['genuine', 'untrusted-signer', 'partly-covered'];

/** From the revision of the first signature whose bytes stand: later revisions may have changed the metadata. */
function signedLicenceMetadata(judged: readonly JudgedSignature[]): PdfLicenceMetadata {
  const standing = judged.filter(({ view, report, isTimestamp }) => view && !isTimestamp && TRUSTED_BYTES.includes(report.verdict));
  const signature = standing.find(({ official }) => official) ?? standing[0];
  return signature?.view ? licenceMetadataOfPdf(signature.view) : {};
}
