/**
 * The end of a data key. It is erased only when a pass that began after the key was closed has found nothing left under it, what is sealed
 * into the ephemeral store has ended, and a count says the same. Its row stays, without the key, so that its number never comes again.
 */
import { recordEvent } from '#audit/record-event.ts';
import type { Clock } from '#ports/clock.ts';
import { Problem } from '#problem.ts';
import type { Database } from '#storage/database.ts';
import { findResealing } from '#storage/find-resealing.ts';
import { sweepErasedKeys } from '#storage/open-data-keys.ts';
import { LONGEST_EPHEMERAL_SECONDS } from '#storage/sealed-places.ts';
import { countUnder } from './reseal-column.ts';
import { placeNames } from './reseal-pass.ts';
import { nameOfColumn, SEALED_COLUMNS } from './sealed-places.ts';

type Deps = { db: Database; clock: Clock };

export interface Sentence {
  en: string;
  zh: string;
}

/**
 * Why the key cannot be erased yet; empty when it can.
 * @param giveUp how many damaged values are given up with it: exactly those that the last pass found.
 * Throws Problem `key-not-found`, `key-retired` when it is erased already, `data-key-in-use` while it seals or has yet to.
 */
export async function whatNeedsDataKey({ db, clock }: Deps, version: number, { giveUp = 0 } = {}): Promise<Sentence[]> {
  const key = await requireKey(db, version);
  if (!key.closedAt) return [{ en: 'It is not closed: run `keys reseal` first.', zh: '尚未关闭：请先运行 keys reseal。' }];
  const said: Sentence[] = [];
  const resealing = await findResealing(db);
  // Whatever pass goes to a later key has closed this one before it looked.
  const isOfThis = resealing !== undefined && resealing.version > version;
  if (
    !isOfThis ||
    placeNames().some((name) => !resealing.placesEnded.includes(name)) ||
    resealing.state === 'waiting' ||
    resealing.state === 'running'
  ) {
    said.push({
      en: 'No pass has gone through everything yet: see `keys reseal --status`.',
      zh: '重新加密尚未全部完成，请查看 keys reseal --status。',
    });
  } else if (resealing.faulty !== giveUp) {
    const { faulty } = resealing;
    said.push({
      en: `The last pass found ${faulty} values or files that do not open: mend or remove them and run \`keys reseal\` again, or lose them with \`--give-up ${faulty}\`.`,
      zh: `最近一次重新加密发现 ${faulty} 项无法解密：请修复或删除后再次运行 keys reseal，或用 --give-up ${faulty} 放弃。`,
    });
  }
  const ephemeralEnds = new Date(key.closedAt.getTime() + LONGEST_EPHEMERAL_SECONDS * 1000);
  if (clock.now() < ephemeralEnds) {
    const time = ephemeralEnds.toISOString();
    said.push({ en: `Short-lived values may lie under it until ${time}.`, zh: `短期数据可能仍由其加密，直至 ${time}。` });
  }
  // The pass told already; a count of every column is for when it is about to be believed.
  return said.length > 0 ? said : await countLeft(db, version, giveUp);
}

/** Erases it. Throws Problem `data-key-needed` with what needs it, and as `whatNeedsDataKey`. */
export async function eraseDataKey(
  deps: Deps,
  { version, by, giveUp = 0 }: { version: number; by: string; giveUp?: number },
): Promise<void> {
  const needs = await whatNeedsDataKey(deps, version, { giveUp });
  if (needs.length > 0)
    throw new Problem('data-key-needed', { detail: needs.map(({ en }) => en).join(' '), detailZh: needs.map(({ zh }) => zh).join('') });
  const at = deps.clock.now();
  await deps.db.$transaction(async (tx) => {
    const { count } = await tx.dataKey.updateMany({
      where: { purpose: 'field', version, erasedAt: null, closedAt: { not: null } },
      data: { wrapped: new Uint8Array(), erasedAt: at },
    });
    if (count !== 1) throw new Problem('key-retired');
    await recordEvent(tx, { kind: 'data-key-erased', actor: by, subject: `data-key:${version}`, detail: { version, givenUp: giveUp }, at });
  });
  await sweepErasedKeys(deps.db);
}

async function requireKey(db: Database, version: number) {
  const rows = await db.dataKey.findMany({ where: { purpose: 'field' }, orderBy: { version: 'desc' } });
  const key = rows.find((row) => row.version === version);
  if (!key) throw new Problem('key-not-found');
  if (key.erasedAt) throw new Problem('key-retired');
  if (key === rows[0]) throw new Problem('data-key-in-use');
  return key;
}

async function countLeft(db: Database, version: number, giveUp: number): Promise<Sentence[]> {
  const left: { name: string; count: number }[] = [];
  // One after the other: each reads a whole table.
  for (const column of SEALED_COLUMNS) left.push({ name: nameOfColumn(column), count: await countUnder(db, column, version) });
  const total = left.reduce((sum, { count }) => sum + count, 0);
  if (total <= giveUp) return [];
  const where = left.flatMap(({ name, count }) => (count > 0 ? [`${name} ${count}`] : [])).join(', ');
  return [{ en: `Left under it: ${where}. Run \`keys reseal\` again.`, zh: `仍由其加密：${where}。请再次运行 keys reseal。` }];
}
