/** A worker that goes through a pass and can be killed for good; started by `reseal.test.ts`. It says `batch` after each, and counts no time. */
import { fileSystemStore } from '#adapters/file-system-store.ts';
import { localDataKeys } from '#adapters/local-data-keys.ts';
import { openDatabase } from '#storage/database.ts';
import { testClock } from '#test/fakes/test-clock.ts';
import { resealAll } from './reseal-all.ts';

export interface Orders {
  address: Parameters<typeof openDatabase>[0];
  folder: string;
  secret: string;
  /** Of its clock. */
  now: string;
}

const { address, folder, secret, now } = JSON.parse(process.argv[2] ?? '{}') as Orders;
const db = openDatabase(address, { maxConnections: 2 });
const deps = { db, clock: testClock(now), dataKeys: localDataKeys(secret), files: fileSystemStore(folder) };
await resealAll(deps, () => process.stdout.write('batch\n'));
await db.$disconnect();
