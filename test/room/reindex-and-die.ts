/** A worker that is killed in the middle of the n-th batch of people, when it has changed the rows and not said so yet; started by `index-key-change.test.ts`. */
import { localDataKeys } from '#adapters/local-data-keys.ts';
import { fieldCipher } from '#crypto/field-cipher.ts';
import { peopleByIndex } from '#people/reindex-people.ts';
import { openDatabase } from '#storage/database.ts';
import { stepIndexPass } from '#storage/index-pass.ts';
import { openDataKeys } from '#storage/open-data-keys.ts';

export interface Orders {
  address: Parameters<typeof openDatabase>[0];
  secret: string;
  now: string;
  version: number;
  dieIn: number;
}

const { address, secret, now, version, dieIn } = JSON.parse(process.argv[2] ?? '{}') as Orders;
const at = new Date(now);
const db = openDatabase(address, { maxConnections: 2 });
const people = peopleByIndex({ fields: fieldCipher(await openDataKeys(db, localDataKeys(secret), at)) });
let batches = 0;
const mortal = {
  name: people.name,
  async move(...from: Parameters<typeof people.move>) {
    const batch = await people.move(...from);
    if (++batches === dieIn) process.kill(process.pid, 'SIGKILL');
    return batch;
  },
};
while (await stepIndexPass(db, mortal, version, at));
