/**
 * Keys inside a PKCS#11 token (an HSM, or SoftHSM2 in tests): made there, never extractable, never modifiable. The name is the
 * label; suite and purposes stand in CKA_ID under a MAC of this installation's secret, so that who has only the PIN cannot give
 * a key another use, and who has only the secret has no key.
 */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { parseDer } from '#crypto/der.ts';
import { octetString } from '#crypto/encode-der.ts';
import { derFromRawSignature, digest, importPublicKey, type Suite, verifyMessage } from '#crypto/suite.ts';
import { KEY_PURPOSES, type KeyPurpose, type KeyStore, type StoredKey } from '#ports/key-store.ts';
import { Problem } from '#problem.ts';
import { type Attribute, boolean, CKA, CKM, CKO, Pkcs11Error, type Pkcs11Module, ulong } from './pkcs11-module.ts';
import { type Opened, openPkcs11Sessions, type Pkcs11Token } from './pkcs11-sessions.ts';

const NAME = /^[a-z0-9][a-z0-9-]{0,99}$/;
/** OBJECT IDENTIFIER prime256v1, the ECParameters of every key we make. */
const P256 = Buffer.from('06082a8648ce3d030107', 'hex');
const P256_SPKI_PREFIX = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');
const POINT_BYTES = 65;
const SIGNATURE_BYTES = 64;
const ID_VERSION = 1;
const MAC_BYTES = 16;
const ATTRIBUTE_TYPE_INVALID = 0x12;
const PROOF = Buffer.from('tongren known answer');
/** Another process may have retired a key that is known here: looked for at most this often. */
const LOOK_EVERY_MS = 500;
const BEING_MADE_MS = 400;

export interface Pkcs11KeyOptions extends Pkcs11Token {
  /** The installation's secret: authenticates what each key may be used for. */
  secret: string | Uint8Array;
  /** The secret before it changed: what a key may be used for cannot be written anew, so keys from then are told by it. */
  secretBefore?: string | undefined;
}

export interface Pkcs11KeyStore extends KeyStore {
  findByPublicKey(spki: Uint8Array): Promise<StoredKey | undefined>;
  close(): Promise<void>;
}

/** Throws a plain Error when module or token are not there, the PIN is wrong, or the token cannot do P-256. */
export async function pkcs11KeyStore(options: Pkcs11KeyOptions): Promise<Pkcs11KeyStore> {
  const sessions = await openPkcs11Sessions(options);
  if (!sessions.mechanisms.has(CKM.ecKeyPairGen) || !sessions.mechanisms.has(CKM.ecdsa)) {
    throw new Error(`The token ${options.token} makes no elliptic-curve keys. / 密钥设备 ${options.token} 不支持椭圆曲线密钥。`);
  }
  const macKeys: MacKeys = [macKeyOf(options.secret), ...(options.secretBefore === undefined ? [] : [macKeyOf(options.secretBefore)])];
  const known = new Map<string, StoredKey>();
  const lookedAt = new Map<string, number>();
  const making = new Map<string, Promise<unknown>>();

  const find = async (name: string): Promise<StoredKey | undefined> => {
    if (!NAME.test(name)) return undefined;
    await making.get(name)?.catch(() => undefined);
    if (known.get(name)?.retired !== true && performance.now() - (lookedAt.get(name) ?? 0) > LOOK_EVERY_MS) {
      lookedAt.set(name, performance.now());
      const [handle] = await sessions.use((module, session) => module.findObjects(session, named(CKO.privateKey, name)));
      if (handle === undefined) known.delete(name);
    }
    const found = known.get(name) ?? (await sessions.use((module, session, opened) => loadKey(module, session, opened, macKeys, name)));
    // Absence is not remembered: another process may make the key.
    if (found) known.set(name, found);
    return found;
  };

  return {
    suites: ['es256'],
    find,

    async create(name, suite, purposes) {
      if (!NAME.test(name) || purposes.length === 0) throw new Problem('invalid-input', { detail: 'Not a key name, or no purpose.' });
      requireSuite(suite);
      const before = making.get(name);
      const made = (async () => {
        await before?.catch(() => undefined);
        return sessions.use((module, session, opened) => makeKey(module, session, opened, macKeys, { name, purposes }));
      })();
      making.set(name, made);
      try {
        const key = await made;
        known.set(name, key);
        return key;
      } finally {
        if (making.get(name) === made) making.delete(name);
      }
    },

    async findByPublicKey(spki) {
      const held = [...known.values()].find((key) => Buffer.compare(key.spki, spki) === 0);
      if (held) return held;
      if (!isP256(spki)) return undefined;
      const label = await sessions.use((module, session) => labelOfPoint(module, session, spki.subarray(-POINT_BYTES)));
      const key = label === undefined ? undefined : await find(label);
      return key && Buffer.compare(key.spki, spki) === 0 ? key : undefined;
    },

    async sign(name, purpose, structure) {
      const key = await find(name);
      if (!key) throw new Problem('key-not-found');
      if (key.retired) throw new Problem('key-retired');
      if (!key.purposes.includes(purpose)) throw new Problem('signing-refused', { detail: 'The key has another purpose.' });
      return sessions.use((module, session, opened) => signWith(module, session, opened, name, structure));
    },

    async retire(name) {
      if (!(await find(name))) throw new Problem('key-not-found');
      await sessions.use(async (module, session, opened) => {
        for (const handle of await module.findObjects(session, named(CKO.privateKey, name))) await module.destroyObject(session, handle);
        opened.objects.delete(name);
      });
      known.delete(name);
    },

    close: () => sessions.close(),
  };
}

function requireSuite(suite: Suite): void {
  if (suite === 'es256') return;
  throw new Problem('suite-not-offered', {
    detail: `This token makes P-256 keys (es256) only, not ${suite}: PKCS#11 has no standard mechanism for SM2. Keep such keys in encrypted files.`,
    detailZh: `该密钥设备仅支持 P-256（es256）密钥，不支持 ${suite}：PKCS#11 没有 SM2 的标准机制，请使用加密文件保存此类密钥。`,
  });
}

const isP256 = (spki: Uint8Array) =>
  spki.length === P256_SPKI_PREFIX.length + POINT_BYTES &&
  Buffer.compare(spki.subarray(0, P256_SPKI_PREFIX.length), P256_SPKI_PREFIX) === 0;

const named = (kind: number, name: string): Attribute[] => [
  [CKA.class, ulong(kind)],
  [CKA.token, boolean(true)],
  [CKA.label, Buffer.from(name, 'latin1')],
];

interface KeyWanted {
  name: string;
  purposes: readonly KeyPurpose[];
}

async function makeKey(module: Pkcs11Module, session: bigint, opened: Opened, macKeys: MacKeys, wanted: KeyWanted): Promise<StoredKey> {
  const { name } = wanted;
  const ofPrivate = named(CKO.privateKey, name);
  if ((await module.findObjects(session, ofPrivate)).length > 0) throw new Problem('key-exists');
  // A public key that is left alone is that of a retired key, whose name is never given again.
  if ((await module.findObjects(session, named(CKO.publicKey, name))).length > 0) throw new Problem('key-exists');
  const id = describeInId(macKeys[0], wanted);
  const pair = await generate(module, session, name, id);
  // A token lets two keys have one label. Of two processes that made one at once, each sees the other's by now and takes its own back.
  if ((await module.findObjects(session, ofPrivate)).length > 1) {
    for (const object of [pair.privateKey, pair.publicKey]) await module.destroyObject(session, object);
    throw new Problem('key-exists');
  }
  const key = await loadKey(module, session, opened, macKeys, name);
  if (!key) throw new Error(`The key ${name} vanished while it was made.`);
  return key;
}

async function generate(module: Pkcs11Module, session: bigint, name: string, id: Buffer) {
  const label = Buffer.from(name, 'latin1');
  const both: Attribute[] = [
    [CKA.token, boolean(true)],
    [CKA.label, label],
    [CKA.id, id],
    [CKA.modifiable, boolean(false)],
  ];
  const ofPublic: Attribute[] = [...both, [CKA.ecParams, P256], [CKA.verify, boolean(true)], [CKA.private, boolean(false)]];
  const ofPrivate: Attribute[] = [
    ...both,
    [CKA.private, boolean(true)],
    [CKA.sensitive, boolean(true)],
    [CKA.extractable, boolean(false)],
    [CKA.sign, boolean(true)],
  ];
  try {
    return await module.generateKeyPair(session, CKM.ecKeyPairGen, ofPublic, [...ofPrivate, [CKA.copyable, boolean(false)]]);
  } catch (error) {
    // Tokens of PKCS#11 2.20 do not know CKA_COPYABLE.
    if (!(error instanceof Pkcs11Error && error.returned === ATTRIBUTE_TYPE_INVALID)) throw error;
    return module.generateKeyPair(session, CKM.ecKeyPairGen, ofPublic, ofPrivate);
  }
}

/** Throws a plain Error for a key whose description does not belong to it, or that could leave the token. */
async function loadKey(
  module: Pkcs11Module,
  session: bigint,
  opened: Opened,
  macKeys: MacKeys,
  name: string,
): Promise<StoredKey | undefined> {
  const damaged = (why: string) => new Error(`The key ${name} in the token was changed: ${why}.`);
  let [handle, second] = await findSettled(module, session, named(CKO.privateKey, name));
  if (handle === undefined) {
    if ((await module.findObjects(session, named(CKO.publicKey, name))).length === 0) return undefined;
    // A key that is just being made may have its public half first.
    await pause(BEING_MADE_MS);
    [handle, second] = await findSettled(module, session, named(CKO.privateKey, name));
    if (handle === undefined) return loadRetired(module, session, macKeys, name);
  }
  if (second !== undefined) throw damaged('there are two of this name');
  const [id, extractable, never] = await module.readAttributes(session, handle, [CKA.id, CKA.extractable, CKA.neverExtractable]);
  const purposes = purposesInId(macKeys, name, id ?? Buffer.alloc(0));
  if (!purposes) throw damaged('its purposes are not those it was made for');
  if (extractable?.[0] !== 0 || never?.[0] !== 1) throw damaged('it can leave the token');
  const [publicHandle, another] = await findSettled(module, session, named(CKO.publicKey, name));
  if (publicHandle === undefined || another !== undefined) throw damaged('its public key is missing or not alone');
  const [point] = await module.readAttributes(session, publicHandle, [CKA.ecPoint]);
  const spki = Uint8Array.from(Buffer.concat([P256_SPKI_PREFIX, rawPoint(point ?? Buffer.alloc(0))]));
  opened.objects.set(name, handle);
  const publicKey = importPublicKey(spki);
  if (!verifyMessage(publicKey, PROOF, await signWith(module, session, opened, name, PROOF)))
    throw damaged('it signs what it does not verify');
  return { name, suite: 'es256', purposes, spki };
}

/** What is left of a retired key: its public half, under the same description. Undefined when there is none. */
async function loadRetired(module: Pkcs11Module, session: bigint, macKeys: MacKeys, name: string): Promise<StoredKey | undefined> {
  const [handle] = await findSettled(module, session, named(CKO.publicKey, name));
  if (handle === undefined) return undefined;
  const [id, point] = await module.readAttributes(session, handle, [CKA.id, CKA.ecPoint]);
  const purposes = purposesInId(macKeys, name, id ?? Buffer.alloc(0));
  if (!purposes) throw new Error(`The key ${name} in the token was changed: its purposes are not those it was made for.`);
  const spki = Uint8Array.from(Buffer.concat([P256_SPKI_PREFIX, rawPoint(point ?? Buffer.alloc(0))]));
  return { name, suite: 'es256', purposes, spki, retired: true };
}

/** Another process may just be taking back a key it made at the same time: two of one name are looked at again for a second. */
async function findSettled(module: Pkcs11Module, session: bigint, template: readonly Attribute[]): Promise<bigint[]> {
  for (let left = 20; ; left--) {
    const found = await module.findObjects(session, template);
    if (found.length < 2 || left === 0) return found;
    await pause(50);
  }
}

/** The digest is computed here: that mechanism is the one every token has. */
async function signWith(module: Pkcs11Module, session: bigint, opened: Opened, name: string, message: Uint8Array): Promise<Uint8Array> {
  let handle = opened.objects.get(name);
  if (handle === undefined) {
    [handle] = await module.findObjects(session, named(CKO.privateKey, name));
    if (handle === undefined) throw new Problem('key-not-found');
    opened.objects.set(name, handle);
  }
  const raw = await module.sign(session, CKM.ecdsa, handle, digest('sha256', message), SIGNATURE_BYTES);
  if (raw.length !== SIGNATURE_BYTES) throw new Error('The token gave a signature of another length.');
  return derFromRawSignature(raw);
}

async function labelOfPoint(module: Pkcs11Module, session: bigint, point: Uint8Array): Promise<string | undefined> {
  // PKCS#11 2.40 §2.3.3 wraps the point in an OCTET STRING; some tokens leave it bare.
  for (const form of [octetString(point), point]) {
    const [handle] = await module.findObjects(session, [
      [CKA.class, ulong(CKO.publicKey)],
      [CKA.ecPoint, form],
    ]);
    if (handle !== undefined) return (await module.readAttributes(session, handle, [CKA.label]))[0]?.toString('latin1');
  }
  return undefined;
}

function rawPoint(value: Buffer): Uint8Array {
  const point = value.length === POINT_BYTES ? value : parseDer(value).asOctets();
  if (point.length !== POINT_BYTES || point[0] !== 4) throw new Error('The token holds a public key of another curve.');
  return point;
}

/** The first for new keys; what each key may be used for was authenticated with one of them. */
type MacKeys = readonly [Buffer, ...Buffer[]];

function macKeyOf(secret: string | Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', 'tongren token key description', 32));
}

/** version (1) ‖ purposes, one bit each (4) ‖ MAC over version, name, suite and purposes (16). */
function describeInId(macKey: Buffer, { name, purposes }: KeyWanted): Buffer {
  const bits = purposes.reduce((sum, purpose) => sum | (1 << KEY_PURPOSES.indexOf(purpose)), 0);
  const head = Buffer.alloc(5);
  head.writeUInt8(ID_VERSION);
  head.writeUInt32BE(bits >>> 0, 1);
  return Buffer.concat([head, macOf(macKey, head, name)]);
}

function macOf(macKey: Buffer, head: Buffer, name: string): Buffer {
  return createHmac('sha256', macKey).update(head).update(`es256 ${name}`).digest().subarray(0, MAC_BYTES);
}

function purposesInId(macKeys: MacKeys, name: string, id: Buffer): KeyPurpose[] | undefined {
  const head = id.subarray(0, 5);
  if (id.length !== 5 + MAC_BYTES || head[0] !== ID_VERSION) return undefined;
  if (!macKeys.some((macKey) => timingSafeEqual(id.subarray(5), macOf(macKey, head, name)))) return undefined;
  const bits = head.readUInt32BE(1);
  return KEY_PURPOSES.filter((_, place) => (bits >>> place) & 1);
}
