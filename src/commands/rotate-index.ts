/** `tongren keys rotate index`: the key of blind indexes. The worker does the rest; after a compromise the command sees it through. */
import { setTimeout as pause } from 'node:timers/promises';
import { localDataKeys } from '#adapters/local-data-keys.ts';
import { indexKeyName, rotateIndexKey } from '#audit/rotate-index-key.ts';
import { fieldCipher } from '#crypto/field-cipher.ts';
import { changeIndexKey, indexProgress } from '#jobs/change-index-key.ts';
import { openDataKeys } from '#storage/open-data-keys.ts';
import { describeProgress } from './list-index-keys.ts';
import type { Opened } from './with-data-keys.ts';

const LOOK_EVERY_MS = 1_000;
const TELL_EVERY_MS = 5_000;

/** What the command needs of an installation. */
export interface IndexInstallation {
  config: Pick<Opened['config'], 'secret' | 'secretBefore'>;
  deps: Pick<Opened['deps'], 'db' | 'clock'>;
}

export async function rotateIndex(
  { config, deps }: IndexInstallation,
  by: string,
  { compromised }: { compromised: boolean },
): Promise<Record<string, unknown>> {
  const dataKeys = localDataKeys(config.secret, config.secretBefore);
  const { version, before, usedFrom } = await rotateIndexKey({ ...deps, dataKeys }, by, { compromised });
  const said = { before: before.map(indexKeyName).join(' '), after: indexKeyName(version), from: usedFrom.toISOString() };
  if (!compromised) {
    return { ...said, next: 'the worker indexes anew from then on; keys list tells how far / 此后由后台任务重建索引，进度见 keys list' };
  }
  console.error('Waiting a minute and a half for running processes to follow … / 正在等待运行中的进程切换（约一分半钟）……');
  const progress = await seeThrough(deps, dataKeys, version);
  return {
    ...said,
    indexed: describeProgress(progress),
    retired: said.before,
    erased: 'by the worker, two minutes from now / 两分钟后由后台任务销毁',
    follow:
      'copies of the database from before, with that key, still tell whose numbers are in them / 此前的数据库副本连同该密钥仍可被用于比对号码',
  };
}

/** Steps until nothing stands under older versions any more. Throws when rows are left that cannot be indexed anew. */
async function seeThrough(deps: IndexInstallation['deps'], dataKeys: ReturnType<typeof localDataKeys>, version: number) {
  const { db, clock } = deps;
  const isOld = { purpose: 'index', version: { lt: version }, retiredAt: null };
  let toldAt = Number.NEGATIVE_INFINITY;
  let fields = fieldCipher(await openDataKeys(db, dataKeys, clock.now()));
  while ((await db.dataKey.count({ where: isOld })) > 0) {
    if (fields.indexVersions[0] !== version) fields = fieldCipher(await openDataKeys(db, dataKeys, clock.now()));
    if (await changeIndexKey({ db, clock, fields })) {
      if (performance.now() - toldAt > TELL_EVERY_MS) {
        console.error(describeProgress(await indexProgress(deps, version)));
        toldAt = performance.now();
      }
      continue;
    }
    const stuck = (await db.blindIndexPass.findMany({ where: { version, endedAt: { not: null }, left: { gt: 0 } } })).length;
    if (stuck) {
      throw new Error(
        `${describeProgress(await indexProgress(deps, version))}\nRows are left under the old key; it goes on counting, and the worker tries again every hour. / 仍有记录未能重建索引，旧密钥继续有效，后台任务每小时重试。`,
      );
    }
    await pause(LOOK_EVERY_MS);
  }
  return indexProgress(deps, version);
}
