/** The signer as it is deployed, with its P-256 keys in SoftHSM2 and its PIN in a file. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { pkcs11KeyStore } from '#adapters/pkcs11-keys.ts';
import { remoteSigner } from '#adapters/remote-signer.ts';
import { encodeSignedAttributes } from '#crypto/cms.ts';
import { importPublicKey, verifyMessage } from '#crypto/suite.ts';
import { decideHeadKey } from '#signer/follow-log-key.ts';
import { startSignerService } from '../fakes/signer-service.ts';
import { softHsm } from '../fakes/soft-hsm.ts';

const folder = mkdtempSync(join(tmpdir(), 'tongren-hsm-signer-'));
const hsm = softHsm();
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  hsm.remove();
});
const socketPath = join(folder, 'socket', 'signer.sock');
const token = 'the token of the one caller of this test';
const attributes = encodeSignedAttributes({ messageDigest: new Uint8Array(32) });
writeFileSync(join(folder, 'pin'), `${hsm.pin}\n`, { mode: 0o600 });
const settings = {
  TONGREN_DATA_DIR: join(folder, 'data'),
  TONGREN_SECRET: 'the secret of this signer alone, long enough',
  TONGREN_SIGNER_SOCKET: socketPath,
  TONGREN_SIGNER_TOKEN: token,
  TONGREN_KEY_STORE: 'pkcs11',
  TONGREN_PKCS11_MODULE: hsm.modulePath,
  TONGREN_PKCS11_TOKEN: hsm.token,
  TONGREN_PKCS11_PIN_FILE: join(folder, 'pin'),
};
const keys = remoteSigner({ socketPath, token });

test('P-256 keys are made in the token and SM2 keys in files; both sign, before and after a restart', async () => {
  let signer = await startSignerService(settings);
  const made = [
    await keys.create('seal-1-p256', 'es256', ['cms-attributes']),
    await keys.create('seal-1-sm2', 'sm2-sm3', ['cms-attributes']),
  ];
  const signBoth = async () => {
    for (const key of made) {
      const signature = await keys.sign(key.name, 'cms-attributes', attributes);
      expect(verifyMessage(importPublicKey(key.spki), attributes, signature)).toBe(true);
    }
  };
  await signBoth();
  await signer.stop('SIGKILL');
  signer = await startSignerService(settings);
  await signBoth();
  await signer.stop();
  expect(readdirSync(join(folder, 'data', 'keys')).sort()).toEqual(['folder.json', 'seal-1-sm2.key.json']);
  const log = readdirSync(join(folder, 'data', 'signer-log')).map((name) => readFileSync(join(folder, 'data', 'signer-log', name), 'utf8'));
  expect(signer.output() + log.join('')).not.toContain(hsm.pin);
});

test('the key of the log changes inside the token, over a restart, and in wrong hands the old one is destroyed there', async () => {
  let signer = await startSignerService(settings);
  const before = await keys.logHead();
  expect(await keys.rotateLogKey({ compromised: false })).toMatchObject({ after: 'signer-log-p256-2', endorsed: true });
  await signer.stop('SIGKILL');
  signer = await startSignerService(settings);
  const second = await keys.logHead();
  expect(decideHeadKey([before.spki], second)).toMatchObject({ kind: 'moved' });
  expect(await keys.rotateLogKey({ compromised: true })).toMatchObject({ after: 'signer-log-p256-3', endorsed: false });
  const third = await keys.logHead();
  expect(decideHeadKey([before.spki, second.spki], third)).toMatchObject({ kind: 'refused', why: 'unendorsed' });
  await signer.stop();
  const token = await pkcs11KeyStore({
    ...{ modulePath: hsm.modulePath, token: hsm.token, pin: hsm.pin },
    secret: settings.TONGREN_SECRET,
  });
  const stored = await Promise.all(['', '-2', '-3'].map((generation) => token.find(`signer-log-p256${generation}`)));
  expect(stored.map((key) => key?.retired)).toEqual([true, true, undefined]);
  await token.close();
  const log = join(folder, 'data', 'signer-log');
  const run = spawnSync(process.execPath, ['src/tongren.js', 'signer-log', 'verify', log, '--json'], { encoding: 'utf8' });
  expect(JSON.parse(run.stdout)).toMatchObject({ whole: true, keysConfirmed: 2 });
});

test('a wrong PIN ends the start with one sentence and without the PIN, and the token is not locked by it', async () => {
  writeFileSync(join(folder, 'wrong-pin'), '999999');
  const wrong = { ...settings, TONGREN_PKCS11_PIN_FILE: join(folder, 'wrong-pin') };
  const words = await startSignerService(wrong).catch((error: Error) => error.message);
  expect(words).toMatch(/refused the PIN/);
  expect(words).not.toContain('999999');
  const signer = await startSignerService(settings);
  await signer.stop();
});

test('a token that is not there ends the start with one sentence', async () => {
  const words = await startSignerService({ ...settings, TONGREN_PKCS11_TOKEN: 'elsewhere' }).catch((error: Error) => error.message);
  expect(words).toMatch(/no token named elsewhere/);
});
