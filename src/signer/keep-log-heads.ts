import { copyFileSync, mkdirSync, renameSync, unwatchFile, watchFile, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { toPem } from '#pki/pem.ts';
import type { Clock } from '#ports/clock.ts';
import type { KeyStore } from '#ports/key-store.ts';
import { signLogHead } from './log-head.ts';
import { fingerprintOf } from './log-key-chain.ts';
import { openLinkFile } from './log-link-file.ts';
import { openLogKeys } from './rotate-log-key.ts';
import type { LogPosition, SignerLog } from './signer-log.ts';

export const HEAD_FILE = 'head.jws';
/** Public keys of the heads, the oldest first. */
export const HEAD_KEY_FILE = 'head-key.pem';
/** How each of them was introduced. */
export const HEAD_LINKS_FILE = 'head-keys.jws';
const DEFAULT_EVERY_MS = 60_000;
const LOOK_AT_LINKS_EVERY_MS = 2_000;

/** A signed head, the key that signed it, the first key there was, and the links from that to this. Public keys in base64. */
export interface LogHeadAnswer {
  head: string;
  spki: string;
  first: string;
  links: string[];
}

/** How the key of the heads changed. Fingerprints are SHA-256 of the public keys. */
export interface LogKeyChange {
  before: string;
  after: string;
  fingerprint: string;
  formerFingerprint: string;
  /** The line of the log in which it did. */
  line: number;
  at: string;
  /** The key before vouches for the new one. */
  endorsed: boolean;
  /** It had changed just before, and nothing was done now. */
  already: boolean;
}

export interface LogHeads {
  /** The head as of now, signed. */
  newest(): Promise<LogHeadAnswer>;
  /** The next key takes over; with `compromised` the key before does not vouch for it and is destroyed at once. */
  rotate(change: { compromised: boolean; caller: string }): Promise<LogKeyChange>;
  close(): Promise<void>;
}

export interface LogHeadOptions {
  /** Of the log. */
  folder: string;
  /** Where all the processes of this key store find how its keys of the log follow each other. Default: `folder`. */
  linksFolder?: string;
  everyMs?: number;
  tell?: (head: string) => void;
  tellLink?: (link: string) => void;
}

/**
 * Signs the head of the log every minute in which something was written, and once at the end: into the log's folder, and to whoever
 * asks. Only copies kept elsewhere (`tell`, the callers) prove anything against someone who can write to this machine.
 */
export async function keepLogHeads(
  { keys, log, clock }: { keys: KeyStore; log: SignerLog; clock: Clock },
  { folder, linksFolder = folder, everyMs = DEFAULT_EVERY_MS, tell = () => {}, tellLink = () => {} }: LogHeadOptions,
): Promise<LogHeads> {
  for (const place of [folder, linksFolder]) mkdirSync(place, { recursive: true, mode: 0o700 });
  const linksPath = join(linksFolder, HEAD_LINKS_FILE);
  const logKeys = await openLogKeys({ keys, log, clock }, openLinkFile(linksPath));
  const writeKeys = (): void => {
    const all = logKeys.all();
    replaceFile(join(folder, HEAD_KEY_FILE), all.map(({ spki }) => toPem('PUBLIC KEY', spki)).join(''));
    if (all.length > 1 && dirname(linksPath) !== folder) copyFileSync(linksPath, join(folder, HEAD_LINKS_FILE));
  };
  writeKeys();
  let signed: { n: number; key: string; head: string } | undefined;
  const signAt = async ({ n, hash }: LogPosition): Promise<string> => {
    const { name } = logKeys.current();
    const head = await signLogHead(keys, { n, hash }, clock.now(), name);
    signed = { n, key: name, head };
    replaceFile(join(folder, HEAD_FILE), `${head}\n`);
    return head;
  };
  const sign = async (): Promise<string> => {
    if (await logKeys.follow()) writeKeys();
    const position = log.position();
    // However often somebody asks: one signature for each length of the log and each key.
    if (signed?.n === position.n && signed.key === logKeys.current().name) return signed.head;
    return signAt(position);
  };
  const signIfGrown = async (): Promise<void> => {
    const before = signed?.head;
    const head = await sign();
    if (head !== before) tell(head);
    // What cannot be destroyed now is tried again a minute later.
    await logKeys.retireFormer().catch(() => undefined);
  };
  const rotate = async (change: { compromised: boolean; caller: string }): Promise<LogKeyChange> => {
    if (await logKeys.follow()) writeKeys();
    const before = logKeys.current();
    const made = await logKeys.succeed(change);
    if (made) {
      writeKeys();
      tellLink(made.jws);
      const { link } = logKeys.current();
      // Both keys state the line of the change; of the one before only as long as it can be believed.
      if (link?.endorsed && link.previous === before.name) tell(await signLogHead(keys, link, clock.now(), before.name));
      if (link) tell(await signAt(link));
      await logKeys.retireFormer();
    }
    const [former = before, after = before] = logKeys.all().slice(-2);
    return {
      ...{ before: former.name, after: after.name },
      ...{ fingerprint: fingerprintOf(after.spki), formerFingerprint: fingerprintOf(former.spki) },
      ...{ line: after.link?.n ?? 0, at: (after.link?.at ?? clock.now()).toISOString(), endorsed: after.link?.endorsed ?? false },
      already: made === undefined,
    };
  };
  let last: Promise<unknown> = Promise.resolve();
  /** One act after another: no head is signed in the middle of a change. */
  const inTurn = <T>(act: () => Promise<T>): Promise<T> => {
    const turn = last.then(act, act);
    last = turn.catch(() => undefined);
    return turn;
  };
  // A token that is away is asked again a minute later; the log itself goes on.
  const look = () => void inTurn(signIfGrown).catch(() => undefined);
  const timer = setInterval(look, everyMs);
  timer.unref();
  const onLinks = () => look();
  watchFile(linksPath, { interval: LOOK_AT_LINKS_EVERY_MS, persistent: false }, onLinks);
  await inTurn(signIfGrown);
  return {
    newest: () =>
      inTurn(async () => {
        const head = await sign();
        const [first] = logKeys.all();
        const base64 = (spki: Uint8Array | undefined) => Buffer.from(spki ?? []).toString('base64');
        return { head, spki: base64(logKeys.current().spki), first: base64(first?.spki), links: [...logKeys.links()] };
      }),
    rotate: (change) => inTurn(() => rotate(change)),
    async close() {
      clearInterval(timer);
      unwatchFile(linksPath, onLinks);
      await inTurn(signIfGrown).catch(() => undefined);
    },
  };
}

function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
