/**
 * Signatures through each way to a key, against node:crypto itself in the same run: the bare stores, the guard with its log, the
 * signer as a process of its own over its socket; one at a time and 32 at once. SoftHSM2 where it is installed.
 */
import { sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileKeyStore } from '#adapters/file-keys.ts';
import { pkcs11KeyStore } from '#adapters/pkcs11-keys.ts';
import { remoteSigner } from '#adapters/remote-signer.ts';
import { systemClock } from '#adapters/system-clock.ts';
import { encodeSignedAttributes } from '#crypto/cms.ts';
import { generateKeyPair, importPrivateKey } from '#crypto/suite.ts';
import type { KeyStore } from '#ports/key-store.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import { openSignerLog } from '#signer/signer-log.ts';
import { startSignerService } from '#test/fakes/signer-service.ts';
import { softHsm } from '#test/fakes/soft-hsm.ts';
import { compare, type Row } from './measure.ts';

const AT_ONCE = 32;

export async function benchSigner(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tongren-bench-signer-'));
  const secret = 'a secret of this measurement alone, long enough';
  const structure = encodeSignedAttributes({ messageDigest: new Uint8Array(32) });
  const raw = importPrivateKey(generateKeyPair('es256').pkcs8);
  const signRaw = () => sign('sha256', structure, raw.key);
  const rows: Row[] = [];

  const measure = async (what: string, keys: KeyStore) => {
    await keys.create('bench-p256', 'es256', ['cms-attributes']);
    const one = () => keys.sign('bench-p256', 'cms-attributes', structure);
    const several = { length: AT_ONCE };
    rows.push(await compare(`${what}, one at a time`, one, { name: 'node:crypto sign', work: signRaw }));
    rows.push(
      await compare(`${what}, ${AT_ONCE} at once`, () => Promise.all(Array.from(several, one)), {
        name: `node:crypto sign, ${AT_ONCE} times`,
        work: () => Array.from(several, signRaw),
      }),
    );
  };

  // Without the limits on how often one key may sign, which this would reach.
  const limits = { 'cms-attributes': 1e9 };
  await measure('file keys', await fileKeyStore({ folder: join(folder, 'bare'), secret }));
  const log = openSignerLog({ folder: join(folder, 'log'), now: systemClock.now });
  const files = await fileKeyStore({ folder: join(folder, 'guarded'), secret });
  await measure('file keys behind guard and log', guardedKeyStore(files, { clock: systemClock, limits, log: (line) => log.append(line) }));
  await log.close();
  const token = 'a token of this measurement alone, long enough';
  const socketPath = join(folder, 'socket', 's.sock');
  writeFileSync(join(folder, 'token'), token);
  const signer = await startSignerService({
    TONGREN_DATA_DIR: join(folder, 'signer'),
    TONGREN_SECRET: secret,
    TONGREN_SIGNER_SOCKET: socketPath,
    TONGREN_SIGNER_TOKENS: `web=${join(folder, 'token')}`,
    TONGREN_LOG_LEVEL: 'silent',
  });
  const remote = remoteSigner({ socketPath, token });
  await measure('signer process over its socket', remote);
  await signer.stop();
  const hsm = softHsmIfThere();
  if (hsm) {
    const keys = await pkcs11KeyStore({ ...hsm, secret });
    await measure('PKCS#11 (SoftHSM2)', keys);
    await keys.close();
    hsm.remove();
  }
  rmSync(folder, { recursive: true, force: true });
  return rows;
}

function softHsmIfThere() {
  try {
    return softHsm();
  } catch {
    process.stderr.write('SoftHSM2 is not installed: its row is left out\n');
    return undefined;
  }
}
