/** What a code's own bytes prove: the shared part of judging online and offline. Pure. */
import { verifyMessage } from '#crypto/suite.ts';
import type { ParsedCode } from './code-envelope.ts';
import { isKeyValidAt, type VerificationKey } from './code-keys.ts';
import { CODE_SKEW_SECONDS, type CodeVerdictWord, MAX_CODE_LIFE_SECONDS } from './code-types.ts';

export interface CodeJudgement {
  verdict: Extract<CodeVerdictWord, 'valid' | 'expired' | 'not-yet-valid' | 'unknown-key' | 'forged'>;
  reason?: string;
}

/** Fresh from issue until the expiry, exclusive. Skew is forgiven before issue, never after expiry. */
export function decideFreshness(
  code: Pick<ParsedCode, 'issuedAtSeconds' | 'expiresAtSeconds'>,
  at: Date,
  skewSeconds = CODE_SKEW_SECONDS,
): 'fresh' | 'expired' | 'not-yet-valid' {
  if (at.getTime() >= code.expiresAtSeconds * 1000) return 'expired';
  return at.getTime() < (code.issuedAtSeconds - skewSeconds) * 1000 ? 'not-yet-valid' : 'fresh';
}

/** Key, signature, length of life, then freshness: nothing a stranger wrote is believed before the signature is checked. */
export function judgeCode(
  code: ParsedCode,
  key: VerificationKey | undefined,
  at: Date,
  skewSeconds: number = CODE_SKEW_SECONDS,
): CodeJudgement {
  if (!key) return { verdict: 'unknown-key', reason: 'key-not-known' };
  if (key.publicKey.suite !== code.suite) return { verdict: 'forged', reason: 'algorithm-not-the-keys' };
  if (!verifyMessage(key.publicKey, code.toBeSigned, code.signature)) return { verdict: 'forged', reason: 'signature-wrong' };
  if (!isKeyValidAt(key, new Date(code.issuedAtSeconds * 1000))) return { verdict: 'unknown-key', reason: 'key-not-valid-then' };
  const life = code.expiresAtSeconds - code.issuedAtSeconds;
  if (life <= 0 || life > MAX_CODE_LIFE_SECONDS) return { verdict: 'forged', reason: 'life-not-allowed' };
  const freshness = decideFreshness(code, at, skewSeconds);
  return freshness === 'fresh' ? { verdict: 'valid' } : { verdict: freshness };
}
