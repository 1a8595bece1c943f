/**
 * What was looked at to judge one signature of an OFD file, step by step (GB/T 38540 §6.3 and §7.3, GM/T 0099 §7.2), so that a person
 * sees what a verdict rests on. The verdict is made elsewhere; here its reasons are only sorted.
 */
import type { SignatureReport, SignatureStep, StepName } from '#documents/verdict.ts';

type Report = Omit<SignatureReport, 'steps'>;

interface Rule {
  step: StepName;
  /** Reasons that mean the step found a fault. */
  failedBy: RegExp;
  /** Reasons that mean it could not be done. */
  preventedBy?: RegExp;
  /** Whether the signature got as far as this step and has what it asks about. */
  isReached(report: Report): boolean;
}

const isSealed = ({ seal }: Report) => seal !== undefined;
const isSigned = ({ signer }: Report) => signer !== undefined;
const isRead = ({ form }: Report) => form !== undefined;

/** In the order in which they are done. */
const RULES: readonly Rule[] = [
  {
    step: 'container',
    failedBy: /^(signature-file-missing|signed-value-missing|xml-|entry-|crc-mismatch$|size-mismatch$|compression-ratio$|work-limit$)/,
    isReached: () => true,
  },
  {
    step: 'references',
    failedBy: /^(digest-mismatch|protected-file-missing|references-contradict|weak-digest)$/,
    preventedBy: /^(check-method-unsupported|no-references)$/,
    isReached: isRead,
  },
  { step: 'coverage', failedBy: /^(shown-but-not-signed|document-root-switched)$/, isReached: isRead },
  {
    step: 'signature-value',
    failedBy:
      /^(signature-mismatch|data-hash-mismatch|message-digest-mismatch|property-info-mismatch|signature-algorithm-does-not-fit-key|signed-value-(?!missing)|signed-data-(?!pkcs7)|signer-missing|signer-certificate-unreadable)/,
    preventedBy: /^(no-certificate|several-signers|signature-algorithm-unsupported)$/,
    isReached: () => true,
  },
  {
    step: 'seal-structure',
    failedBy: /^(seal-unreadable|seal-file-differs|seal-weak-digest|maker-certificate-unreadable)$/,
    isReached: isSealed,
  },
  {
    step: 'maker-signature',
    failedBy: /^(maker-signature-mismatch|maker-algorithm-does-not-fit-key)$/,
    preventedBy: /^(maker-algorithm-unsupported|maker-certificate-unreadable)$/,
    isReached: isSealed,
  },
  { step: 'signer-in-seal', failedBy: /^signer-not-in-seal$/, isReached: (report) => isSealed(report) && isSigned(report) },
  {
    step: 'validity',
    failedBy:
      /^((signer|maker)-(expired|not-yet-valid)|signed-in-the-future|seal-expired|seal-not-yet-valid|used-before-seal-was-made|seal-made-outside-.+|seal-made-after-.+)$/,
    preventedBy: /^signing-time-unknown$/,
    isReached: isSigned,
  },
  {
    step: 'chain',
    failedBy:
      /^(signer|maker)-(?!expired$|not-yet-valid$|revoked|signature-mismatch$|algorithm-|certificate-unreadable$|not-in-seal$|missing$|invalid-after-making$).+$/,
    isReached: isSigned,
  },
  {
    step: 'revocation',
    failedBy: /^(signer|maker|timestamp)-revoked$/,
    preventedBy: /^(revocation-unknown|(signer|maker)-chain-untrusted)$/,
    isReached: isSigned,
  },
  {
    step: 'timestamp',
    failedBy: /^timestamp-(?!not-renewed$|revoked-later$|untagged|tag)/,
    isReached: ({ time, reasons }) => time.proven !== null || reasons.some((reason) => reason.startsWith('timestamp-')),
  },
];

/** One for each step, in order. A step that could not be reached is `not-checked`, never `passed`. */
export function stepsOf(report: Report): SignatureStep[] {
  const isUncovered = isRead(report) && report.uncovered.length > 0;
  const reasons = isUncovered ? [...report.reasons, 'shown-but-not-signed'] : report.reasons;
  return RULES.map(({ step, failedBy, preventedBy, isReached }) => {
    const failures = reasons.filter((reason) => failedBy.test(reason));
    if (failures.length > 0) return { step, result: 'failed', reasons: failures };
    const obstacles = preventedBy ? reasons.filter((reason) => preventedBy.test(reason)) : [];
    if (obstacles.length > 0 || !isReached(report)) return { step, result: 'not-checked', reasons: obstacles };
    return { step, result: 'passed', reasons: [] };
  });
}
