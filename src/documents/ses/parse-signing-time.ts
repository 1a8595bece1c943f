/** Times of signing as text, in Signature.xml and in V1 signatures. */

const EAST_EIGHT_MS = 8 * 3_600_000;

/**
 * The forms real files write: `20201004072855.302Z`, `20201010151120`, `2020-10-23 19:45:37`, RFC 3339.
 * Without a zone the time is Beijing's (UTC+8), which production files confirm.
 */
export function parseSigningTime(text: string): { time: Date; zoneAssumed: boolean } | undefined {
  const match = /^\s*(\d{4})-?(\d\d)-?(\d\d)[T ]?(\d\d):?(\d\d):?(\d\d)(?:\.(\d{1,9}))?\s*(Z|[+-]\d\d:?\d\d)?\s*$/.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second, fraction = '0', zone] = match;
  const [y, mo, d, h, mi, s] = [year, month, day, hour, minute, second].map(Number) as [number, number, number, number, number, number];
  const utc = Date.UTC(y, mo - 1, d, h, mi, s, Math.floor(Number(`0.${fraction}`) * 1000));
  const check = new Date(utc);
  if (check.getUTCMonth() !== mo - 1 || check.getUTCDate() !== d || h > 23 || mi > 59 || s > 59) return undefined;
  if (!zone) return { time: new Date(utc - EAST_EIGHT_MS), zoneAssumed: true };
  if (zone === 'Z') return { time: check, zoneAssumed: false };
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return { time: new Date(utc - (zone[0] === '-' ? -1 : 1) * minutes * 60_000), zoneAssumed: false };
}
