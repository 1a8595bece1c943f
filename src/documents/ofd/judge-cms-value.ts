/** SignedValue.dat with a GB/T 35275 (or PKCS#7) SignedData: the variants real `Sign` signatures come in. */
import { type CmsSigner, parseSignedData, type SignedData, singleAttribute } from '#crypto/cms.ts';
import { findSignerCertificate, verifySigner } from '#crypto/cms-verify.ts';
import { DerError } from '#crypto/der.ts';
import { OID } from '#crypto/oids.ts';
import { digest } from '#crypto/suite.ts';
import { judgeChain } from '#documents/judge-chain.ts';
import { judgeTimeStamp, readCertificates } from '#documents/judge-time-stamp.ts';
import { readCertificate } from '#documents/ses/judge-seal.ts';
import { type ValueContext, ValueFindings } from './value-findings.ts';

/** Throws DerError when the value is no SignedData. */
export function judgeCmsValue(value: Uint8Array, context: ValueContext): ValueFindings {
  const signedData = parseSignedData(value);
  const findings = new ValueFindings('signature', 'gbt35275');
  const [signer] = signedData.signers;
  if (signedData.length !== value.length) findings.fail('malformed', 'signed-value-trailing-bytes');
  if (!signer || signedData.signers.length !== 1) {
    findings.fail(signer ? 'unsupported' : 'malformed', signer ? 'several-signers' : 'signer-missing');
    return findings;
  }
  if (signedData.form !== 'gm') findings.note('signed-data-pkcs7');
  findings.claimedAt = signingTimeOf(signer) ?? context.statedAt;
  const der = findSignerCertificate(signedData, signer);
  const certificate = der ? readCertificate(der) : undefined;
  if (!certificate) {
    findings.fail('unsupported', 'no-certificate');
    return findings;
  }
  findings.suite = suiteOf(certificate);
  judgeContent(signedData, signer, certificate.spki, context, findings);
  judgeToken(signer, context, findings);
  const chain = judgeChain({
    leaf: certificate,
    role: 'signer',
    extra: readCertificates(signedData.certificates),
    claimedAt: findings.claimedAt,
    provenAt: findings.provenAt,
    options: context.options,
  });
  findings.official = findings.judgeSigner(certificate, chain, context.options.at);
  return findings;
}

/**
 * Content present: it must be the digest of Signature.xml (as octets or as Base64 text) or, rarely, the file itself.
 * Content absent: the value is over Signature.xml.
 */
function judgeContent(signedData: SignedData, signer: CmsSigner, spki: Uint8Array, context: ValueContext, findings: ValueFindings): void {
  const content = signedData.content ?? context.description;
  const check = verifySigner(signedData, signer, spki, content);
  if (check.unsupported) findings.fail('unsupported', 'signature-algorithm-unsupported');
  if (check.malformed) findings.fail('malformed', `signed-data-${check.malformed}`);
  if (check.unsupported || check.malformed) return;
  if (signer.digest === 'sha1') findings.fail('not-valid', 'weak-digest');
  if (check.attributesReordered) findings.note('signed-attributes-reordered');
  if (signer.signature.length === 64 && findings.suite === 'sm2-sm3') findings.note('signature-value-raw');
  if (signedData.content) {
    const form = contentForm(signedData.content, signer, context.description);
    if (form === 'other') findings.fail('altered', 'data-hash-mismatch');
    else if (form !== 'digest') findings.note(`signed-content-${form}`);
  } else if (!check.digestMatches) findings.fail('altered', 'data-hash-mismatch');
  if (signedData.content && !check.digestMatches) findings.fail('altered', 'message-digest-mismatch');
  if (!check.signatureGood) findings.fail('altered', 'signature-mismatch');
}

function contentForm(content: Uint8Array, signer: CmsSigner, description: Uint8Array): 'digest' | 'base64' | 'file' | 'other' {
  const hash = digest(signer.digest ?? 'sm3', description);
  if (Buffer.compare(content, hash) === 0) return 'digest';
  if (content.length < 200 && Buffer.from(content).toString('latin1').trim() === Buffer.from(hash).toString('base64')) return 'base64';
  return Buffer.compare(content, description) === 0 ? 'file' : 'other';
}

function judgeToken(signer: CmsSigner, context: ValueContext, findings: ValueFindings): void {
  const token = singleAttribute(signer.unsignedAttributes, OID.timeStampToken);
  if (!token) return;
  const stamp = judgeTimeStamp(token.bytes, signer.signature, context.options);
  if (stamp.verdict !== 'genuine') findings.fail(stamp.verdict, ...stamp.reasons);
  else findings.note(...stamp.reasons);
  findings.provenAt = stamp.provenAt;
}

function signingTimeOf(signer: CmsSigner): Date | undefined {
  try {
    return singleAttribute(signer.signedAttributes, OID.signingTime)?.asTime();
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return undefined;
  }
}

function suiteOf(certificate: { publicKey(): { label: string } }): string | undefined {
  try {
    return certificate.publicKey().label;
  } catch {
    return undefined;
  }
}
