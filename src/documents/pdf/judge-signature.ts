/** The value of one signature of a PDF, judged alone: CMS, time, chain. What came after it is for `verify-pdf.ts`. */
import { describeSigner } from '#documents/describe-signer.ts';
import { faultsOfSigner } from '#documents/faults-of-signer.ts';
import { judgeChain } from '#documents/judge-chain.ts';
import { judgeTimeStamp } from '#documents/judge-time-stamp.ts';
import { type SignatureReport, type Verdict, type VerifyOptions, worstVerdict } from '#documents/verdict.ts';
import { readCrls, readOcspResponses, type SecurityStore } from './document-security-store.ts';
import { type CmsLayout, judgeCms } from './judge-cms.ts';
import { judgeSealInPdf } from './judge-seal-in-pdf.ts';
import type { LocatedSignature } from './locate-signature.ts';
import type { PdfFile } from './pdf-file.ts';
import { signedBytes, unpad } from './signature-dictionary.ts';

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
  signature: LocatedSignature;
  store: SecurityStore;
  options: VerifyOptions;
  /** Time of a later document timestamp that covers this signature and is genuine: what happened after it does not matter. */
  provenAt?: Date | undefined;
}

/**
 * Fills in the report of a signature that was located. Answers whether an official seal or document signer made it.
 * Throws PdfError only when the work goes beyond the file's limits.
 */
export function judgeSignature(question: SignatureQuestion): boolean {
  const { file, signature } = question;
  const { report, range, contents, subFilter, claimed } = signature;
  if (!range || !contents) return false;
  file.work.spendSigned(range.end);
  const content = signedBytes(file.bytes, range, file.scratch);
  const options = withEvidence(question.options, question.store);
  const { provenAt } = question;
  if (signature.isTimestamp) {
    judgeDocumentTimeStamp(report, contents, content, options, provenAt);
    return false;
  }
  if (subFilter === 'GM.sm2seal') return judgeSealInPdf({ contents, content, report, claimed, provenAt, options });
  const layout = CMS_LAYOUTS[subFilter];
  if (layout) return judgeCmsSignature({ ...question, options }, { contents, content, layout });
  report.verdict = 'unsupported';
  report.reasons.push('unsupported-subfilter');
  return false;
}

/** What the document carries of revocation data helps like any other: it is trusted for its signatures, not for its place. */
function withEvidence(
  options: VerifyOptions,
  { crls, ocspResponses, certificates }: Omit<SecurityStore, 'hasRevocationData'>,
): VerifyOptions {
  return {
    ...options,
    intermediates: [...(options.intermediates ?? []), ...certificates],
    crls: [...(options.crls ?? []), ...crls],
    ocspResponses: [...(options.ocspResponses ?? []), ...ocspResponses],
  };
}

function judgeDocumentTimeStamp(
  report: SignatureReport,
  contents: Uint8Array,
  content: Uint8Array,
  options: VerifyOptions,
  provenAt: Date | undefined,
): void {
  report.form = 'rfc3161';
  const token = unpad(contents);
  if (!token) {
    report.verdict = 'malformed';
    report.reasons.push('contents-padding-not-zero');
    return;
  }
  const stamp = judgeTimeStamp(token, content, options, provenAt);
  const isOverOther = stamp.reasons.includes('timestamp-over-other-data');
  report.verdict = isOverOther ? 'altered' : stamp.verdict;
  report.reasons.push(...stamp.reasons);
  if (stamp.signer) report.signer = stamp.signer;
  report.time = { claimed: stamp.time?.toISOString() ?? report.time.claimed, proven: stamp.provenAt?.toISOString() ?? null };
}

interface CmsQuestion {
  contents: Uint8Array;
  content: Uint8Array;
  layout: CmsLayout;
}

function judgeCmsSignature(question: SignatureQuestion, cms: CmsQuestion): boolean {
  const { store, signature } = question;
  const { report, claimed } = signature;
  const isPades = signature.subFilter === 'ETSI.CAdES.detached';
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
  if (!certificate) return false;
  const claimedAt = result.signingTime ?? claimed;
  report.time.claimed = (claimed ?? result.signingTime)?.toISOString() ?? null;

  const revocation = { crls: readCrls(result.crls), ocspResponses: readOcspResponses(result.ocspResponses), certificates: [] };
  const options = withEvidence(question.options, revocation);
  const verdicts: Verdict[] = [result.verdict];
  let { provenAt } = question;
  if (result.timeStamp && result.signature) {
    // What proves the whole file proves the token inside it: its authority may be gone since.
    const stamp = judgeTimeStamp(result.timeStamp, result.signature, options, provenAt);
    if (stamp.provenAt && (!provenAt || stamp.provenAt < provenAt)) provenAt = stamp.provenAt;
    if (stamp.verdict !== 'genuine') verdicts.push(stamp.verdict);
    const isMoot = (reason: string) =>
      reason === 'revocation-unknown' || (reason === 'timestamp-not-renewed' && certificate.notAfter >= options.at);
    report.reasons.push(...stamp.reasons.filter((reason) => !isMoot(reason)));
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
  return chain.official && ['seal', 'document-signer'].includes(report.signer.profile);
}
