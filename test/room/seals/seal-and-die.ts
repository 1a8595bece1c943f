/** A worker of bulk jobs that can be killed for good; started by `seal-jobs-crash.test.ts`. It says `ready` and works until nothing waits. */
import { join } from 'node:path';
import { fileKeyStore } from '#adapters/file-keys.ts';
import { fileSystemStore } from '#adapters/file-system-store.ts';
import { runSealJobs } from '#seals/run-seal-jobs.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import { openDatabase } from '#storage/database.ts';
import { testClock } from '#test/fakes/test-clock.ts';
import { testFields } from '#test/fakes/test-fields.ts';

export interface Orders {
  address: Parameters<typeof openDatabase>[0];
  folder: string;
  /** Of its clock. */
  now: string;
}

const { address, folder, now } = JSON.parse(process.argv[2] ?? '{}') as Orders;
const db = openDatabase(address, { maxConnections: 6 });
const clock = testClock(now);
const keys = guardedKeyStore(await fileKeyStore({ folder: join(folder, 'keys'), secret: 'crash-test' }), { clock, limits: {} });
const deps = { db, clock, keys, fields: testFields(), files: fileSystemStore(join(folder, 'files')), publicOrigin: 'https://id.example' };
process.stdout.write('ready\n');
while ((await runSealJobs(deps)) > 0);
await db.$disconnect();
