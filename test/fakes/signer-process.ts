/** A signer as a process of its own: `node signer-process.ts FOLDER SOCKET TOKEN`. Says `listening`, and each log line as JSON. */
import { fileKeyStore } from '#adapters/file-keys.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import { serveSigner } from '#signer/serve-signer.ts';

const [folder = '', socketPath = '', token = ''] = process.argv.slice(2);
const store = await fileKeyStore({ folder, secret: 'a secret of this test alone' });
const clock = { now: () => new Date() };
const signer = await serveSigner(guardedKeyStore(store, { clock, log: (line) => console.log(JSON.stringify(line)) }), {
  socketPath,
  token,
});
process.on('SIGTERM', () => {
  void signer.close().then(() => process.exit(0));
});
console.log('listening');
