/** Names of archive entries: how they are decoded and which are refused. */
import { ZipError } from './zip-error.ts';

const MAX_NAME_LENGTH = 1024;

/**
 * The name as text. With the UTF-8 flag it must be UTF-8; without it, ASCII or UTF-8 as many write it, or else GBK
 * (a warning says so).
 */
export function decodeEntryName(raw: Uint8Array, flaggedUtf8: boolean, warnings: Set<string>): string {
  if (raw.every((byte) => byte < 0x80)) return Buffer.from(raw).toString('latin1');
  const utf8 = decode('utf-8', raw);
  if (utf8 !== undefined) {
    if (!flaggedUtf8) warnings.add('zip-name-utf8-without-flag');
    return utf8;
  }
  if (flaggedUtf8) throw new ZipError('entry-name-encoding');
  const gbk = decode('gb18030', raw);
  if (gbk === undefined) throw new ZipError('entry-name-encoding');
  warnings.add('zip-name-gbk');
  return gbk;
}

/** What readers make of a name in UTF-8 that take every name for GBK; undefined when it is the same to them, or none. */
export function nameInGbk(raw: Uint8Array): string | undefined {
  if (raw.every((byte) => byte < 0x80) || decode('utf-8', raw) === undefined) return undefined;
  return decode('gb18030', raw);
}

/** Refuses names that mean different files to different readers, or a file outside the archive. */
export function checkEntryName(name: string): void {
  if (name.length === 0 || name.length > MAX_NAME_LENGTH) throw new ZipError('entry-name-length');
  if (name.startsWith('/') || /^[A-Za-z]:/.test(name)) throw new ZipError('absolute-entry-name');
  if (name.includes('\\')) throw new ZipError('backslash-entry-name');
  if (hasControlCharacter(name)) throw new ZipError('entry-name-control-character');
  const segments = name.split('/');
  if (segments.at(-1) === '') segments.pop();
  for (const segment of segments) {
    if (segment === '..') throw new ZipError('path-traversal');
    if (segment === '.' || segment === '') throw new ZipError('entry-name-not-normal');
  }
}

function hasControlCharacter(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}

function decode(encoding: string, raw: Uint8Array): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(raw);
  } catch {
    return undefined;
  }
}
