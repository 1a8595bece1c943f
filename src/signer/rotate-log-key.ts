/**
 * The keys of the log as the signer has them: which one signs, and how the next takes over. A change is the line `log-key-rotated`;
 * the link (`log-key-chain.ts`) names that very line, so that the last head of the key before and the first of the new one meet there.
 * What is cut off between two steps is done by asking again: a key that was made already is used, and until its link is on the disk
 * the key before goes on.
 */
import type { Clock } from '#ports/clock.ts';
import type { KeyStore, StoredKey } from '#ports/key-store.ts';
import { ensureLogKey } from './log-head.ts';
import { fingerprintOf, followLinks, generationOfLogKey, LOG_KEY, type LogKey, logKeyName, signLink } from './log-key-chain.ts';
import { FOLLOWED, type SignerLogLine } from './log-line.ts';
import type { LinkFile } from './log-link-file.ts';
import type { SignerLog } from './signer-log.ts';

/** Asked again this soon, the signer answers with the change it just made. */
export const FRESH_MS = 10 * 60_000;
/** The private half of a key is destroyed so long after its successor took over. */
const OVERLAP_MS = 24 * 3_600_000;
const COMPROMISED = 'the key before is in wrong hands';
const LOST = 'the key before is gone';

export interface LogKeys {
  /** From the first to the one that signs. */
  all(): readonly LogKey[];
  current(): LogKey;
  links(): readonly string[];
  /** Takes over what another process of the same store did; true when there was something. */
  follow(): Promise<boolean>;
  /** The next key takes over. Undefined when the last change is fresh and of that kind. */
  succeed(change: { compromised: boolean; caller: string }): Promise<{ jws: string } | undefined>;
  /** Destroys the private halves that are of no use any more. */
  retireFormer(): Promise<void>;
}

export async function openLogKeys(
  { keys, log, clock }: { keys: KeyStore; log: SignerLog; clock: Clock },
  file: LinkFile,
): Promise<LogKeys> {
  const note = (line: Omit<SignerLogLine, 'at'>) => log.append({ at: clock.now().toISOString(), ...line });
  const known = await keys.find(LOG_KEY);
  const { spki } = known ?? (await ensureLogKey(keys, LOG_KEY));
  if (!known) await note({ event: 'key-created', key: LOG_KEY, publicKey: fingerprintOf(spki) });
  const first: LogKey = { name: LOG_KEY, spki };
  let links = file.lines();
  let chain = followLinks(first, links).keys;
  const current = () => chain.at(-1) ?? first;
  const read = () => {
    links = file.lines();
    chain = followLinks(first, links).keys;
  };
  const retired = new Set<string>();

  /** One that was made by a try that was cut off is used. */
  const nextKey = async (caller: string | undefined): Promise<StoredKey> => {
    for (let generation = (generationOfLogKey(current().name) ?? 1) + 1; ; generation++) {
      const key = logKeyName(generation);
      const found = await keys.find(key);
      if (found?.retired) continue;
      if (found) return found;
      const by = caller === undefined ? {} : { caller };
      await note({ event: 'key-creating', key, ...by });
      const made = await ensureLogKey(keys, key);
      await note({ event: 'key-created', key, ...by, publicKey: fingerprintOf(made.spki) });
      return made;
    }
  };

  const change = async (endorsed: boolean, about: { caller?: string; reason?: string }): Promise<string> => {
    const before = current();
    const { name, spki: successor } = await nextKey(about.caller);
    const line = { key: name, publicKey: fingerprintOf(successor), formerKey: fingerprintOf(before.spki) };
    const place = await note({ event: 'log-key-rotated', ...line, ...about });
    const link = { key: { name, spki: successor }, previous: before.name, ...place, log: log.id, endorsed };
    const jws = await signLink(keys, link, clock.now());
    file.add(jws);
    read();
    return jws;
  };

  const isUsable = async ({ name, spki: wanted }: LogKey) => {
    const stored = await keys.find(name);
    return stored !== undefined && !stored.retired && Buffer.compare(stored.spki, wanted) === 0;
  };
  // Links that were lost, or a store put back from before: nobody can vouch for the next key, and heads must go on.
  if (!(await isUsable(current()))) {
    // Another process may have changed the key just now.
    read();
    if (!(await isUsable(current()))) await change(false, { reason: LOST });
  }

  return {
    all: () => chain,
    current,
    links: () => links,
    async follow() {
      if (!file.isChanged()) return false;
      const before = current();
      read();
      const now = current();
      if (now.name === before.name) return false;
      const line = { key: now.name, publicKey: fingerprintOf(now.spki), formerKey: fingerprintOf(before.spki) };
      await note({ event: 'log-key-rotated', ...line, reason: FOLLOWED });
      return true;
    },
    async succeed({ compromised, caller }) {
      const { link } = current();
      const isFresh = link && clock.now().getTime() - link.at.getTime() < FRESH_MS;
      if (isFresh && (!compromised || !link.endorsed)) return undefined;
      const about = { caller, ...(compromised ? { reason: COMPROMISED } : {}) };
      let jws = await change(!compromised, about);
      // Another process of this store was faster, and let the key in wrong hands vouch: once more, without it.
      if (compromised && current().link?.endorsed) jws = await change(false, about);
      return { jws };
    },
    async retireFormer() {
      const now = clock.now().getTime();
      for (const [index, { name, spki: former }] of chain.slice(0, -1).entries()) {
        const later = chain.slice(index + 1);
        const isBroken = later.some(({ link }) => link && !link.endorsed);
        const since = later[0]?.link?.at.getTime() ?? now;
        if (retired.has(name) || (!isBroken && now - since < OVERLAP_MS)) continue;
        const key = await keys.find(name);
        if (key && !key.retired) {
          const about = { key: name, publicKey: fingerprintOf(former) };
          await note({ event: 'key-retiring', ...about });
          await keys.retire(name, later[0]?.name ?? name);
          await note({ event: 'key-retired', ...about });
        }
        retired.add(name);
      }
    },
  };
}
