/**
 * A process that issues one licence and is killed at a named point; started by `crash.test.ts`.
 * Arguments: database address, folder, people (JSON), and the point: `sign`, `put` or `never`, before or after the n-th call.
 */
import { join } from 'node:path';
import { fileKeyStore } from '#adapters/file-keys.ts';
import { fileSystemStore } from '#adapters/file-system-store.ts';
import { codeKeyRing } from '#codes/code-key-ring.ts';
import { issueLicence } from '#licences/issue-licence.ts';
import { openDatabase } from '#storage/database.ts';
import { memoryEphemeralStore } from '#test/fakes/memory-ephemeral-store.ts';
import { testClock } from '#test/fakes/test-clock.ts';
import { testFields } from '#test/fakes/test-fields.ts';
import { exampleFields } from './sample-city.ts';

export interface Orders {
  address: Parameters<typeof openDatabase>[0];
  folder: string;
  organisationId: string;
  issuer: string;
  citizen: string;
  die: { at: 'sign' | 'put' | 'never'; call: number; when: 'before' | 'after' };
}

const orders = JSON.parse(process.argv[2] ?? '{}') as Orders;
const counts = { sign: 0, put: 0 };

async function mortal<T>(what: 'sign' | 'put', act: () => Promise<T>): Promise<T> {
  const { at, call, when } = orders.die;
  counts[what]++;
  const now = at === what && call === counts[what];
  if (now && when === 'before') process.kill(process.pid, 'SIGKILL');
  const result = await act();
  if (now) process.kill(process.pid, 'SIGKILL');
  return result;
}

const db = openDatabase(orders.address, { maxConnections: 2 });
const clock = testClock();
const keys = await fileKeyStore({ folder: join(orders.folder, 'keys'), secret: 'crash-test' });
const files = fileSystemStore(join(orders.folder, 'files'));
process.stdout.write('ready\n');
await issueLicence(
  {
    db,
    clock,
    keys: { ...keys, sign: (name, purpose, structure) => mortal('sign', () => keys.sign(name, purpose, structure)) },
    fields: testFields(),
    files: { ...files, put: (name, content) => mortal('put', () => files.put(name, content)) },
    ephemeral: memoryEphemeralStore(clock),
    codes: codeKeyRing({ db, clock, keys }),
    publicOrigin: 'https://id.example',
  },
  {
    type: 'residence-permit',
    holder: { personId: orders.citizen },
    fields: exampleFields('residence-permit'),
    issuerOrganisationId: orders.organisationId,
    by: { personId: orders.issuer },
  },
);
process.stdout.write('issued\n');
await db.$disconnect();
