/** One signature of a PDF, judged alone: dictionary, revision, CMS, time, chain. What came after it is for `verify-pdf.ts`. */
import { describeSigner } from '#documents/describe-signer.ts';
import { faultsOfSigner } from '#documents/faults-of-signer.ts';
import { judgeChain } from '#documents/judge-chain.ts';
import { judgeTimeStamp } from '#documents/judge-time-stamp.ts';
import { type SignatureReport, type Verdict, type VerifyOptions, worstVerdict } from '#documents/verdict.ts';
import { findStartXref } from './cross-reference.ts';
import { readCrls, type SecurityStore } from './document-security-store.ts';
import { type FoundSignature, leadsTo } from './find-signatures.ts';
import { type CmsLayout, judgeCms } from './judge-cms.ts';
import { judgeSealInPdf } from './judge-seal-in-pdf.ts';
import { isWhiteSpace } from './lexer.ts';
import type { PdfFile, PdfView } from './pdf-file.ts';
import { dateOf, nameOf, PdfError } from './pdf-values.ts';
import { rulesOf, type SignatureRules } from './permissions.ts';
import { judgeDictionary, type SignedRange, signedBytes, unpad } from './signature-dictionary.ts';

export interface JudgedSignature {
  readonly found: FoundSignature;
  readonly report: SignatureReport;
  readonly range?: SignedRange;
  /** The revision it covers; absent when its range is no revision. */
  readonly view?: PdfView;
  readonly rules?: SignatureRules;
  /** Signed by a seal or document-signer certificate under an official anchor. */
  readonly official: boolean;
  readonly isTimestamp: boolean;
  readonly hasTimeStamp: boolean;
}

/** Where the digest stands in each kind of CMS; other SubFilters are judged elsewhere or not at all. */
const CMS_LAYOUTS: Record<string, CmsLayout> = {
  'ETSI.CAdES.detached': 'detached',
  'adbe.pkcs7.detached': 'detached',
  'GM.SM2': 'detached',
  'adbe.pkcs7.sha1': 'sha1-inside',
  'GM.sm2cms.detached': 'sm3-inside',
};

export interface SignatureQuestion {
  file: PdfFile;
  found: FoundSignature;
  index: number;
  store: SecurityStore;
  options: VerifyOptions;
  /** Time of a document timestamp that covers this signature and verified. */
  provenAt?: Date | undefined;
}

/** Throws PdfError only when the work goes beyond the file's limits. */
export function judgeSignature(question: SignatureQuestion): JudgedSignature {
  const { file, found, index } = question;
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
  const judged = { found, report, official: false, isTimestamp, hasTimeStamp: false };
  const dictionary = judgeDictionary(file.bytes, dict);
  if ('fault' in dictionary) {
    report.reasons.push(dictionary.fault);
    return judged;
  }
  const { range, contents } = dictionary;
  const revision = revisionOf(file, found, range.end);
  if (typeof revision === 'string') {
    report.verdict = 'altered';
    report.reasons.push(revision);
    return { ...judged, range };
  }
  report.coverage = isBlankFrom(file.bytes, range.end) ? 'whole-file' : 'whole-revision';
  if (needsAppearances(revision)) report.reasons.push('need-appearances');
  const rest = { range, view: revision, rules: rulesOf(revision, dict) };
  file.work.spendSigned(range.end);
  const content = signedBytes(file.bytes, range, file.scratch);
  if (isTimestamp) {
    judgeDocumentTimeStamp(question, report, contents, content);
    return { ...judged, ...rest };
  }
  if (subFilter === 'GM.sm2seal') {
    const official = judgeSealInPdf({ contents, content, report, claimed, provenAt: question.provenAt, options: question.options });
    return { ...judged, ...rest, official };
  }
  const layout = CMS_LAYOUTS[subFilter];
  if (!layout) {
    report.verdict = 'unsupported';
    report.reasons.push('unsupported-subfilter');
    return { ...judged, ...rest };
  }
  return { ...judged, ...rest, ...judgeCmsSignature(question, report, { contents, content, layout, subFilter, claimed }) };
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

function isBlankFrom(bytes: Uint8Array, from: number, end = bytes.length): boolean {
  for (let at = from; at < end; at++) if (!isWhiteSpace(bytes[at])) return false;
  return true;
}

function judgeDocumentTimeStamp({ options }: SignatureQuestion, report: SignatureReport, contents: Uint8Array, content: Uint8Array): void {
  report.form = 'rfc3161';
  const token = unpad(contents);
  if (!token) {
    report.verdict = 'malformed';
    report.reasons.push('contents-padding-not-zero');
    return;
  }
  const stamp = judgeTimeStamp(token, content, options);
  const isOverOther = stamp.reasons.includes('timestamp-over-other-data');
  report.verdict = isOverOther ? 'altered' : stamp.verdict;
  report.reasons.push(...stamp.reasons);
  report.time = { claimed: stamp.time?.toISOString() ?? report.time.claimed, proven: stamp.provenAt?.toISOString() ?? null };
}

interface CmsQuestion {
  contents: Uint8Array;
  content: Uint8Array;
  layout: CmsLayout;
  subFilter: string;
  claimed: Date | undefined;
}

function judgeCmsSignature(
  question: SignatureQuestion,
  report: SignatureReport,
  cms: CmsQuestion,
): { official: boolean; hasTimeStamp: boolean } {
  const { store } = question;
  const isPades = cms.subFilter === 'ETSI.CAdES.detached';
  const result = judgeCms({
    contents: cms.contents,
    signedBytes: cms.content,
    layout: cms.layout,
    isPades,
    furtherCertificates: store.certificates.map(({ der }) => der),
  });
  report.form = isPades ? 'pades-b' : 'cms';
  if (result.suite) report.suite = result.suite;
  report.reasons.push(...result.reasons);
  report.verdict = result.verdict;
  const { certificate } = result;
  if (!certificate) return { official: false, hasTimeStamp: false };
  const claimedAt = result.signingTime ?? cms.claimed;
  report.time.claimed = (cms.claimed ?? result.signingTime)?.toISOString() ?? null;

  const options: VerifyOptions = { ...question.options, crls: [...(question.options.crls ?? []), ...store.crls, ...readCrls(result.crls)] };
  const verdicts: Verdict[] = [result.verdict];
  let provenAt = question.provenAt;
  let hasTimeStamp = false;
  if (result.timeStamp && result.signature) {
    const stamp = judgeTimeStamp(result.timeStamp, result.signature, options);
    hasTimeStamp = stamp.provenAt !== undefined;
    if (stamp.provenAt && (!provenAt || stamp.provenAt < provenAt)) provenAt = stamp.provenAt;
    if (stamp.verdict !== 'genuine') verdicts.push(stamp.verdict);
    report.reasons.push(...stamp.reasons.filter((reason) => reason !== 'revocation-unknown'));
  }
  report.time.proven = provenAt?.toISOString() ?? null;
  const extra = [...result.certificates, ...store.certificates];
  const chain = judgeChain({ leaf: certificate, role: 'signer', extra, claimedAt, provenAt, options });
  report.signer = describeSigner(certificate, chain.anchored);
  verdicts.push(chain.verdict);
  report.reasons.push(...chain.reasons);
  for (const fault of faultsOfSigner(certificate, report.signer.profile, provenAt ?? claimedAt, options.at)) {
    verdicts.push('not-valid');
    report.reasons.push(fault);
  }
  report.verdict = worstVerdict(...verdicts);
  const official = chain.official && ['seal', 'document-signer'].includes(report.signer.profile);
  return { official, hasTimeStamp };
}
