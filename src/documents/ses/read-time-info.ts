/** timeInfo of TBS_Sign: a time in V4 and V5, free content in V1. */
import { type DerElement, DerError, parseDer, TAG } from '#crypto/der.ts';
import { parseSigningTime } from './parse-signing-time.ts';
import { readTime } from './ses-fields.ts';

/** Never throws for V1, whose content is free: an unreadable one gives no time and a warning. */
export function readTimeInfo(
  element: DerElement,
  isV1: boolean,
  warnings: Set<string>,
): { signedAt: Date | undefined; token?: Uint8Array } {
  if (element.tag === TAG.generalizedTime || element.tag === TAG.utcTime) {
    if (element.tag === TAG.utcTime || isV1) warnings.add('time-info-type');
    return { signedAt: readTime(element, warnings) };
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
