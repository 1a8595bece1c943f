/**
 * New keys for codes. A successor is made and published before it takes over, and the old key keeps verifying what it
 * signed: verifiers that fetched `code-keys.json` within the lead never meet a code they cannot judge.
 */
import { recordEvent } from '#audit/record-event.ts';
import type { Clock } from '#ports/clock.ts';
import type { KeyPurpose, KeyStore, StoredKey } from '#ports/key-store.ts';
import { Problem } from '#problem.ts';
import { type Database, isUniqueViolation, type Transaction } from '#storage/database.ts';
import { currentKeyName } from '#storage/key-generations.ts';
import type { CodeSuite } from './code-envelope.ts';
import { RECEIPT_KEY, STATUS_LIST_KEY } from './code-key-ring.ts';

export interface CodeKeyDeps {
  db: Database;
  clock: Clock;
  keys: KeyStore;
}

/** Verifiers are told to fetch keys at least this often. */
export const ROTATION_LEAD_SECONDS = 24 * 60 * 60;
/** After a compromise nobody is waited for; running processes follow within half a minute. */
const EMERGENCY_LEAD_SECONDS = 1;
const KEY_NAME_PARTS: Record<CodeSuite, string> = { es256: 'p256', 'sm2-sm3': 'sm2' };

/**
 * Makes the next key of a suite. It signs from `leadSeconds` on; the one before it stops in the same instant.
 * With `first` it only makes a key where the suite has none. With `compromised` the lead is one second, and a successor that waits for
 * its hour takes over instead of a new one. Of two rotations at once one is refused with Problem `code-key-rotation-running`.
 */
export async function rotateCodeKey(
  deps: CodeKeyDeps,
  input: { suite: CodeSuite; by: string; leadSeconds?: number; first?: boolean; compromised?: boolean },
): Promise<{ kid: number; keyName: string; mintFrom: Date; predecessor: number }> {
  const { db, clock, keys } = deps;
  const now = clock.now();
  const newest = await db.codeKey.findFirst({ orderBy: { kid: 'desc' } });
  const kid = (newest?.kid ?? 0) + 1;
  const before = await db.codeKey.findFirst({ where: { suite: input.suite }, orderBy: { mintFrom: 'desc' } });
  // Whoever wants the suite's first key must not make its second, because another process was faster.
  if (input.first && before) throw new Problem('code-key-rotation-running');
  const leadSeconds = input.compromised ? EMERGENCY_LEAD_SECONDS : (input.leadSeconds ?? ROTATION_LEAD_SECONDS);
  const mintFrom = new Date(now.getTime() + (before ? leadSeconds * 1000 : 0));
  if (input.compromised && before && before.mintFrom > mintFrom) return takeOverNow(deps, before, { mintFrom, by: input.by });
  if (before && before.mintFrom >= mintFrom) throw new Problem('code-key-rotation-running');
  const keyName = `code-${KEY_NAME_PARTS[input.suite]}-${kid}`;
  const stored = await findOrCreate(keys, keyName, input.suite, 'code');
  try {
    await db.$transaction(async (tx) => {
      await tx.codeKey.create({
        data: {
          kid,
          keyName,
          suite: input.suite,
          spki: Uint8Array.from(stored.spki),
          mintFrom,
          predecessor: before?.kid ?? 0,
          createdAt: now,
        },
      });
      if (before) await tx.codeKey.update({ where: { kid: before.kid }, data: { mintUntil: mintFrom } });
      if (before && input.compromised) await noteCompromise(tx, { kid: before.kid, successor: keyName, by: input.by, at: now });
      await recordEvent(tx, {
        kind: 'code-key-made',
        actor: input.by,
        subject: `key:${keyName}`,
        detail: { suite: input.suite, mintFrom: mintFrom.toISOString() },
        at: now,
      });
    });
  } catch (error) {
    if (isUniqueViolation(error)) throw new Problem('code-key-rotation-running', { cause: error });
    throw error;
  }
  return { kid, keyName, mintFrom, predecessor: before?.kid ?? 0 };
}

/** The guard is in the WHERE clause: of two at once one is refused. */
async function takeOverNow(
  { db, clock }: CodeKeyDeps,
  waiting: { kid: number; keyName: string; predecessor: number; mintFrom: Date },
  { mintFrom, by }: { mintFrom: Date; by: string },
): Promise<{ kid: number; keyName: string; mintFrom: Date; predecessor: number }> {
  const { kid, keyName, predecessor } = waiting;
  await db.$transaction(async (tx) => {
    const { count } = await tx.codeKey.updateMany({ where: { kid, mintFrom: waiting.mintFrom }, data: { mintFrom } });
    if (count !== 1) throw new Problem('code-key-rotation-running');
    await tx.codeKey.updateMany({ where: { kid: predecessor }, data: { mintUntil: mintFrom } });
    await noteCompromise(tx, { kid: predecessor, successor: keyName, by, at: clock.now() });
  });
  return { kid, keyName, mintFrom, predecessor };
}

async function noteCompromise(tx: Transaction, { kid, successor, by, at }: { kid: number; successor: string; by: string; at: Date }) {
  const row = await tx.codeKey.findUnique({ where: { kid }, select: { keyName: true } });
  if (!row) return;
  await recordEvent(tx, { kind: 'code-key-compromised', actor: by, subject: `key:${row.keyName}`, detail: { successor }, at });
}

/** At start-up: a code key of each suite the store offers, the key of the status list and the key of receipts. Idempotent. */
export async function ensureCodeKeys(deps: CodeKeyDeps): Promise<void> {
  for (const suite of ['es256', 'sm2-sm3'] as const) {
    if (!deps.keys.suites.includes(suite)) continue;
    for (let attempt = 0; !(await deps.db.codeKey.findFirst({ where: { suite } })); attempt++) {
      try {
        await rotateCodeKey(deps, { suite, by: 'system:start', first: true });
      } catch (error) {
        // Another process starts at the same moment and was first; its row is what we look for.
        if (!(error instanceof Problem && error.code === 'code-key-rotation-running') || attempt > 10) throw error;
      }
    }
  }
  for (const { name, suite, purpose } of [STATUS_LIST_KEY, RECEIPT_KEY]) {
    await findOrCreate(deps.keys, await currentKeyName(deps.db, name), suite, purpose);
  }
}

/** A start that was cut off may have left the key without its row. */
async function findOrCreate(keys: KeyStore, name: string, suite: CodeSuite, purpose: KeyPurpose): Promise<StoredKey> {
  const existing = await keys.find(name);
  if (existing) return existing;
  try {
    return await keys.create(name, suite, [purpose]);
  } catch (error) {
    const made = await keys.find(name);
    if (made) return made;
    throw error;
  }
}
