/**
 * Authentication context: how sure the system is that this person is here now. The lower of two things counts: how well the person
 * is known (assurance level), and how strong the methods of this sign-in were (`amr`, RFC 8176).
 */
import type { AssuranceLevel } from '#people/assurance.ts';

export const ACR_VALUES = [1, 2, 3, 4, 5].map((level) => `urn:tongren:acr:${level}`);

/**
 * RFC 8176; `pop`: a key of which we know nothing more, and which therefore is no second factor beside anything; `swk`: a key in software, such as a browser keeps for a certificate of ours,
 * `hwk`: one that hardware keeps.
 */
export type AuthenticationMethod = 'pwd' | 'sms' | 'face' | 'pop' | 'swk' | 'hwk' | 'mfa';

/** What kind of proof a method is: two of different kinds are two factors. */
const FACTOR: Record<string, 'knowledge' | 'possession' | 'inherence'> = {
  pwd: 'knowledge',
  sms: 'possession',
  swk: 'possession',
  hwk: 'possession',
  face: 'inherence',
};

/** One factor reaches 3; two different ones, or a live face, 4; a key in hardware 5. */
export function highestLevelOf(amr: readonly string[]): AssuranceLevel {
  if (amr.includes('hwk')) return 5;
  return factorsOf(amr).size >= 2 || amr.includes('face') ? 4 : 3;
}

/** Two kinds of proof in one session, or a key in hardware, which its holder unlocks. */
export function hasTwoFactors(amr: readonly string[]): boolean {
  return factorsOf(amr).size >= 2 || amr.includes('hwk');
}

/** `urn:tongren:acr:1` to `urn:tongren:acr:5`. */
export function acrOf(level: AssuranceLevel, amr: readonly string[]): string {
  return `urn:tongren:acr:${Math.min(level, highestLevelOf(amr))}`;
}

/** Undefined for what is no value of ours. */
export function acrLevel(acr: string): AssuranceLevel | undefined {
  const index = ACR_VALUES.indexOf(acr);
  return index < 0 ? undefined : ((index + 1) as AssuranceLevel);
}

/** True when `have` is at least one of the wanted values; values that are not ours ask for nothing. */
export function acrSatisfies(have: string, wanted: readonly string[]): boolean {
  const levels = wanted.map(acrLevel).filter((level) => level !== undefined);
  return levels.length === 0 || (acrLevel(have) ?? 0) >= Math.min(...levels);
}

/** Methods of an earlier and a later proof together, with `mfa` when they are of different kinds. */
export function mergeMethods(...proofs: readonly (readonly string[])[]): string[] {
  const merged = new Set(proofs.flat().filter((method) => method !== 'mfa'));
  if (factorsOf([...merged]).size >= 2) merged.add('mfa');
  return [...merged];
}

function factorsOf(amr: readonly string[]) {
  return new Set(amr.map((method) => FACTOR[method]).filter((factor) => factor !== undefined));
}
