/**
 * The entries of a CRL (RFC 5280 §5.3): one scan that notes where each serial stands, so that a list with 10^5 entries is read
 * in well under a second. Indirect lists name the issuer of an entry once, for it and those after it (§5.3.3).
 */
import { DerError, parseDer, TAG } from '#crypto/der.ts';
import { OID } from '#crypto/oids.ts';
import { parseExtensions } from './extensions.ts';
import { parseGeneralNames } from './general-name.ts';
import { type Name, nameKey } from './name.ts';

const KNOWN_ENTRY_EXTENSIONS: readonly string[] = [OID.reasonCode, OID.invalidityDate, OID.certificateIssuer];

/** Stands for the list's own issuer. */
export const OWN = '';

/** The index string of an entry. @param issuerKey the `nameKey` of a certificate issuer that is not the list's own. */
export function entryKey(serialHex: string, issuerKey: string): string {
  return issuerKey === OWN ? serialHex : `${issuerKey}\u0002${serialHex}`;
}

export interface CrlEntryIndex {
  content: Uint8Array;
  offsets: Map<string, { start: number; end: number }>;
  unknownCritical: boolean;
}

/**
 * One pass over revokedCertificates that reads each serial and looks into extensions only where something is marked critical.
 * @param keep false when nothing will be looked up: the form of each entry is checked, and no index is kept.
 */
export function indexEntries(content: Uint8Array, crlIssuer: Name, keep = true): CrlEntryIndex {
  const buffer = Buffer.from(content.buffer, content.byteOffset, content.length);
  const offsets = new Map<string, { start: number; end: number }>();
  let unknownCritical = false;
  let issuerKey = OWN;
  for (let start = 0; start < buffer.length; ) {
    const entry = readHeader(buffer, start, buffer.length, TAG.sequence);
    const serial = readHeader(buffer, entry.body, entry.end, TAG.integer);
    if (serial.end === serial.body) throw new DerError('empty serial');
    const time = readHeader(buffer, serial.end, entry.end);
    if (time.end < entry.end) {
      const extensions = buffer.subarray(time.end, entry.end);
      unknownCritical ||= hasUnknownCritical(extensions);
      if (extensions.includes(CERTIFICATE_ISSUER)) issuerKey = readIssuerKey(extensions, crlIssuer) ?? issuerKey;
    }
    if (keep) offsets.set(entryKey(serialKey(buffer, serial.body, serial.end), issuerKey), { start, end: entry.end });
    start = entry.end;
  }
  return { content: buffer, offsets, unknownCritical };
}

function readHeader(buffer: Buffer, start: number, limit: number, tag?: number): { body: number; end: number } {
  const first = buffer[start + 1];
  if (start + 2 > limit || first === undefined || (tag !== undefined && buffer[start] !== tag)) throw new DerError('CRL entry damaged');
  const count = first < 0x80 ? 0 : first & 0x7f;
  if (count > 3 || first === 0x80 || start + 2 + count > limit) throw new DerError('CRL entry of impossible length');
  const length = count === 0 ? first : buffer.readUIntBE(start + 2, count);
  const body = start + 2 + count;
  if (body + length > limit) throw new DerError('CRL entry cut off');
  return { body, end: body + length };
}

/** As `Certificate.serialHex`: no leading zero octet, `-` for a negative one. */
function serialKey(buffer: Buffer, start: number, end: number): string {
  const first = buffer[start] ?? 0;
  if (first < 0x80) return buffer.toString('hex', first === 0 && end - start > 1 ? start + 1 : start, end);
  const value = BigInt(`0x${buffer.toString('hex', start, end)}`) - (1n << BigInt(8 * (end - start)));
  const hex = (-value).toString(16);
  return `-${hex.length % 2 ? `0${hex}` : hex}`;
}

const CRITICAL = Buffer.from('0101ff', 'hex');
const CERTIFICATE_ISSUER = Buffer.from('0603551d1d', 'hex');

/** Undefined when the bytes only look like the extension. Throws DerError when it names no directory name. */
function readIssuerKey(extensions: Buffer, crlIssuer: Name): string | undefined {
  const extension = parseExtensions(parseDer(extensions)).get(OID.certificateIssuer);
  if (!extension) return undefined;
  const name = parseGeneralNames(parseDer(extension.value).expect(TAG.sequence)).find(({ kind }) => kind === 'directory');
  if (name?.kind !== 'directory') throw new DerError('certificate issuer without a directory name');
  return nameKey(name.value) === nameKey(crlIssuer) ? OWN : nameKey(name.value);
}

function hasUnknownCritical(extensions: Buffer): boolean {
  if (!extensions.includes(CRITICAL)) return false;
  return [...parseExtensions(parseDer(extensions)).values()].some(({ oid, critical }) => critical && !KNOWN_ENTRY_EXTENSIONS.includes(oid));
}
