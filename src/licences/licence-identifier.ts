/**
 * The identifier of a licence (证照标识, GB/T 36904):
 *
 *     1.2.156.3005.2 . type code (21) . issuer code . serial . version (3) . check character
 *
 * The check character (ISO/IEC 7064 MOD 37,36) covers type, issuer, serial and version without dots; the root is compared.
 */
import { DIGITS_AND_LETTERS, hybridCheckCharacter } from '#codes/hybrid-check.ts';

export const IDENTIFIER_ROOT = '1.2.156.3005.2';
const MAX_IDENTIFIER_CHARACTERS = 128;

export interface LicenceIdentifier {
  typeCode: string;
  /** Credit code, organisation code, or a division code of 6 or 12 digits. */
  issuerCode: string;
  serial: string;
  /** 1 … 999. */
  version: number;
}

/** @throws RangeError for parts that no identifier can have. */
export function formatIdentifier(parts: LicenceIdentifier): string {
  const version = String(parts.version).padStart(3, '0');
  const covered = [parts.typeCode, parts.issuerCode, parts.serial, version];
  const check = hybridCheckCharacter(DIGITS_AND_LETTERS, covered.join(''));
  const text = `${IDENTIFIER_ROOT}.${covered.join('.')}.${check}`;
  if (!parseIdentifier(text)) throw new RangeError('not the parts of a licence identifier');
  return text;
}

/** The parts, if this is an identifier whose check character is right. Small letters and blanks around are forgiven. */
export function parseIdentifier(text: string): LicenceIdentifier | undefined {
  if (text.length > MAX_IDENTIFIER_CHARACTERS) return undefined;
  const upper = text.trim().toUpperCase();
  if (!upper.startsWith(`${IDENTIFIER_ROOT}.`)) return undefined;
  const groups = upper.slice(IDENTIFIER_ROOT.length + 1).split('.');
  const [typeCode = '', issuerCode = '', serial = '', version = '', check = ''] = groups;
  if (groups.length !== 5) return undefined;
  if (!/^[0-9A-Z]{21}$/.test(typeCode) || !/^([0-9]{6}|[0-9]{12}|[0-9A-Z]{9}|[0-9A-Z]{18})$/.test(issuerCode)) return undefined;
  if (!/^[0-9A-Z]{1,40}$/.test(serial) || !/^[0-9]{3}$/.test(version) || version === '000') return undefined;
  if (hybridCheckCharacter(DIGITS_AND_LETTERS, typeCode + issuerCode + serial + version) !== check) return undefined;
  return { typeCode, issuerCode, serial, version: Number(version) };
}
