/**
 * Unified social credit codes, GB 32100-2015: registering authority, kind, six digits of division, the nine-character
 * organisation code (GB 11714), and a check character over all.
 */
import { hasUsccCheck } from '#documents/check-characters.ts';
import { halfWidth } from './half-width.ts';
import { isOrganisationCode } from './organisation-code.ts';

/** Upper case, blanks and full-width characters forgiven; undefined when either check character is wrong. */
export function normaliseUscc(text: string): string | undefined {
  if (text.length > 64) return undefined;
  const code = halfWidth(text).replace(/[\s-]/g, '').toUpperCase();
  if (!/^[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}$/.test(code)) return undefined;
  return hasUsccCheck(code) && isOrganisationCode(code.slice(8, 17)) ? code : undefined;
}

export function isUscc(text: string): boolean {
  return normaliseUscc(text) !== undefined;
}

const AUTHORITIES: Record<string, string> = {
  '1': 'staffing-office',
  '2': 'foreign-affairs',
  '3': 'justice',
  '4': 'culture',
  '5': 'civil-affairs',
  '6': 'tourism',
  '7': 'religion',
  '8': 'trade-union',
  '9': 'market-regulation',
  A: 'military',
  N: 'agriculture',
  Y: 'other',
};

/** Who registered the body, by the first character. */
export function registeringAuthorityOf(code: string): string {
  return AUTHORITIES[code[0] ?? ''] ?? 'other';
}
