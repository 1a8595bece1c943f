/**
 * Lines of the signer's log. Each is JSON and carries the SHA-256 of the line before it, exactly as that was written, so that a
 * changed, removed or exchanged line breaks the chain. A signed head kept elsewhere shows what was cut off at the end.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { KeyPurpose } from '#ports/key-store.ts';

export type SignerEvent =
  | 'opened'
  | 'continued'
  | 'recovered'
  | 'key-creating'
  | 'key-created'
  | 'key-retiring'
  | 'key-retired'
  | 'log-key-rotated'
  | 'signed'
  | 'refused'
  | 'limited'
  | 'stranger'
  | 'policy-taken'
  | 'policy-refused';

/** One line for each act, done or refused. Nothing of a structure but its digest, and nothing about persons. */
export interface SignerLogLine {
  at: string;
  event: SignerEvent;
  caller?: string;
  key?: string;
  purpose?: KeyPurpose;
  /** SHA-256 of the structure, to find it again. */
  structure?: string;
  /** SHA-256 of the public key of a key that was made. */
  publicKey?: string;
  /** SHA-256 of the public key that it succeeds, where that signed heads of this log. */
  formerKey?: string;
  /** SHA-256 of a policy file. */
  policy?: string;
  reason?: string;
  /** Random, of a log that begins: no two logs are alike. */
  log?: string;
}

/** What a chained line says besides: its number over all files, and the hash of the line before. */
export interface ChainedLine extends SignerLogLine {
  n: number;
  previous: string;
}

/** Why a log goes over to another key that it did not introduce itself. */
export const FOLLOWED = 'another process of this store changed the key';

/** Before the first line there is this. */
export const GENESIS = '0'.repeat(64);

const chainShape = z.looseObject({
  n: z.int().min(1),
  at: z.iso.datetime(),
  event: z.string().min(1),
  previous: z.string().regex(/^[0-9a-f]{64}$/),
});

/** The text of a line, without its line feed. */
export function encodeLine(n: number, previous: string, line: SignerLogLine): string {
  return JSON.stringify({ n, ...line, previous });
}

export function hashOfLine(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Undefined for a text that is no line of ours. */
export function parseLine(text: string): ChainedLine | undefined {
  try {
    const parsed = chainShape.safeParse(JSON.parse(text));
    return parsed.success ? (parsed.data as unknown as ChainedLine) : undefined;
  } catch {
    return undefined;
  }
}

const FILE_NAME = /^signer-(\d{6})\.jsonl$/;

export function nameOfFile(number: number): string {
  return `signer-${String(number).padStart(6, '0')}.jsonl`;
}

/** Numbers of the log's files among these names, in order. */
export function fileNumbers(names: readonly string[]): number[] {
  return names
    .flatMap((name) => FILE_NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}
