/**
 * Check characters of ISO/IEC 7064 hybrid systems: MOD 11,10 over digits (short numbers) and MOD 37,36 over digits and
 * letters (licence identifiers). Each finds every single wrong character and nearly every swap of neighbours.
 */
export const DIGITS = '0123456789';
export const DIGITS_AND_LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** The check character of a text over the alphabet; undefined when a character is not in it. */
export function hybridCheckCharacter(alphabet: string, text: string): string | undefined {
  const modulus = alphabet.length;
  let product = modulus;
  for (const character of text) {
    const value = alphabet.indexOf(character);
    if (value < 0) return undefined;
    product = (product + value) % modulus || modulus;
    product = (2 * product) % (modulus + 1);
  }
  return alphabet[(modulus + 1 - product) % modulus];
}

/** Whether the last character is the check character of those before it. */
export function isHybridChecked(alphabet: string, text: string): boolean {
  return text.length > 1 && hybridCheckCharacter(alphabet, text.slice(0, -1)) === text.at(-1);
}
