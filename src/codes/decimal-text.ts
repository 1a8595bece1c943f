/**
 * Bytes as one decimal number, for QR numeric mode: 0.3 % larger than the bytes, and digits survive scanner guns that
 * act as keyboards, on any layout, in any case, under any input method.
 *
 * The bytes are read as one big-endian integer. A COSE_Sign1 begins with 0x84, never with a zero byte, so the number
 * tells the bytes without padding, and its first digit is never 0: exactly one text for each code.
 */
import { MalformedCodeError } from './code-types.ts';

/** Version 8-M holds 365 digits; 147 bytes that begin with 0x84 need 354, any 147 bytes at most 355. */
export const MAX_CODE_BYTES = 147;
export const MAX_CODE_DIGITS = 355;

/** @throws MalformedCodeError for no bytes, too many, or a leading zero byte. */
export function decimalFromBytes(bytes: Uint8Array): string {
  if (bytes.length === 0 || bytes[0] === 0) throw new MalformedCodeError('leading-zero-byte');
  if (bytes.length > MAX_CODE_BYTES) throw new MalformedCodeError('too-long');
  return BigInt(`0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')}`).toString();
}

/** The reverse, for the one text that `decimalFromBytes` writes. @throws MalformedCodeError for any other. */
export function bytesFromDecimal(digits: string): Uint8Array {
  if (digits.length > MAX_CODE_DIGITS) throw new MalformedCodeError('too-long');
  if (!/^[1-9][0-9]*$/.test(digits)) throw new MalformedCodeError('not-a-number');
  const hex = BigInt(digits).toString(16);
  const bytes = Uint8Array.from(Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex'));
  if (bytes.length > MAX_CODE_BYTES) throw new MalformedCodeError('too-long');
  return bytes;
}
