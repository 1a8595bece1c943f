import { createPublicKey, verify } from 'node:crypto';
import koffi from 'koffi';
import { afterAll, expect, test } from 'vitest';
import { pkcs11KeyStore } from '#adapters/pkcs11-keys.ts';
import { CKA, CKO, loadPkcs11Module, ulong } from '#adapters/pkcs11-module.ts';
import { importPublicKey, type Suite, verifyMessage } from '#crypto/suite.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import { softHsm } from '../fakes/soft-hsm.ts';
import { testClock } from '../fakes/test-clock.ts';

const hsm = softHsm();
afterAll(() => hsm.remove());
const secret = 'a secret of this test alone, long enough';
const message = Buffer.from('message');
const open = (change: object = {}) => pkcs11KeyStore({ ...hsm, secret, ...change });
const store = await open();
const library = koffi.load(hsm.modulePath);
const inToken = async <T>(work: (module: Awaited<ReturnType<typeof loadPkcs11Module>>, session: bigint) => Promise<T>): Promise<T> => {
  const module = await loadPkcs11Module(hsm.modulePath);
  const session = await module.openSession((await module.findToken(hsm.token))?.slot ?? 0n);
  try {
    return await work(module, session);
  } finally {
    await module.closeSession(session);
  }
};

test('a P-256 key made in the token signs what node verifies, and a second start finds it again', async () => {
  const made = await store.create('first', 'es256', ['receipt']);
  const signature = await store.sign('first', 'receipt', message);
  const key = createPublicKey({ key: Buffer.from(made.spki), format: 'der', type: 'spki' });
  expect(verify('sha256', message, key, signature)).toBe(true);
  const again = await open();
  expect(await again.find('first')).toEqual(made);
  expect(await again.findByPublicKey(made.spki)).toEqual(made);
  expect(verifyMessage(importPublicKey(made.spki), message, await again.sign('first', 'receipt', message))).toBe(true);
});

test('every purpose of a key is found again as it was made', async () => {
  await store.create('ca-root-p256', 'es256', ['certificate', 'crl']);
  await store.create('signer-log-p256', 'es256', ['signer-log']);
  const again = await open();
  expect((await again.find('ca-root-p256'))?.purposes).toEqual(['certificate', 'crl']);
  expect((await again.find('signer-log-p256'))?.purposes).toEqual(['signer-log']);
});

test('the private key cannot be read, copied or changed, even by a program with the PIN', async () => {
  await inToken(async (module, session) => {
    const [handle = 0n] = await module.findObjects(session, [
      [CKA.class, ulong(CKO.privateKey)],
      [CKA.label, Buffer.from('first')],
    ]);
    const secretScalar = 0x11;
    await expect(module.readAttributes(session, handle, [secretScalar])).rejects.toMatchObject({ returned: 0x11 });
    const pointer = (value: Uint8Array) => koffi.address(value);
    const label = Buffer.from('ca-root-p256');
    const template = Buffer.allocUnsafeSlow(24);
    template.writeBigUInt64LE(BigInt(CKA.label));
    template.writeBigUInt64LE(pointer(label), 8);
    template.writeBigUInt64LE(BigInt(label.length), 16);
    const setAttribute = library.func('C_SetAttributeValue', 'ulong', ['ulong', 'ulong', 'void *', 'ulong']);
    expect(setAttribute(session, handle, template, 1)).not.toBe(0);
    const copy = library.func('C_CopyObject', 'ulong', ['ulong', 'ulong', 'void *', 'ulong', 'void *']);
    expect(copy(session, handle, template, 1, Buffer.allocUnsafeSlow(8))).not.toBe(0);
  });
});

test('after the secret changed, keys from before are known by the old one, and new ones by the new', async () => {
  const changed = await open({ secret: 'the next secret, long enough for a test', secretBefore: secret });
  expect(await changed.find('first')).toEqual(await store.find('first'));
  await changed.sign('first', 'receipt', message);
  await changed.create('after-change', 'es256', ['receipt']);
  const alone = await open({ secret: 'the next secret, long enough for a test' });
  expect(await alone.find('after-change')).toBeDefined();
  await expect(alone.find('first')).rejects.toMatchObject({ code: 'key-store-unavailable' });
  await expect(store.find('after-change')).rejects.toMatchObject({ code: 'key-store-unavailable' });
});

test('who has the PIN but not the secret cannot give a key a use: such a key is refused, not used', async () => {
  const stranger = await open({ secret: 'another secret, long enough for a test' });
  await stranger.create('planted', 'es256', ['certificate', 'crl']);
  await expect((await open()).find('planted')).rejects.toMatchObject({ code: 'key-store-unavailable', cause: expect.any(Error) });
  await expect((await open()).sign('planted', 'certificate', message)).rejects.toMatchObject({
    cause: expect.objectContaining({ message: expect.stringContaining('purposes are not those it was made for') }),
  });
  await expect(stranger.find('first')).rejects.toMatchObject({ code: 'key-store-unavailable' });
});

test('a second key with the name of another makes both unusable instead of one of them trusted', async () => {
  await store.create('twin', 'es256', ['receipt']);
  await inToken(async (module, session) => {
    const [handle = 0n] = await module.findObjects(session, [
      [CKA.class, ulong(CKO.privateKey)],
      [CKA.label, Buffer.from('twin')],
    ]);
    const [id] = await module.readAttributes(session, handle, [CKA.id]);
    const both = [
      [CKA.token, Buffer.from([1])],
      [CKA.label, Buffer.from('twin')],
      [CKA.id, id ?? Buffer.alloc(0)],
    ] as const;
    await module.generateKeyPair(session, 0x1040, [...both, [CKA.ecParams, Buffer.from('06082a8648ce3d030107', 'hex')]], both);
  });
  await expect((await open()).find('twin')).rejects.toMatchObject({
    cause: expect.objectContaining({ message: expect.stringContaining('two of this name') }),
  });
});

test.each<Suite>(['sm2-sm3', 'rs256', 'ed25519'])('a key of suite %s is refused in both languages', async (suite) => {
  await expect(store.create('other', suite, ['receipt'])).rejects.toMatchObject({
    code: 'suite-not-offered',
    detail: expect.stringContaining(suite),
    detailZh: expect.stringContaining('P-256'),
  });
  expect(await store.find('other')).toBeUndefined();
});

test('a name is given once, also to several who ask at the same time in two processes’ stores', async () => {
  await expect(store.create('first', 'es256', ['receipt'])).rejects.toMatchObject({ code: 'key-exists' });
  const stores = [store, await open()];
  const outcomes = await Promise.allSettled([0, 1, 0, 1].map((at) => stores[at]?.create('contested', 'es256', ['receipt'])));
  expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1);
  for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'key-exists' });
  const found = await store.find('contested').then((key) => key ?? store.create('contested', 'es256', ['receipt']));
  expect(await (await open()).find('contested')).toEqual(found);
});

test('a key signs for its own purpose only, and unknown or odd names reach no key', async () => {
  await expect(store.sign('first', 'code', message)).rejects.toMatchObject({ code: 'signing-refused' });
  await expect(store.sign('unknown', 'code', message)).rejects.toMatchObject({ code: 'key-not-found' });
  for (const name of ['../first', 'A', '', 'x'.repeat(101)]) {
    expect(await store.find(name)).toBeUndefined();
    await expect(store.create(name, 'es256', ['receipt'])).rejects.toMatchObject({ code: 'invalid-input' });
  }
});

test('two hundred signatures at once go through few sessions and are all right', async () => {
  const few = await open({ sessions: 3 });
  const key = importPublicKey((await few.find('first'))?.spki ?? new Uint8Array());
  const messages = Array.from({ length: 200 }, (_, index) => Buffer.from(`message ${index}`));
  const signatures = await Promise.all(messages.map((each) => few.sign('first', 'receipt', each)));
  expect(signatures.every((signature, index) => verifyMessage(key, messages[index] ?? message, signature))).toBe(true);
});

test.each<[string, () => void]>([
  ['every session was closed', () => library.func('C_CloseAllSessions', 'ulong', ['ulong'])(slotNumber)],
  ['the module was finalised', () => library.func('C_Finalize', 'ulong', ['void *'])(null)],
])('signing goes on after %s behind our back, also for many at once', async (_what, lose) => {
  const key = importPublicKey((await store.find('first'))?.spki ?? new Uint8Array());
  lose();
  const signatures = await Promise.all(Array.from({ length: 20 }, () => store.sign('first', 'receipt', message)));
  expect(signatures.every((signature) => verifyMessage(key, message, signature))).toBe(true);
});

test('a token that was logged out is logged in again', async () => {
  const logout = library.func('C_Logout', 'ulong', ['ulong']);
  await inToken(async (_module, session) => expect(logout(session)).toBe(0));
  expect(await store.sign('first', 'receipt', message)).toBeInstanceOf(Uint8Array);
});

test('a wrong PIN is tried once only, and stands in no message', async () => {
  library.func('C_Finalize', 'ulong', ['void *'])(null);
  const failure = await open({ pin: '999999' }).catch((error: Error) => error);
  expect(failure).toBeInstanceOf(Error);
  expect(String(failure)).toMatch(/refused the PIN/);
  expect(JSON.stringify([String(failure), (failure as Error).stack, (failure as Error).cause])).not.toContain('999999');
});

test('a token or module that is not there is said in one sentence', async () => {
  await expect(open({ token: 'elsewhere' })).rejects.toThrow(/no token named elsewhere/);
  await expect(open({ modulePath: '/nowhere/lib.so' })).rejects.toThrow(/not a PKCS#11 module/);
});

const slotNumber = await loadPkcs11Module(hsm.modulePath).then(async (module) => (await module.findToken(hsm.token))?.slot);

test('a retired key is destroyed in the token; who had it found stops within a second, its public half stays, its name is not given again', async () => {
  const made = await store.create('to-retire', 'es256', ['receipt']);
  const other = await open();
  await other.sign('to-retire', 'receipt', message);
  await store.retire('to-retire', 'to-retire-2');
  await store.retire('to-retire', 'to-retire-2');
  await expect(store.sign('to-retire', 'receipt', message)).rejects.toMatchObject({ code: 'key-retired' });
  await new Promise((done) => setTimeout(done, 600));
  await expect(other.sign('to-retire', 'receipt', message)).rejects.toMatchObject({ code: 'key-retired' });
  const fresh = await open();
  expect(await fresh.find('to-retire')).toEqual({ ...made, retired: true });
  expect(await fresh.findByPublicKey(made.spki)).toEqual({ ...made, retired: true });
  await expect(fresh.create('to-retire', 'es256', ['receipt'])).rejects.toMatchObject({ code: 'key-exists' });
  await expect(fresh.retire('never-made', 'to-retire-2')).rejects.toMatchObject({ code: 'key-not-found' });
  const privateHalves = await inToken((module, session) =>
    module.findObjects(session, [
      [CKA.class, ulong(CKO.privateKey)],
      [CKA.label, Buffer.from('to-retire')],
    ]),
  );
  expect(privateHalves).toEqual([]);
});

test('the key of a seal that ended is destroyed in the token through the guard, without a successor, and no other key is', async () => {
  const guarded = guardedKeyStore(store, { clock: testClock() });
  const name = 'seal-35020000000001-p256';
  await guarded.create(name, 'es256', ['cms-attributes']);
  await guarded.create('receipt-p256', 'es256', ['receipt']);
  await expect(guarded.retire('receipt-p256')).rejects.toMatchObject({ code: 'signing-refused' });
  await guarded.retire(name);
  await expect(store.sign(name, 'cms-attributes', message)).rejects.toMatchObject({ code: 'key-retired' });
  const privateHalvesOf = (label: string) =>
    inToken((module, session) =>
      module.findObjects(session, [
        [CKA.class, ulong(CKO.privateKey)],
        [CKA.label, Buffer.from(label)],
      ]),
    );
  expect(await privateHalvesOf(name)).toEqual([]);
  expect(await privateHalvesOf('receipt-p256')).toHaveLength(1);
  expect((await (await open()).find(name))?.retired).toBe(true);
});
