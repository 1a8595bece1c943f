/** Verifying a seal file (Seal.esl) on its own: could it be used at the moment of the question? */
import { DerError } from '#crypto/der.ts';
import { combineVerdicts, refusedFile, type SignatureReport, type Verification, type VerifyOptions } from '#documents/verdict.ts';
import { describeSeal, judgeSeal } from './judge-seal.ts';
import { parseSeal } from './read-seal.ts';
import type { Seal } from './seal.ts';

/** The signature reported is the seal maker's. A verdict for any bytes, never an exception. */
export function verifySeal(bytes: Uint8Array, options: VerifyOptions): Verification {
  let seal: Seal;
  try {
    seal = parseSeal(bytes);
  } catch (error) {
    if (error instanceof DerError) return refusedFile('seal', 'malformed', 'seal-unreadable');
    throw error;
  }
  const judged = judgeSeal(seal, { usedAt: options.at, options });
  const report: SignatureReport = {
    index: 0,
    kind: 'seal',
    form: `ses-v${seal.version}`,
    ...(judged.suite ? { suite: judged.suite } : {}),
    verdict: judged.verdict,
    ...(judged.maker ? { signer: judged.maker } : {}),
    seal: describeSeal(seal),
    time: { claimed: seal.createdAt.toISOString(), proven: null },
    coverage: 'whole-file',
    uncovered: [],
    changesAfter: [],
    reasons: judged.reasons,
  };
  return { report: combineVerdicts({ format: 'seal', signatures: [report] }) };
}
