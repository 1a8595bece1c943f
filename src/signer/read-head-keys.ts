/** Judging heads of several generations: which keys count, what they signed, and up to which line. */
import { type LogHead, verifyLogHead } from './log-head.ts';
import { type LogKeyLink, readLink, statedBy } from './log-key-chain.ts';

/** A key that somebody trusts, or that such a key endorses. */
export interface HeadKey {
  spki: Uint8Array;
  /** Undefined for one that no link names. */
  name?: string;
  link?: LogKeyLink;
}

/**
 * @param trusted public keys the reader trusts, in any order.
 * @param links as the signer keeps them; those that no trusted key signed are passed over.
 */
export function readHeadKeys(trusted: readonly Uint8Array[], links: readonly string[]): HeadKey[] {
  const keys: HeadKey[] = trusted.map((spki) => ({ spki }));
  for (const jws of links) {
    const stated = statedBy(jws);
    if (!stated) continue;
    const successor = Uint8Array.from(Buffer.from(stated.spki, 'base64'));
    const held = keys.find(({ spki }) => Buffer.compare(spki, successor) === 0);
    for (const before of keys.filter(({ name }) => name === undefined || name === stated.previous)) {
      const next = readLink(jws, { name: stated.previous, spki: before.spki });
      if (typeof next === 'string' || !next.link) continue;
      // A break was signed by the successor alone: it tells something only to who trusts that.
      if (next.link.endorsed) before.name = stated.previous;
      else if (!held) continue;
      if (!held) keys.push({ ...next });
      else if (!held.link) Object.assign(held, { name: next.name, link: next.link });
      break;
    }
    if (held && !held.name) held.name = stated.key;
  }
  return keys;
}

/** The head a JWS states, if one of these keys signed it under its name; otherwise why not. Never throws. */
export function readHead(jws: string, keys: readonly HeadKey[]): LogHead | { fault: string } {
  let fault = 'the head was signed by none of these keys';
  for (const { spki, name } of keys) {
    const read = verifyLogHead(jws, spki, name);
    if (!('fault' in read)) return read;
    if (keys.length === 1) fault = read.fault;
  }
  return { fault };
}
