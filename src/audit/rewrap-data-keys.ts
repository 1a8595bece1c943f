/** Data keys under another master secret: the keys stay, and with them everything they sealed. */
import type { Clock } from '#ports/clock.ts';
import type { Database } from '#storage/database.ts';
import type { KeyWrapping } from '#storage/open-data-keys.ts';
import { recordEvent } from './record-event.ts';

/**
 * All or none, in one transaction; run again it finds nothing to do. Answers how many were rewrapped. Throws a plain Error when a key opens
 * with neither.
 */
export async function rewrapDataKeys(
  { db, clock }: { db: Database; clock: Clock },
  { before, after, by }: { before: KeyWrapping; after: KeyWrapping; by: string },
): Promise<number> {
  return db.$transaction(async (tx) => {
    // A key made meanwhile, wrapped with the secret before, waits and is refused below or found by the next run.
    await tx.$executeRaw`LOCK TABLE data_key IN SHARE ROW EXCLUSIVE MODE`;
    const rows = await tx.dataKey.findMany({ where: { erasedAt: null }, orderBy: [{ purpose: 'asc' }, { version: 'asc' }] });
    let rewrapped = 0;
    for (const { purpose, version, wrapped } of rows) {
      if (await unwrapIf(after, wrapped)) continue;
      const plain = await unwrapIf(before, wrapped);
      if (!plain)
        throw new Error(
          `The data key ${purpose}-${version} opens with neither secret. / 新旧主密钥均无法打开数据密钥 ${purpose}-${version}。`,
        );
      await tx.dataKey.update({
        where: { purpose_version: { purpose, version } },
        data: { wrapped: Uint8Array.from(await after.wrap(plain)) },
      });
      plain.fill(0);
      rewrapped += 1;
    }
    if (rewrapped > 0)
      await recordEvent(tx, { kind: 'data-keys-rewrapped', actor: by, subject: 'data-keys', detail: { keys: rewrapped }, at: clock.now() });
    return rewrapped;
  });
}

async function unwrapIf(keys: KeyWrapping, wrapped: Uint8Array): Promise<Uint8Array | undefined> {
  try {
    return await keys.unwrap(wrapped);
  } catch {
    return undefined;
  }
}
