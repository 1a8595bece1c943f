/** The data keys of this installation: the one table that belongs to storage itself. */
import { randomBytes } from 'node:crypto';
import type { Database } from './database.ts';

export const DATA_KEY_BYTES = 32;
/** A new key opens at once and seals only after this: by then every process knows it, for they look twice a minute. */
export const DATA_KEY_LEAD_MS = 120_000;

/** How keys are wrapped at rest; the data-keys port fits. */
export interface KeyWrapping {
  wrap(plainKey: Uint8Array): Promise<Uint8Array>;
  unwrap(wrappedKey: Uint8Array): Promise<Uint8Array>;
}

export interface OpenedDataKeys {
  /** For fields and files: first the one that seals, the newest that every process has had time to learn of. */
  fieldKeys: { version: number; key: Uint8Array }[];
  /** For blind indexes. */
  indexKey: Uint8Array;
}

/**
 * Loads every version, making the first on the first start. Of several processes that start at once one makes the keys,
 * the others read them. Throws a plain Error when the stored keys were wrapped under another master secret.
 */
export async function openDataKeys(db: Database, dataKeys: KeyWrapping, at: Date): Promise<OpenedDataKeys> {
  for (const purpose of ['field', 'index']) {
    const wrapped = Uint8Array.from(await dataKeys.wrap(randomBytes(DATA_KEY_BYTES)));
    await db.dataKey.createMany({ data: [{ purpose, version: 1, wrapped, createdAt: at }], skipDuplicates: true });
  }
  const rows = await db.dataKey.findMany({ orderBy: { version: 'desc' } });
  const opened = await Promise.all(
    rows.map(async ({ purpose, version, wrapped, createdAt }) => {
      const isSettled = version === 1 || at.getTime() - createdAt.getTime() >= DATA_KEY_LEAD_MS;
      return { purpose, version, isSettled, key: await open(dataKeys, wrapped) };
    }),
  );
  const index = opened.find(({ purpose }) => purpose === 'index');
  if (!index) throw new Error('The blind-index key is missing.');
  const fieldKeys = opened.filter(({ purpose }) => purpose === 'field');
  const inOrder = [...fieldKeys.filter(({ isSettled }) => isSettled), ...fieldKeys.filter(({ isSettled }) => !isSettled)];
  return {
    fieldKeys: inOrder.map(({ version, key }) => ({ version, key })),
    indexKey: index.key,
  };
}

async function open(dataKeys: KeyWrapping, wrapped: Uint8Array): Promise<Uint8Array> {
  try {
    return await dataKeys.unwrap(wrapped);
  } catch (cause) {
    throw new Error('The data keys in the database were made under another TONGREN_SECRET.', { cause });
  }
}
