/**
 * Which generation of a signing key is in use. The first has the base name alone (`ocsp-p256`), its successors a number behind it
 * (`ocsp-p256-2`). Every process asks here before it signs, so a successor takes over without a restart.
 */
import type { Database } from './database.ts';

/** A process signs with a retired key at most this long. */
const KEEP_MS = 20_000;
const remembered = new WeakMap<Database, Map<string, { at: number; names: Promise<string[]> }>>();

/** Name of the key to sign with. */
export async function currentKeyName(db: Database, base: string): Promise<string> {
  const [newest = base] = await keyNamesOf(db, base);
  return newest;
}

/** All generations, the newest first: what may have signed what is still about. */
export function keyNamesOf(db: Database, base: string): Promise<string[]> {
  const known = remembered.get(db) ?? new Map<string, { at: number; names: Promise<string[]> }>();
  remembered.set(db, known);
  const recent = known.get(base);
  if (recent && performance.now() - recent.at < KEEP_MS) return recent.names;
  const names = readNames(db, base);
  names.catch(() => known.delete(base));
  known.set(base, { at: performance.now(), names });
  return names;
}

/** Forgets what this process remembers; after it made a successor itself. */
export function forgetKeyNames(db: Database): void {
  remembered.delete(db);
}

async function readNames(db: Database, base: string): Promise<string[]> {
  const rows = await db.keyGeneration.findMany({ where: { base }, orderBy: { generation: 'desc' }, select: { keyName: true } });
  return [...rows.map(({ keyName }) => keyName), base];
}
