/** timeInfo of TBS_Sign: a time in V4 and V5, free content in V1. */
import { type DerElement, DerError, parseDer, TAG } from '#crypto/der.ts';

const EAST_EIGHT_MS = 8 * 3_600_000;

/** Never throws for V1, whose content is free: an unreadable one gives no time and a warning. */
export function readTimeInfo(
  element: DerElement,
  isV1: boolean,
  warnings: Set<string>,
): { signedAt: Date | undefined; token?: Uint8Array } {
  if (element.tag === TAG.generalizedTime || element.tag === TAG.utcTime) {
    if (element.tag === TAG.utcTime || isV1) warnings.add('time-info-type');
    return { signedAt: element.asTime() };
  }
  if (!isV1) warnings.add('time-info-type');
  if (element.tag === TAG.octetString) warnings.add('time-info-type');
  const content = element.tag === TAG.bitString ? element.asBits() : element.tag === TAG.octetString ? element.content : undefined;
  if (!content) throw new DerError('timeInfo of an unknown type');
  const fromText = parseSigningTime(Buffer.from(content).toString('latin1'));
  if (fromText) {
    if (fromText.zoneAssumed) warnings.add('time-zone-assumed');
    return { signedAt: fromText.time };
  }
  try {
    const inner = parseDer(content, { maxElements: 20_000, maxDepth: 28 });
    if (inner.tag === TAG.sequence) return { signedAt: undefined, token: content };
    return { signedAt: inner.asTime() };
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    warnings.add('time-info-unreadable');
    return { signedAt: undefined };
  }
}

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
