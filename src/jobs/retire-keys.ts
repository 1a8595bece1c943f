/**
 * The private half of a key is destroyed when its successor has signed for a day: long after every process follows, and soon enough
 * that a key which is of no use any more cannot be misused. Keys of authorities stay, as their lists go on.
 */
import { recordEvent } from '#audit/record-event.ts';
import type { Clock } from '#ports/clock.ts';
import type { KeyStore } from '#ports/key-store.ts';
import type { Database } from '#storage/database.ts';
import { readGenerations } from '#storage/key-generations.ts';
import { allKeyLines } from './key-lines.ts';

const OVERLAP_MS = 24 * 3_600_000;

export interface RetireDeps {
  db: Database;
  clock: Clock;
  keys: KeyStore;
}

interface Superseded {
  name: string;
  successor: string;
}

/** Retires what is due. Answers how many. Throws what the key store throws, `signing-refused` where the signer's policy does not allow it. */
export async function retireKeys(deps: RetireDeps, { overlapMs = OVERLAP_MS } = {}): Promise<number> {
  const since = new Date(deps.clock.now().getTime() - overlapMs);
  let retired = 0;
  for (const one of [...(await supersededInLines(deps, since)), ...(await supersededCodeKeys(deps, since))]) {
    if (await retireKey(deps, one, 'system:worker')) retired += 1;
  }
  return retired;
}

/** False when it was retired before, or was never made. */
export async function retireKey({ db, clock, keys }: RetireDeps, { name, successor }: Superseded, by: string): Promise<boolean> {
  const key = await keys.find(name);
  if (!key || key.retired) return false;
  await keys.retire(name, successor);
  await db.$transaction((tx) =>
    recordEvent(tx, { kind: 'key-retired', actor: by, subject: `key:${name}`, detail: { successor }, at: clock.now() }),
  );
  return true;
}

async function supersededInLines({ db }: RetireDeps, since: Date): Promise<Superseded[]> {
  const found: Superseded[] = [];
  for (const { line } of allKeyLines()) {
    const generations = await readGenerations(db, line.base);
    for (const [index, { name }] of generations.entries()) {
      const after = generations[index - 1];
      if (after?.signsSince && after.signsSince <= since) found.push({ name, successor: after.name });
    }
  }
  // The oldest first: a successor must be in use when its predecessor goes.
  return found.reverse();
}

async function supersededCodeKeys({ db }: RetireDeps, since: Date): Promise<Superseded[]> {
  const rows = await db.codeKey.findMany({ where: { mintUntil: { lte: since } }, orderBy: { kid: 'asc' } });
  const successors = await db.codeKey.findMany({ where: { predecessor: { in: rows.map(({ kid }) => kid) } } });
  return rows.flatMap(({ kid, keyName }) => {
    const after = successors.find(({ predecessor }) => predecessor === kid);
    return after ? [{ name: keyName, successor: after.keyName }] : [];
  });
}
