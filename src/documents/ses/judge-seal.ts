/**
 * Whether a seal was good when it was used (GB/T 38540 §6.3, GM/T 0031-2025): the maker's signature over it, the maker's
 * certificate, the seal's own dates. Every step runs, so that the report names all that is wrong.
 */
import { DerError } from '#crypto/der.ts';
import { describeSigner } from '#documents/describe-signer.ts';
import { type ChainJudgement, judgeChain } from '#documents/judge-chain.ts';
import { judgeTimeStamp } from '#documents/judge-time-stamp.ts';
import { type SealReport, type SignerReport, type Verdict, type VerifyOptions, worstVerdict } from '#documents/verdict.ts';
import { Certificate } from '#pki/certificate.ts';
import { profileOf } from '#pki/profiles.ts';
import type { Seal } from './seal.ts';
import { checkSesValue } from './ses-algorithm.ts';

export interface SealUse {
  /** When it was used: proven, claimed, or, for a seal on its own, the moment of the question. */
  usedAt: Date | undefined;
  /** Set when `usedAt` is proven by a timestamp. */
  provenAt?: Date | undefined;
  options: VerifyOptions;
}

export interface SealJudgement {
  verdict: Verdict;
  reasons: string[];
  maker?: SignerReport;
  suite?: string;
  /** Made by a seal maker under an official anchor. */
  official: boolean;
}

/** Never throws for anything in the seal. */
export function judgeSeal(seal: Seal, use: SealUse): SealJudgement {
  const reasons = new Set<string>(seal.warnings);
  const verdicts: Verdict[] = [];
  const fail = (verdict: Verdict, reason: string) => {
    verdicts.push(verdict);
    reasons.add(reason);
  };
  const maker = readCertificate(seal.makerCertificate);
  if (!maker) return { verdict: 'malformed', reasons: [...reasons, 'maker-certificate-unreadable'], official: false };

  const value = checkSesValue(maker, seal.signatureOid, seal.toBeSigned, seal.signature);
  for (const warning of value.warnings) reasons.add(`seal-${warning}`);
  if (value.unsupported) fail('unsupported', 'maker-algorithm-unsupported');
  else if (value.keyDiffers) fail('not-valid', 'maker-algorithm-does-not-fit-key');
  else if (!value.good) fail('not-valid', 'maker-signature-mismatch');
  if (value.digest === 'sha1') fail('not-valid', 'seal-weak-digest');

  judgeDates(seal, use, fail);
  // Only the signer says that it was used before it expired.
  if (use.usedAt && !use.provenAt && use.usedAt <= seal.validTo && use.options.at > seal.validTo) reasons.add('time-not-proven');
  if (maker.keyUsage && !maker.keyUsage.has('digital-signature')) fail('not-valid', 'maker-wrong-key-usage');
  const chain = judgeMaker(seal, maker, use, fail, reasons);
  const profile = chain.anchored ? profileOf(maker) : undefined;
  // One of our own certificates that is not a seal maker's must not make seals, whatever its key usage allows.
  if (profile !== undefined && profile !== 'seal-maker') fail('not-valid', 'maker-wrong-profile');
  const verdict = worstVerdict(...verdicts);
  return {
    verdict,
    reasons: [...reasons],
    maker: describeSigner(maker, chain.anchored),
    ...(value.suite ? { suite: value.suite } : {}),
    official: chain.official && verdict === 'genuine' && profile === 'seal-maker',
  };
}

type Fail = (verdict: Verdict, reason: string) => void;

function judgeDates(seal: Seal, { usedAt }: SealUse, fail: Fail): void {
  if (!usedAt) return;
  if (usedAt < seal.validFrom) fail('not-valid', 'seal-not-yet-valid');
  if (usedAt > seal.validTo) fail('not-valid', 'seal-expired');
  if (usedAt < seal.createdAt) fail('not-valid', 'used-before-seal-was-made');
}

function judgeMaker(seal: Seal, maker: Certificate, use: SealUse, fail: Fail, reasons: Set<string>): ChainJudgement {
  const { options, usedAt, provenAt } = use;
  const madeAt = judgeSealTimeStamp(seal, options, fail);
  let chain = judgeChain({ leaf: maker, role: 'maker', claimedAt: usedAt, provenAt, options });
  const madeOutside = seal.createdAt < maker.notBefore || seal.createdAt > maker.notAfter;
  if (seal.version === 5) {
    if (madeOutside) fail('not-valid', 'seal-made-outside-maker-validity');
    // V5: a maker certificate that expired, or with a proven time was revoked, after the seal was made is only a warning.
    if (chain.verdict === 'not-valid') {
      const then = judgeChain({ leaf: maker, role: 'maker', claimedAt: seal.createdAt, provenAt: madeAt, options });
      if (then.verdict !== 'not-valid') {
        chain = then;
        reasons.add('maker-invalid-after-making');
      }
    }
  } else if (madeOutside && seal.createdAt < maker.notBefore) reasons.add('seal-made-before-maker-certificate');
  if (usedAt && usedAt < maker.notBefore) fail('not-valid', 'maker-not-yet-valid');
  if (usedAt && usedAt > maker.notAfter && seal.version !== 5) fail('not-valid', 'maker-expired');
  for (const reason of chain.reasons) reasons.add(reason);
  if (chain.verdict !== 'genuine') fail(chain.verdict, chain.reasons[0] ?? 'maker-chain-untrusted');
  return chain;
}

/** V5: the token over the maker's signature proves when the seal was made. */
function judgeSealTimeStamp(seal: Seal, options: VerifyOptions, fail: Fail): Date | undefined {
  if (!seal.timeStamp) return undefined;
  const stamp = judgeTimeStamp(seal.timeStamp, seal.signature, options);
  for (const reason of stamp.reasons) {
    if (stamp.verdict !== 'genuine') fail(stamp.verdict, `seal-${reason}`);
  }
  if (stamp.time && seal.createdAt > stamp.time) fail('not-valid', 'seal-made-after-its-timestamp');
  return stamp.provenAt;
}

export function describeSeal(seal: Seal): SealReport {
  return {
    id: seal.esId,
    name: seal.name,
    kind: String(seal.type),
    validFrom: seal.validFrom.toISOString(),
    validTo: seal.validTo.toISOString(),
  };
}

/** Undefined when the bytes are no certificate. */
export function readCertificate(der: Uint8Array): Certificate | undefined {
  try {
    return new Certificate(der);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return undefined;
  }
}
