/**
 * Some products write their CMS in BER with indefinite lengths. The outer shell is rewritten with definite lengths here;
 * values that are signed (the attributes, the certificates) are DER in themselves and pass through unchanged.
 */
import { DerError } from '#crypto/der.ts';
import { encodeHeader } from '#crypto/encode-der.ts';

const MAX_DEPTH = 32;
const MAX_ELEMENTS = 50_000;

interface Part {
  readonly bytes: Uint8Array;
  readonly end: number;
}

/** `length` counts the input's bytes that belong to the value. Input that begins with a definite length comes back as it is. */
export function normaliseBer(input: Uint8Array): { der: Uint8Array; length: number; wasBer: boolean } {
  if (input[1] !== 0x80) return { der: input, length: input.length, wasBer: false };
  const budget = { left: MAX_ELEMENTS };
  const { bytes, end } = readElement(input, 0, 0, budget);
  return { der: bytes, length: end, wasBer: true };
}

function readElement(input: Uint8Array, start: number, depth: number, budget: { left: number }): Part {
  if (depth > MAX_DEPTH || --budget.left < 0) throw new DerError('too deep or too many elements');
  const tag = input[start];
  const first = input[start + 1];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) throw new DerError('truncated');
  const isConstructed = (tag & 0x20) !== 0;
  if (first !== 0x80) {
    const { from, end } = definite(input, start, first);
    // Definite values may still hold indefinite ones inside; those of a primitive tag cannot.
    if (!isConstructed) return { bytes: input.subarray(start, end), end };
    return { bytes: rewrite(input, tag, from, end, depth, budget), end };
  }
  if (!isConstructed) throw new DerError('indefinite length of a primitive value');
  const parts: Uint8Array[] = [];
  let at = start + 2;
  while (!(input[at] === 0 && input[at + 1] === 0)) {
    const part = readElement(input, at, depth + 1, budget);
    parts.push(part.bytes);
    at = part.end;
  }
  return { bytes: assemble(tag, parts), end: at + 2 };
}

function definite(input: Uint8Array, start: number, first: number): { from: number; end: number } {
  let from = start + 2;
  let length = first;
  if (first > 0x80) {
    const count = first & 0x7f;
    if (count > 4) throw new DerError('length of more than four bytes');
    length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + (input[from++] ?? 0);
  }
  const end = from + length;
  if (end > input.length) throw new DerError('truncated');
  return { from, end };
}

function rewrite(input: Uint8Array, tag: number, from: number, end: number, depth: number, budget: { left: number }): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = from; at < end; ) {
    const part = readElement(input, at, depth + 1, budget);
    if (part.end > end) throw new DerError('truncated');
    parts.push(part.bytes);
    at = part.end;
  }
  return assemble(tag, parts);
}

/** A constructed OCTET STRING becomes one primitive string. */
function assemble(tag: number, parts: readonly Uint8Array[]): Uint8Array {
  const isString = tag === 0x24;
  const content = Buffer.concat(isString ? parts.map(stringContent) : parts);
  return Buffer.concat([encodeHeader(isString ? 0x04 : tag, content.length), content]);
}

function stringContent(part: Uint8Array): Uint8Array {
  if (part[0] !== 0x04) throw new DerError('string of other parts');
  return part.subarray(definite(part, 0, part[1] ?? 0).from);
}
