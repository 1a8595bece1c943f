/** `tongren keys reseal` and `tongren keys retire data N`: what old data keys sealed is sealed anew, and the old keys end. */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileSystemStore } from '#adapters/file-system-store.ts';
import { localDataKeys } from '#adapters/local-data-keys.ts';
import { placeNames, resealJob, startResealing } from '#jobs/reseal-pass.ts';
import { eraseDataKey, whatNeedsDataKey } from '#jobs/retire-data-key.ts';
import { startJobs } from '#jobs/run-jobs.ts';
import { findResealFaults, findResealing, type Resealing } from '#storage/find-resealing.ts';
import { type Opened, withDataKeys } from './with-data-keys.ts';

const BY = 'system:operator';
const LOOK_EVERY_MS = 1_000;
const FAULTS_SHOWN = 50;
const OK = 0;
const LEFT = 1;

export interface ResealOptions {
  /** Only tells how far it is. */
  status?: boolean;
  /** Until the pass has ended; the worker does it. */
  wait?: boolean;
  /** This process does it, for an installation that is not running. */
  here?: boolean;
  json?: boolean;
}

/** `keys reseal`. Exit code 0, also while it runs; 1 when the pass has ended and something did not open. */
export function resealKeys(options: ResealOptions): Promise<number> {
  return withDataKeys(async (installation) => {
    const { config, deps } = installation;
    if (!options.status) await startResealing(deps, BY);
    if (options.here) {
      const files = fileSystemStore(join(config.dataDir, 'files'));
      const own = { ...deps, files, dataKeys: localDataKeys(config.secret, config.secretBefore) };
      const jobs = startJobs({ ...deps, onError: (_, error) => console.error((error as Error).message) }, [resealJob(own)]);
      await untilEnded(deps.db);
      await jobs.stop();
    } else if (options.wait) await untilEnded(deps.db);
    return tell(installation, options);
  });
}

async function untilEnded(db: Opened['deps']['db']): Promise<void> {
  let last = '';
  for (;;) {
    const resealing = await findResealing(db);
    if (!resealing || resealing.endedAt) return;
    const line = lineOf(resealing);
    if (line !== last) console.error(line);
    last = line;
    await pause(LOOK_EVERY_MS);
  }
}

async function tell({ deps }: Opened, { json }: ResealOptions): Promise<number> {
  const resealing = await findResealing(deps.db);
  const faults = await findResealFaults(deps.db, { limit: FAULTS_SHOWN });
  if (json) console.log(JSON.stringify(resealing ? { ...resealing, faults } : {}));
  else if (!resealing) console.log('Nothing was sealed anew yet. / 尚未重新加密过。');
  else {
    console.log(lineOf(resealing));
    for (const { place, rowId, reason } of faults) console.log(`  ${reason.padEnd(12)} ${place} ${rowId}`);
    if (resealing.faulty > faults.length) console.log(`  … ${resealing.faulty - faults.length}`);
  }
  return resealing?.state === 'faulty' ? LEFT : OK;
}

const STATES: Record<Resealing['state'], string> = {
  waiting: 'waits until every process seals with it / 等待各进程切换',
  running: 'running / 进行中',
  clean: 'ended, nothing is left under older keys / 已完成，旧密钥下无剩余',
  faulty: 'ended, some do not open / 已完成，有无法解密的数据',
};

function lineOf({ version, state, placesEnded, looked, resealed, faulty }: Resealing): string {
  return `data-${version}: ${STATES[state]}; ${placesEnded.length}/${placeNames().length} places, ${looked} looked at, ${resealed} sealed anew, ${faulty} faulty / 已检查 ${looked}，已重新加密 ${resealed}，异常 ${faulty}`;
}

export interface RetireOptions {
  /** The name of the key once more: only then it is erased. */
  confirm?: string;
  giveUp?: number;
  json?: boolean;
}

/** `keys retire data N`. Exit code 1 while something needs the key. Without `confirm` it only tells. */
export function retireDataKey(version: number, { confirm, giveUp = 0, json }: RetireOptions): Promise<number> {
  return withDataKeys(async ({ deps }) => {
    const name = `data-${version}`;
    const needs = await whatNeedsDataKey(deps, version, { giveUp });
    const erases = needs.length === 0 && confirm === name;
    if (erases) await eraseDataKey(deps, { version, by: BY, giveUp });
    if (json) console.log(JSON.stringify({ name, erased: erases, needs: needs.map(({ en }) => en) }));
    else if (erases) console.log(`${name}: erased / 已销毁`);
    else if (needs.length === 0)
      console.log(
        `${name}: nothing needs it but encrypted citizen numbers (E1:) in certificates from its time, which nobody can read after it; erase it for good with --confirm ${name} / 除当时签发的证书中加密的身份号码（E1:）外已无数据需要该密钥，用 --confirm ${name} 销毁`,
      );
    else for (const { en, zh } of needs) console.log(`${name}: ${en} / ${zh}`);
    return needs.length === 0 ? OK : LEFT;
  });
}
