/** Files of certificates, revocation lists and OCSP answers as people have them: PEM or DER, one or several in a file. */
import { readFileSync } from 'node:fs';
import { DerError, parseDerPrefix } from '#crypto/der.ts';
import { parsePemBlocks } from '#pki/pem.ts';

/** Structures read from one file. */
const MAX_STRUCTURES = 1_000;

export interface ReadFiles<T> {
  found: T[];
  /** Structures that are there and cannot be read, by file. */
  unreadable: string[];
}

/** Reads each file with `parse`. Throws when a file cannot be opened; what cannot be read in it is reported and takes no part. */
export function readStructures<T>(paths: readonly string[], parse: (der: Uint8Array) => T, labels: readonly string[]): ReadFiles<T> {
  const found: T[] = [];
  const unreadable: string[] = [];
  for (const path of paths) {
    const before = found.length + unreadable.length;
    for (const der of splitFile(readFileSync(path), labels)) {
      try {
        found.push(parse(der));
      } catch (error) {
        if (!(error instanceof DerError)) throw error;
        unreadable.push(path);
      }
    }
    if (found.length + unreadable.length === before) unreadable.push(path);
  }
  return { found, unreadable };
}

/** The DER structures of a file: PEM blocks of the given labels, or DER one after another. */
function splitFile(bytes: Uint8Array, labels: readonly string[]): Uint8Array[] {
  if (bytes[0] !== 0x30) {
    try {
      const blocks = parsePemBlocks(Buffer.from(bytes).toString('latin1'));
      return blocks.filter(({ label }) => labels.includes(label)).map(({ der }) => der);
    } catch (error) {
      if (error instanceof DerError) return [];
      throw error;
    }
  }
  const parts: Uint8Array[] = [];
  for (let rest = bytes; rest.length > 0 && parts.length < MAX_STRUCTURES; ) {
    const length = lengthOfFirst(rest);
    parts.push(rest.subarray(0, length));
    rest = rest.subarray(length);
  }
  return parts;
}

/** All that is left when it does not begin with an element: then it is one unreadable structure. */
function lengthOfFirst(bytes: Uint8Array): number {
  try {
    return parseDerPrefix(bytes).length;
  } catch (error) {
    if (error instanceof DerError) return bytes.length;
    throw error;
  }
}
