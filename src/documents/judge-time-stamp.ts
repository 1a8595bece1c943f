/** RFC 3161 time-stamp tokens (GB/T 20520): what they prove about a signature value. */
import { parseSignedData } from '#crypto/cms.ts';
import { findSignerCertificate, judgeSigningCertificate, verifySigner } from '#crypto/cms-verify.ts';
import { type DerElement, DerError, parseDer, TAG } from '#crypto/der.ts';
import { OID } from '#crypto/oids.ts';
import { digest } from '#crypto/suite.ts';
import { digestOfOid } from '#crypto/verify-signature.ts';
import { Certificate } from '#pki/certificate.ts';
import { describeSigner } from './describe-signer.ts';
import { judgeChain } from './judge-chain.ts';
import { isWorse, type SignerReport, type Verdict, type VerifyOptions } from './verdict.ts';

/** Clocks of two authorities may differ by this much. */
const CLOCK_DIFFERENCE_MS = 60_000;

export interface TimeStampJudgement {
  verdict: Verdict;
  reasons: string[];
  /** The time in the token, whether or not it is proven. */
  time?: Date;
  /** Set only when the token is genuine. */
  provenAt?: Date;
  /** The authority, once its signature was found good. */
  signer?: SignerReport;
}

/**
 * @param stamped the octets whose digest the token must carry.
 * @param coveredAt time of a later timestamp over this one that is genuine: what happened to its authority after that does not matter.
 * Never throws for bad input.
 */
export function judgeTimeStamp(token: Uint8Array, stamped: Uint8Array, options: VerifyOptions, coveredAt?: Date): TimeStampJudgement {
  try {
    return judge(token, stamped, options, coveredAt);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return { verdict: 'not-valid', reasons: ['timestamp-unreadable'] };
  }
}

function judge(token: Uint8Array, stamped: Uint8Array, options: VerifyOptions, coveredAt: Date | undefined): TimeStampJudgement {
  const signedData = parseSignedData(token);
  const [signer] = signedData.signers;
  const { content } = signedData;
  // GM/T tokens may use the data type of GM/T 0010; anything else signed by a timestamp key is no timestamp.
  const isTimeStamp = [OID.timeStampInfo, OID.gmData].some((type) => type === signedData.contentTypeOid);
  if (!isTimeStamp || signedData.length !== token.length || !signer || signedData.signers.length !== 1 || !content) {
    return { verdict: 'not-valid', reasons: ['timestamp-unreadable'] };
  }
  const info = parseDer(content).expect(TAG.sequence);
  const imprint = info.at(2, TAG.sequence);
  const time = readGenTime(info);
  const name = digestOfOid(imprint.at(0, TAG.sequence).at(0).asOid());
  if (!name) return { verdict: 'unsupported', reasons: ['timestamp-digest-unsupported'], time };
  if (Buffer.compare(digest(name, stamped), imprint.at(1).asOctets()) !== 0) {
    return { verdict: 'not-valid', reasons: ['timestamp-over-other-data'], time };
  }
  if (name === 'sha1' || signer.digest === 'sha1') return { verdict: 'not-valid', reasons: ['timestamp-weak-digest'], time };
  const certificateDer = findSignerCertificate(signedData, signer);
  if (!certificateDer) return { verdict: 'unsupported', reasons: ['timestamp-without-certificate'], time };
  const certificate = new Certificate(certificateDer);
  const bound = judgeSigningCertificate(signer, certificateDer);
  if (bound === 'differs' || bound === 'double') return { verdict: 'not-valid', reasons: ['timestamp-names-another-signer'], time };
  const check = verifySigner(signedData, signer, certificate.spki, content);
  if (check.unsupported) return { verdict: 'unsupported', reasons: ['timestamp-algorithm-unsupported'], time };
  if (!check.digestMatches || !check.signatureGood) return { verdict: 'not-valid', reasons: ['timestamp-signature-mismatch'], time };
  const question = {
    leaf: certificate,
    role: 'timestamp',
    extra: readCertificates(signedData.certificates),
    claimedAt: time,
    purpose: 'timestamp',
    options,
  } as const;
  // A token proves its own time as long as its certificate was good then; a later timestamp over it keeps that provable.
  const covered = coveredAt ? judgeChain({ ...question, provenAt: coveredAt }) : undefined;
  const chain = covered?.verdict === 'genuine' ? covered : judgeChain(question);
  let verdict: Verdict = chain.verdict;
  const reasons = chain.reasons.map((reason) => (reason === 'time-not-proven' ? 'timestamp-not-renewed' : reason));
  if (time > options.at && isWorse('not-valid', verdict)) {
    verdict = 'not-valid';
    reasons.push('timestamp-in-the-future');
  }
  if (coveredAt && time.getTime() > coveredAt.getTime() + CLOCK_DIFFERENCE_MS && isWorse('not-valid', verdict)) {
    verdict = 'not-valid';
    reasons.push('timestamp-order');
  }
  const authority = describeSigner(certificate, chain.anchored);
  return { verdict, reasons, time, signer: authority, ...(verdict === 'genuine' ? { provenAt: time } : {}) };
}

/** genTime is the first GeneralizedTime after serialNumber (RFC 3161 §2.4.2). */
function readGenTime(info: DerElement): Date {
  return info.at(4, TAG.generalizedTime).asTime();
}

/** Certificates that can be read; the others are of no help. */
export function readCertificates(ders: readonly Uint8Array[]): Certificate[] {
  return ders.flatMap((der) => {
    try {
      return [new Certificate(der)];
    } catch (error) {
      if (!(error instanceof DerError)) throw error;
      return [];
    }
  });
}
