/** The check characters of the two numbers that stand on licences and in certificates. What the numbers mean is for `people/` to say. */

const CITIZEN_WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CITIZEN_CHECKS = '10X98765432';
/** 31 characters, value = index: no I, O, S, V, Z. */
const USCC_ALPHABET = '0123456789ABCDEFGHJKLMNPQRTUWXY';
/** 3^i modulo 31. */
const USCC_WEIGHTS = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];

/** GB 11643, ISO 7064 MOD 11-2 over the first 17 digits; what follows them is not looked at. */
export function citizenCheckCharacter(first17: string): string {
  const sum = CITIZEN_WEIGHTS.reduce((total, weight, index) => total + weight * Number(first17[index]), 0);
  return CITIZEN_CHECKS[sum % 11] as string;
}

/** GB 32100 over the first 17 characters of its alphabet. One code in 31 has the remainder 0, whose check value 31 is written as 0. */
export function usccCheckCharacter(first17: string): string {
  const sum = USCC_WEIGHTS.reduce((total, weight, index) => total + weight * USCC_ALPHABET.indexOf(first17[index] as string), 0);
  return USCC_ALPHABET[(31 - (sum % 31)) % 31] as string;
}

/** 18 characters of the alphabet, and the last one right. Which authorities and kinds there are is not looked at. */
export function hasUsccCheck(code: string): boolean {
  return /^[0-9A-HJ-NPQRTUWXY]{18}$/.test(code) && usccCheckCharacter(code) === code[17];
}
