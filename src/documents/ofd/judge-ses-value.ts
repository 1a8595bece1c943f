/** SignedValue.dat with an SES_Signature (GB/T 38540 §7.3): the value, who signed, and the seal used. */
import { digest } from '#crypto/suite.ts';
import { judgeChain } from '#documents/judge-chain.ts';
import { judgeTimeStamp } from '#documents/judge-time-stamp.ts';
import { isAmongSigners } from '#documents/ses/is-among-signers.ts';
import { describeSeal, judgeSeal, readCertificate } from '#documents/ses/judge-seal.ts';
import { parseSesSignature } from '#documents/ses/read-signature.ts';
import type { Seal, SesSignature } from '#documents/ses/seal.ts';
import { checkSesValue } from '#documents/ses/ses-algorithm.ts';
import type { Certificate } from '#pki/certificate.ts';
import { propertyInfoNames } from './property-info.ts';
import { type ValueContext, ValueFindings } from './value-findings.ts';

/** Throws DerError when the value is no SES_Signature. */
export function judgeSesValue(value: Uint8Array, context: ValueContext): ValueFindings {
  const signature = parseSesSignature(value);
  const { toSign } = signature;
  const { seal } = toSign;
  const findings = new ValueFindings('seal', `ses-v${signature.version}`);
  findings.note(...signature.warnings);
  findings.seal = describeSeal(seal);
  findings.picture = seal.picture;
  findings.claimedAt = toSign.signedAt;
  const certificate = readCertificate(signature.signerCertificate);
  if (!certificate) {
    findings.fail('malformed', 'signer-certificate-unreadable');
    return findings;
  }
  judgeValue(signature, certificate, context, findings);
  judgeProperty(toSign.propertyInfo, context, findings);
  if (!isAmongSigners(seal, certificate.der)) findings.fail('not-valid', 'signer-not-in-seal');
  judgeSealFile(seal, context, findings);

  const token = signature.timeStamp;
  if (token) {
    const stamp = judgeTimeStamp(token, signature.signature, context.options);
    if (stamp.verdict !== 'genuine') findings.fail(stamp.verdict, ...stamp.reasons);
    else findings.note(...stamp.reasons);
    findings.provenAt = stamp.provenAt;
  }
  if (toSign.timeInfoToken) findings.note('time-info-token-not-judged');
  const usedAt = findings.provenAt ?? findings.claimedAt;
  const maker = judgeSeal(seal, { usedAt: usedAt ?? context.options.at, provenAt: findings.provenAt, options: context.options });
  findings.note(...maker.reasons);
  if (maker.verdict !== 'genuine') findings.fail(maker.verdict);
  const chain = judgeChain({
    leaf: certificate,
    role: 'signer',
    use: 'seal',
    claimedAt: findings.claimedAt,
    provenAt: findings.provenAt,
    options: context.options,
  });
  findings.official = findings.judgeSigner(certificate, chain, context.options.at) && maker.official;
  return findings;
}

function judgeValue(signature: SesSignature, certificate: Certificate, context: ValueContext, findings: ValueFindings): void {
  const value = checkSesValue(certificate, signature.signatureOid, signature.toSign.der, signature.signature);
  findings.note(...value.warnings);
  findings.suite = value.suite;
  if (value.unsupported) findings.fail('unsupported', 'signature-algorithm-unsupported');
  else if (value.keyDiffers) findings.fail('not-valid', 'signature-algorithm-does-not-fit-key');
  else if (!value.good) findings.fail('altered', 'signature-mismatch');
  const name = value.digest ?? 'sm3';
  if (name === 'sha1') findings.fail('not-valid', 'weak-digest');
  if (Buffer.compare(digest(name, context.description), signature.toSign.dataHash) !== 0) findings.fail('altered', 'data-hash-mismatch');
}

function judgeProperty(propertyInfo: string, context: ValueContext, findings: ValueFindings): void {
  const names = propertyInfoNames(propertyInfo, context.entry);
  if (names === 'other') findings.fail('not-valid', 'property-info-mismatch');
  if (names === 'unknown') findings.note('property-info-unknown');
}

/** Seal.esl beside the signature must be the very seal that was signed: some readers draw the stamp from it. */
function judgeSealFile(seal: Seal, context: ValueContext, findings: ValueFindings): void {
  const { sealFile } = context;
  if (sealFile === 'missing') findings.note('seal-file-missing');
  else if (sealFile && Buffer.compare(sealFile.bytes, seal.sealDer) !== 0) {
    findings.fail(sealFile.isProtected ? 'not-valid' : 'altered', 'seal-file-differs');
  }
}
