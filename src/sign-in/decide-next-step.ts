import type { AssuranceLevel } from '#people/assurance.ts';
import { acrLevel, acrSatisfies, highestLevelOf } from './acr.ts';

/** After a sign-in: done, or what would lift it to what was asked for. */
export type NextStep = 'finish' | 'second-factor' | 'real-name';

/**
 * What is still worth asking of the person. Where no step of ours reaches the wanted level the answer is `finish`: whoever asked
 * sees the level that was reached and decides.
 */
export function decideNextStep(have: { acr: string; amr: readonly string[]; level: AssuranceLevel }, wanted: readonly string[]): NextStep {
  if (acrSatisfies(have.acr, wanted)) return 'finish';
  const lowest = Math.min(...wanted.map(acrLevel).filter((level) => level !== undefined));
  if (have.level < 3 && lowest <= 3) return 'real-name';
  const bothFactors = highestLevelOf(['pwd', 'sms']);
  const reachable = Math.min(have.level, bothFactors);
  return lowest <= reachable && highestLevelOf(have.amr) < bothFactors ? 'second-factor' : 'finish';
}
