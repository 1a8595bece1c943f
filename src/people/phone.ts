/** Chinese mobile numbers, kept in E.164. */
import { halfWidth } from './half-width.ts';

/** `+86 139 0000 0001`, `0086-139…`, `139 0000 0001` → `+8613900000001`. Undefined for anything that cannot receive a Chinese SMS. */
export function normalisePhone(text: string): string | undefined {
  if (text.length > 40) return undefined;
  const digits = halfWidth(text)
    .replace(/[\s\-()]/g, '')
    .replace(/^(\+86|0086)/, '');
  return /^1[3-9]\d{9}$/.test(digits) ? `+86${digits}` : undefined;
}
