/**
 * The keys that sign the heads of the signer's log, one after another. Each successor is introduced by a link, a compact JWS: signed by
 * the key before (an endorsement), or, when that came into wrong hands or is lost, by the new key itself (a break). An endorsement is
 * believed by whoever trusts the key before; a break only by whom an operator told to trust the new key. A link states the line up to
 * which the key before signed heads, so no later head of that key counts, whoever has it then.
 */
import { z } from 'zod';
import { signJws, verifyJws } from '#codes/jws.ts';
import { digest, importPublicKey, type PublicKey, UnsupportedKeyError } from '#crypto/suite.ts';
import type { KeyStore } from '#ports/key-store.ts';
import type { LogPosition } from './signer-log.ts';

export const LOG_KEY = 'signer-log-p256';
export const LOG_LINK_TYPE = 'tongren-signer-log-key+jwt';
const MAX_LINK_CHARACTERS = 4_096;
/** More successors than any signer sees. */
const MAX_GENERATION = 999;
const NAME = /^signer-log-p256(?:-([1-9][0-9]{0,2}))?$/;

const linkShape = z.object({
  /** Name of the successor, and its DER SubjectPublicKeyInfo. */
  key: z.string().regex(NAME),
  spki: z.base64().max(200),
  previous: z.string().regex(NAME),
  /** The last line that the key before states, and its hash. */
  n: z.int().min(1),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** Which log that line is in, where that is known. */
  log: z.uuid().optional(),
  iat: z.int().min(0),
});

export interface LogKeyLink extends LogPosition {
  log?: string;
  at: Date;
  previous: string;
  /** Signed by the key before, and not only by the new key itself. */
  endorsed: boolean;
}

export interface LogKey {
  name: string;
  spki: Uint8Array;
  /** How it was introduced; absent for the first. */
  link?: LogKeyLink;
}

/** 1 for the first; undefined for every other name than that of a key of the log. */
export function generationOfLogKey(name: string): number | undefined {
  const found = NAME.exec(name);
  return found ? Number(found[1] ?? 1) : undefined;
}

/** Throws RangeError past the last. */
export function logKeyName(generation: number): string {
  if (generation > MAX_GENERATION) throw new RangeError('no further key of the log can be named');
  return generation === 1 ? LOG_KEY : `${LOG_KEY}-${generation}`;
}

/** SHA-256 of a public key, in hexadecimal. */
export function fingerprintOf(spki: Uint8Array): string {
  return Buffer.from(digest('sha256', spki)).toString('hex');
}

export interface NewLink extends LogPosition {
  key: { name: string; spki: Uint8Array };
  previous: string;
  log?: string | undefined;
  endorsed: boolean;
}

/** `keys` is the bare store: no caller can ask for such a signature. */
export function signLink(keys: KeyStore, { key, previous, n, hash, log, endorsed }: NewLink, now: Date): Promise<string> {
  const payload = {
    ...{ key: key.name, spki: Buffer.from(key.spki).toString('base64'), previous, n, hash },
    ...(log === undefined ? {} : { log }),
    iat: Math.floor(now.getTime() / 1000),
  };
  const signer = { name: endorsed ? previous : key.name, suite: 'es256', purpose: 'signer-log' } as const;
  return signJws(keys, signer, LOG_LINK_TYPE, payload);
}

/**
 * The keys from the first on, as the links introduce them. Of several links that follow one key the first counts; a link that nobody
 * concerned signed, or that leads nowhere, is passed over and named in `faults`. Never throws.
 */
export function followLinks(first: LogKey, links: readonly string[]): { keys: LogKey[]; faults: string[] } {
  const keys = [first];
  const faults: string[] = [];
  for (const [index, jws] of links.entries()) {
    const before = keys.at(-1) ?? first;
    const next = readLink(jws.trim(), before);
    if (typeof next === 'string') faults.push(`${index + 1}: ${next}`);
    else keys.push(next);
  }
  return { keys, faults };
}

/** The key that a link introduces after this one; otherwise why it does not. */
export function readLink(jws: string, before: LogKey): LogKey | string {
  const stated = statedBy(jws);
  if (!stated) return 'this is no link between keys of a signer log';
  const successor = Uint8Array.from(Buffer.from(stated.spki, 'base64'));
  const [own, other] = [publicKeyOf(before.spki), publicKeyOf(successor)];
  const keyOf = (kid: string) => (kid === before.name ? own : kid === stated.key ? other : undefined);
  const verified = verifyJws(jws, LOG_LINK_TYPE, keyOf, MAX_LINK_CHARACTERS);
  if (verified === 'malformed') return 'this is no link between keys of a signer log';
  if (typeof verified === 'string') return 'the link was signed by neither of its keys';
  if (stated.previous !== before.name) return `the link follows ${stated.previous}, not ${before.name}`;
  if ((generationOfLogKey(stated.key) ?? 0) <= (generationOfLogKey(before.name) ?? 0)) return 'the link leads back';
  const { previous, n, hash, log, iat } = stated;
  const link = { previous, n, hash, at: new Date(iat * 1000), endorsed: verified.kid === before.name, ...(log ? { log } : {}) };
  return { name: stated.key, spki: successor, link };
}

/** What a link says, whoever signed it. */
export function statedBy(jws: string): z.infer<typeof linkShape> | undefined {
  if (jws.length > MAX_LINK_CHARACTERS) return undefined;
  try {
    return linkShape.safeParse(JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

/** Undefined for what is no key we can read. */
export function publicKeyOf(spki: Uint8Array): PublicKey | undefined {
  try {
    return importPublicKey(spki);
  } catch (error) {
    if (error instanceof UnsupportedKeyError) return undefined;
    throw error;
  }
}
