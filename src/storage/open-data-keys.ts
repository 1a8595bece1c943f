/** The data keys of this installation: the one table that belongs to storage itself. */
import { randomBytes } from 'node:crypto';
import type { Database } from './database.ts';

export const DATA_KEY_BYTES = 32;
/** A new key opens at once and seals only after this: by then every process knows it, for they look twice a minute. */
export const DATA_KEY_LEAD_MS = 120_000;

const PURPOSES = ['field', 'index', 'identifier'] as const;

type StoredKey = { purpose: string; version: number; wrapped: Uint8Array };

/** How keys are wrapped at rest; the data-keys port fits. */
export interface KeyWrapping {
  wrap(plainKey: Uint8Array): Promise<Uint8Array>;
  unwrap(wrappedKey: Uint8Array): Promise<Uint8Array>;
}

export interface OpenedDataKeys {
  /** For fields and files: first the one that seals, the newest that every process has had time to learn of. */
  fieldKeys: { version: number; key: Uint8Array }[];
  /** For blind indexes: first the one that is written, then every other that still counts. */
  indexKeys: { version: number; key: Uint8Array }[];
  /** For identifiers that never change. */
  identifierKey: Uint8Array;
}

/**
 * Loads every version, making the first on the first start. Of several processes that start at once one makes the keys,
 * the others read them. Throws a plain Error when the stored keys were wrapped under another master secret.
 */
export async function openDataKeys(db: Database, dataKeys: KeyWrapping, at: Date): Promise<OpenedDataKeys> {
  const isKept = { erasedAt: null };
  let rows = await db.dataKey.findMany({ where: isKept, orderBy: { version: 'desc' } });
  if (PURPOSES.some((purpose) => !rows.some((row) => row.purpose === purpose))) {
    await makeFirstKeys(db, dataKeys, rows, at);
    rows = await db.dataKey.findMany({ where: isKept, orderBy: { version: 'desc' } });
  }
  const living = rows.filter(({ purpose, retiredAt }) => purpose !== 'index' || !retiredAt);
  const opened = await Promise.all(
    living.map(async ({ purpose, version, wrapped, createdAt, usedFrom }) => {
      const since = usedFrom?.getTime() ?? (version === 1 ? 0 : createdAt.getTime() + DATA_KEY_LEAD_MS);
      return { purpose, version, isSettled: at.getTime() >= since, key: await open(dataKeys, wrapped) };
    }),
  );
  const inOrder = (wanted: string) => {
    const keys = opened.filter(({ purpose }) => purpose === wanted);
    return [...keys.filter(({ isSettled }) => isSettled), ...keys.filter(({ isSettled }) => !isSettled)].map(({ version, key }) => ({
      version,
      key,
    }));
  };
  const identifier = inOrder('identifier')[0];
  if (!identifier) throw new Error('The key of lasting identifiers is missing.');
  return { fieldKeys: inOrder('field'), indexKeys: inOrder('index'), identifierKey: identifier.key };
}

/**
 * An installation that had identifiers before they had a key of their own goes on with the first blind-index key, so that none changes.
 * Everywhere else the key is its own; the first three come in one statement, so that nobody takes a new installation for an older one.
 */
async function makeFirstKeys(db: Database, dataKeys: KeyWrapping, rows: readonly StoredKey[], at: Date): Promise<void> {
  const before = rows.find(({ purpose, version }) => purpose === 'index' && version === 1);
  const fresh = async (purpose: string, plain: Uint8Array = randomBytes(DATA_KEY_BYTES)) => ({
    ...{ purpose, version: 1, createdAt: at },
    wrapped: Uint8Array.from(await dataKeys.wrap(plain)),
  });
  // A new one would make everybody a stranger to every app: that is not for a start to do.
  if (!before && rows.some(({ purpose }) => purpose === 'index')) throw new Error('The key of lasting identifiers is missing.');
  const data = before
    ? [await fresh('identifier', await open(dataKeys, before.wrapped))]
    : await Promise.all(PURPOSES.map((purpose) => fresh(purpose)));
  await db.dataKey.createMany({ data, skipDuplicates: true });
}

async function open(dataKeys: KeyWrapping, wrapped: Uint8Array): Promise<Uint8Array> {
  try {
    return await dataKeys.unwrap(wrapped);
  } catch (cause) {
    throw new Error('The data keys in the database were made under another TONGREN_SECRET.', { cause });
  }
}

/** A row as it was before its key was erased lies in the table's file until this. Backups and archived logs are the operator's. */
export async function sweepErasedKeys(db: Database): Promise<void> {
  await db.$executeRaw`VACUUM data_key`;
}
