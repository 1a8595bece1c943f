/** Organisation codes, GB 11714: eight of 0–9 A–Z and a check character. X, MA…, MB… and L… inside are normal. */
const WEIGHTS = [3, 7, 9, 10, 5, 8, 4, 2];

export function organisationCheckCharacter(first8: string): string {
  const sum = WEIGHTS.reduce((total, weight, index) => total + weight * Number.parseInt(first8[index] as string, 36), 0);
  const value = 11 - (sum % 11);
  return value === 10 ? 'X' : value === 11 ? '0' : String(value);
}

/** Nine characters, upper case; a hyphen before the check character, as it is often printed, is not accepted here. */
export function isOrganisationCode(text: string): boolean {
  return /^[0-9A-Z]{8}[0-9X]$/.test(text) && organisationCheckCharacter(text) === text[8];
}
