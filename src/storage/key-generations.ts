/**
 * Which generation of a signing key is in use. The first has the base name alone (`ocsp-p256`), its successors a number behind it
 * (`ocsp-p256-2`). Every process asks here before it signs, so a successor takes over without a restart.
 */
import type { Database } from './database.ts';

/** A process signs with a retired key at most this long. */
const KEEP_MS = 20_000;
/** After this every process signs with the successor. */
export const FOLLOWED_WITHIN_MS = KEEP_MS + 5_000;

export interface KeyName {
  name: string;
  /** Published before it signs; undefined for one that signed from the beginning. */
  signsFrom: Date | undefined;
  /** When it took over; undefined for the first. */
  signsSince: Date | undefined;
  /** In wrong hands since: what it signed proves nothing any more. */
  compromisedAt: Date | undefined;
}

const remembered = new WeakMap<Database, Map<string, { at: number; names: Promise<KeyName[]> }>>();

/** Name of the key to sign with. */
export async function currentKeyName(db: Database, base: string, at: Date = new Date()): Promise<string> {
  const names = await readGenerations(db, base);
  return names.find(({ signsFrom }) => !signsFrom || signsFrom <= at)?.name ?? base;
}

/** All generations whose signatures count, the newest first: what may have signed what is still about. */
export async function keyNamesOf(db: Database, base: string): Promise<string[]> {
  const names = await readGenerations(db, base);
  return names.filter(({ compromisedAt }) => !compromisedAt).map(({ name }) => name);
}

/** All generations there ever were, the newest first. */
export function readGenerations(db: Database, base: string): Promise<KeyName[]> {
  const known = remembered.get(db) ?? new Map<string, { at: number; names: Promise<KeyName[]> }>();
  remembered.set(db, known);
  const recent = known.get(base);
  if (recent && performance.now() - recent.at < KEEP_MS) return recent.names;
  const names = readRows(db, base);
  names.catch(() => known.delete(base));
  known.set(base, { at: performance.now(), names });
  return names;
}

/** Forgets what this process remembers; after it made a successor itself. */
export function forgetKeyNames(db: Database): void {
  remembered.delete(db);
}

async function readRows(db: Database, base: string): Promise<KeyName[]> {
  const rows = await db.keyGeneration.findMany({ where: { base }, orderBy: { generation: 'desc' } });
  const names = rows.map(({ keyName, createdAt, signsFrom, compromisedAt }) => ({
    name: keyName,
    signsSince: keyName === base ? undefined : (signsFrom ?? createdAt),
    signsFrom: signsFrom ?? undefined,
    compromisedAt: compromisedAt ?? undefined,
  }));
  // The first has a row only when there is something to say about it.
  return names.some(({ name }) => name === base)
    ? names
    : [...names, { name: base, signsFrom: undefined, signsSince: undefined, compromisedAt: undefined }];
}
