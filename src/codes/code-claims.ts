/**
 * The CWT (RFC 8392) inside a code, written and read byte for byte:
 *
 *     {4: exp, 6: iat, 7: cti (16 bytes), 9: scope (5…22 bytes)}
 *
 * `scope` (claim 9, as a byte string: RFC 9200 §5.8.1) says what the code is good for:
 *
 *     type (1) ‖ licence type number (1) ‖ status index (3, or 4 when the type's bit 0x80 is set) ‖ type-specific (0…16)
 *
 * Registered claims with one-byte keys keep a code with one ES256 signature at 115 bytes.
 */
import { CODE_ID_BYTES, CODE_TYPES, type CodeContent, MAX_TYPE_SPECIFIC_BYTES, MalformedCodeError } from './code-types.ts';

const LONG_INDEX = 0x80;
/** Bytes before the scope's own: map head, exp, iat, cti. */
const FIXED_BYTES = 1 + 6 + 6 + 2 + CODE_ID_BYTES;
const MAX_STATUS_INDEX = 0xffff_ffff;

/** @throws RangeError when the content does not fit: a mistake of ours, never a stranger's. */
export function encodeCodeClaims(content: CodeContent): Uint8Array {
  const name = content.maskedName === undefined ? undefined : Buffer.from(content.maskedName, 'utf8');
  const long = content.statusIndex > 0xff_ffff;
  const scopeBytes = 2 + (long ? 4 : 3) + (name?.length ?? 0);
  if (
    content.codeId.length !== CODE_ID_BYTES ||
    (content.codeType === 'named-licence') !== (name !== undefined && name.length > 0) ||
    (name?.length ?? 0) > MAX_TYPE_SPECIFIC_BYTES ||
    !(content.licenceTypeNumber >= 1 && content.licenceTypeNumber <= 255) ||
    !(content.statusIndex >= 0 && content.statusIndex <= MAX_STATUS_INDEX)
  ) {
    throw new RangeError('content that no code can carry');
  }
  const out = Buffer.allocUnsafe(FIXED_BYTES + 2 + scopeBytes);
  out.writeUInt8(0xa4, 0);
  out.writeUInt16BE(0x041a, 1);
  out.writeUInt32BE(content.expiresAtSeconds, 3);
  out.writeUInt16BE(0x061a, 7);
  out.writeUInt32BE(content.issuedAtSeconds, 9);
  out.writeUInt16BE(0x0750, 13);
  out.set(content.codeId, 15);
  out.writeUInt16BE(0x0940 + scopeBytes, FIXED_BYTES);
  out.writeUInt8(1 + CODE_TYPES.indexOf(content.codeType) + (long ? LONG_INDEX : 0), FIXED_BYTES + 2);
  out.writeUInt8(content.licenceTypeNumber, FIXED_BYTES + 3);
  out.writeUIntBE(content.statusIndex, FIXED_BYTES + 4, long ? 4 : 3);
  if (name) out.set(name, FIXED_BYTES + 4 + (long ? 4 : 3));
  return out;
}

/** @throws MalformedCodeError for anything but what `encodeCodeClaims` writes. */
export function parseCodeClaims(payload: Uint8Array): CodeContent {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  if (bytes.length < FIXED_BYTES + 7 || bytes.length > FIXED_BYTES + 2 + 6 + MAX_TYPE_SPECIFIC_BYTES)
    throw new MalformedCodeError('claims-size');
  const scopeBytes = bytes.length - FIXED_BYTES - 2;
  const shape =
    bytes.readUInt8(0) === 0xa4 &&
    bytes.readUInt16BE(1) === 0x041a &&
    bytes.readUInt16BE(7) === 0x061a &&
    bytes.readUInt16BE(13) === 0x0750 &&
    bytes.readUInt16BE(FIXED_BYTES) === 0x0940 + scopeBytes;
  if (!shape) throw new MalformedCodeError('claims-shape');
  const type = bytes.readUInt8(FIXED_BYTES + 2);
  const codeType = CODE_TYPES[(type & ~LONG_INDEX) - 1];
  if (!codeType) throw new MalformedCodeError('code-type');
  const indexBytes = type & LONG_INDEX ? 4 : 3;
  if (scopeBytes < 2 + indexBytes) throw new MalformedCodeError('claims-size');
  const statusIndex = bytes.readUIntBE(FIXED_BYTES + 4, indexBytes);
  const specific = bytes.subarray(FIXED_BYTES + 4 + indexBytes);
  const licenceTypeNumber = bytes.readUInt8(FIXED_BYTES + 3);
  if ((indexBytes === 4) !== statusIndex > 0xff_ffff || licenceTypeNumber === 0) throw new MalformedCodeError('claims-shape');
  if ((codeType === 'named-licence') !== specific.length > 0) throw new MalformedCodeError('claims-shape');
  return {
    codeType,
    codeId: Uint8Array.from(bytes.subarray(15, 15 + CODE_ID_BYTES)),
    issuedAtSeconds: bytes.readUInt32BE(9),
    expiresAtSeconds: bytes.readUInt32BE(3),
    licenceTypeNumber,
    statusIndex,
    ...(specific.length > 0 ? { maskedName: parseName(specific) } : {}),
  };
}

function parseName(bytes: Uint8Array): string {
  try {
    const name = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    if (!/\p{C}/u.test(name)) return name;
  } catch {
    // not UTF-8: told below
  }
  throw new MalformedCodeError('name-text');
}
