/** An e-seal in a PDF: /Contents is a SES_Signature of GB/T 38540 over the digest of the signed bytes (SubFilter GM.sm2seal, GM/T 0112 practice). */
import { DerError } from '#crypto/der.ts';
import { digest } from '#crypto/suite.ts';
import { describeSigner } from '#documents/describe-signer.ts';
import { faultsOfSigner } from '#documents/faults-of-signer.ts';
import { judgeChain } from '#documents/judge-chain.ts';
import { judgeTimeStamp } from '#documents/judge-time-stamp.ts';
import { isAmongSigners } from '#documents/ses/is-among-signers.ts';
import { describeSeal, judgeSeal, readCertificate } from '#documents/ses/judge-seal.ts';
import { parseSesSignature } from '#documents/ses/read-signature.ts';
import type { SesSignature } from '#documents/ses/seal.ts';
import { checkSesValue } from '#documents/ses/ses-algorithm.ts';
import { type SignatureReport, type Verdict, type VerifyOptions, worstVerdict } from '#documents/verdict.ts';
import { unpad } from './signature-dictionary.ts';

export interface SealInPdfInput {
  contents: Uint8Array;
  /** The bytes the signature is over. */
  content: Uint8Array;
  report: SignatureReport;
  claimed: Date | undefined;
  provenAt: Date | undefined;
  options: VerifyOptions;
}

/** Fills in the report; answers whether seal and signer are official. Never throws for anything in the bytes. */
export function judgeSealInPdf(input: SealInPdfInput): boolean {
  const { report } = input;
  report.kind = 'seal';
  const der = unpad(input.contents);
  let signature: SesSignature;
  try {
    if (!der) throw new DerError('padding');
    signature = parseSesSignature(der);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    report.verdict = 'malformed';
    report.reasons.push(der ? 'seal-signature-unreadable' : 'contents-padding-not-zero');
    return false;
  }
  return judge(signature, input);
}

function judge(signature: SesSignature, { content, report, claimed, provenAt, options }: SealInPdfInput): boolean {
  const { toSign } = signature;
  report.form = `ses-v${signature.version}`;
  report.seal = describeSeal(toSign.seal);
  const verdicts: Verdict[] = [];
  const fail = (verdict: Verdict, reason: string) => {
    verdicts.push(verdict);
    report.reasons.push(reason);
  };
  const certificate = readCertificate(signature.signerCertificate);
  if (!certificate) {
    fail('malformed', 'signer-certificate-unreadable');
    report.verdict = 'malformed';
    return false;
  }
  const value = checkSesValue(certificate, signature.signatureOid, toSign.der, signature.signature);
  if (value.suite) report.suite = value.suite;
  if (value.unsupported) fail('unsupported', 'unsupported-algorithm');
  else if (value.keyDiffers || !value.good) fail('not-valid', 'signature-mismatch');
  if (value.digest === 'sha1') fail('not-valid', 'weak-digest');
  if (Buffer.compare(digest(value.digest ?? 'sm3', content), toSign.dataHash) !== 0) fail('altered', 'digest-mismatch');

  const claimedAt = toSign.signedAt ?? claimed;
  report.time.claimed = claimedAt?.toISOString() ?? null;
  let proven = provenAt;
  if (signature.timeStamp) {
    const stamp = judgeTimeStamp(signature.timeStamp, signature.signature, options);
    if (stamp.verdict !== 'genuine') verdicts.push(stamp.verdict);
    report.reasons.push(...stamp.reasons);
    if (stamp.provenAt && (!proven || stamp.provenAt < proven)) proven = stamp.provenAt;
  }
  report.time.proven = proven?.toISOString() ?? null;
  if (!isAmongSigners(toSign.seal, certificate.der)) fail('not-valid', 'signer-not-in-seal');
  const seal = judgeSeal(toSign.seal, { usedAt: proven ?? claimedAt, provenAt: proven, options });
  const chain = judgeChain({ leaf: certificate, role: 'signer', use: 'seal', claimedAt, provenAt: proven, options });
  report.signer = describeSigner(certificate, chain.anchored);
  for (const fault of faultsOfSigner(certificate, report.signer.profile, proven ?? claimedAt, options.at)) fail('not-valid', fault);
  report.reasons.push(...seal.reasons, ...chain.reasons);
  report.verdict = worstVerdict(...verdicts, seal.verdict, chain.verdict);
  return seal.official && chain.official && ['seal', 'document-signer'].includes(report.signer.profile);
}
