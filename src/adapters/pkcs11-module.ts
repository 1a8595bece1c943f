/**
 * A PKCS#11 module (OASIS PKCS#11 2.40) as far as signing needs it, called through koffi, which comes ready built: no compiler
 * is needed to install it. Every call runs on a thread of its own, so that a slow device does not hold up this process.
 */
import type koffi from 'koffi';

type Koffi = typeof koffi;

/** Attribute types, PKCS#11 §2.40 table 10 and following. */
export const CKA = {
  class: 0x0,
  token: 0x1,
  private: 0x2,
  label: 0x3,
  id: 0x102,
  sensitive: 0x103,
  sign: 0x108,
  verify: 0x10a,
  extractable: 0x162,
  neverExtractable: 0x164,
  modifiable: 0x170,
  copyable: 0x171,
  ecParams: 0x180,
  ecPoint: 0x181,
} as const;

export const CKM = { ecKeyPairGen: 0x1040, ecdsa: 0x1041 } as const;
export const CKO = { publicKey: 2, privateKey: 3 } as const;

/** Return values that mean: what we held is gone, open it anew. */
const LOST = new Set([
  0x05, // CKR_GENERAL_ERROR
  0x30, // CKR_DEVICE_ERROR
  0x32, // CKR_DEVICE_REMOVED
  0x60, // CKR_KEY_HANDLE_INVALID
  0x82, // CKR_OBJECT_HANDLE_INVALID
  0x90, // CKR_OPERATION_ACTIVE: a call before this one was given up
  0xb0, // CKR_SESSION_CLOSED
  0xb3, // CKR_SESSION_HANDLE_INVALID
  0xe0, // CKR_TOKEN_NOT_PRESENT
  0xe1, // CKR_TOKEN_NOT_RECOGNIZED
  0x101, // CKR_USER_NOT_LOGGED_IN
  0x190, // CKR_CRYPTOKI_NOT_INITIALIZED
]);
const OK = 0;
const ALREADY_LOGGED_IN = 0x100;
const ALREADY_INITIALISED = 0x191;
const PIN_FAULTS = new Set([0xa0, 0xa1, 0xa2, 0xa4]);

const OS_LOCKING = 2n;
const SERIAL_AND_WRITABLE = 6;
const USER = 1;
const ULONG = 8;
const ATTRIBUTE_BYTES = 24;
const MECHANISM_BYTES = 24;
const TOKEN_INFO_BYTES = 208;
/** Functions in CK_FUNCTION_LIST, after the version and its padding. */
const FUNCTIONS = 68;
const MAX_SLOTS = 64;
const MAX_FOUND = 16;
const MAX_ATTRIBUTE_BYTES = 1_024;

/** A call that did not return CKR_OK. */
export class Pkcs11Error extends Error {
  override name = 'Pkcs11Error';
  readonly returned: number;
  constructor(call: string, returned: number) {
    super(`${call} returned 0x${returned.toString(16)}`);
    this.returned = returned;
  }

  get isLost(): boolean {
    return LOST.has(this.returned);
  }

  get isPinFault(): boolean {
    return PIN_FAULTS.has(this.returned);
  }
}

export type Attribute = readonly [type: number, value: Uint8Array];
type Handle = bigint;

export interface Pkcs11Module {
  /** Before anything else, and again after the module was finalised; being initialised already is no fault. */
  initialise(): Promise<void>;
  /** The token with this label or serial number; undefined when there is none now. `maxSessions` where it has a limit. */
  findToken(token: string): Promise<{ slot: bigint; maxSessions?: number } | undefined>;
  mechanisms(slot: bigint): Promise<Set<number>>;
  openSession(slot: bigint): Promise<Handle>;
  /** As the normal user. Being logged in already is no fault. */
  login(session: Handle, pin: Uint8Array): Promise<void>;
  closeSession(session: Handle): Promise<void>;
  generateKeyPair(
    session: Handle,
    mechanism: number,
    ofPublic: readonly Attribute[],
    ofPrivate: readonly Attribute[],
  ): Promise<{ publicKey: Handle; privateKey: Handle }>;
  /** At most 16. */
  findObjects(session: Handle, template: readonly Attribute[]): Promise<Handle[]>;
  readAttributes(session: Handle, object: Handle, types: readonly number[]): Promise<Buffer[]>;
  destroyObject(session: Handle, object: Handle): Promise<void>;
  sign(session: Handle, mechanism: number, key: Handle, data: Uint8Array, maxBytes: number): Promise<Buffer>;
}

export const ulong = (value: number | bigint): Buffer => {
  const bytes = Buffer.allocUnsafeSlow(ULONG);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
export const boolean = (value: boolean): Buffer => Buffer.from([value ? 1 : 0]);

/**
 * Loads the module. Throws a plain Error when koffi is not installed, when the file is no PKCS#11 module, or on a
 * machine whose structures are laid out otherwise (32 bits, Windows).
 */
export async function loadPkcs11Module(path: string): Promise<Pkcs11Module> {
  if (process.platform === 'win32' || !/64|s390x/.test(process.arch)) {
    throw new Error('PKCS#11 is supported on 64-bit Linux and macOS. / PKCS#11 仅支持 64 位 Linux 与 macOS。');
  }
  const ffi = await loadKoffi();
  const call = openFunctions(ffi, path);
  // CK_C_INITIALIZE_ARGS: no mutex functions of ours, the operating system's.
  const options = Buffer.allocUnsafeSlow(48).fill(0);
  options.writeBigUInt64LE(OS_LOCKING, 32);

  const template = (attributes: readonly Attribute[]): Buffer => {
    const bytes = Buffer.allocUnsafeSlow(ATTRIBUTE_BYTES * Math.max(1, attributes.length));
    for (const [index, [type, value]] of attributes.entries()) {
      bytes.writeBigUInt64LE(BigInt(type), index * ATTRIBUTE_BYTES);
      bytes.writeBigUInt64LE(value.length === 0 ? 0n : ffi.address(value), index * ATTRIBUTE_BYTES + ULONG);
      bytes.writeBigUInt64LE(BigInt(value.length), index * ATTRIBUTE_BYTES + 2 * ULONG);
    }
    return bytes;
  };
  const mechanismOf = (mechanism: number): Buffer => {
    const bytes = Buffer.allocUnsafeSlow(MECHANISM_BYTES).fill(0);
    bytes.writeBigUInt64LE(BigInt(mechanism));
    return bytes;
  };

  return {
    initialise: () => call.initialize([options], [ALREADY_INITIALISED]),

    async findToken(token) {
      const count = ulong(MAX_SLOTS);
      const slots = Buffer.allocUnsafeSlow(ULONG * MAX_SLOTS);
      await call.getSlotList([1, slots, count]);
      for (let index = 0; index < Number(count.readBigUInt64LE()); index++) {
        const slot = slots.readBigUInt64LE(index * ULONG);
        const info = Buffer.allocUnsafeSlow(TOKEN_INFO_BYTES).fill(0);
        await call.getTokenInfo([slot, info]);
        // CK_TOKEN_INFO: label[32] manufacturer[32] model[16] serial[16], padded with blanks.
        const label = info.toString('utf8', 0, 32).trimEnd();
        const serial = info.toString('utf8', 80, 96).trimEnd();
        if (token !== label && token !== serial) continue;
        // ulMaxSessionCount: 0 means no limit, all ones that the token does not say.
        const most = info.readBigUInt64LE(104);
        return { slot, ...(most > 0n && most < 1_000n ? { maxSessions: Number(most) } : {}) };
      }
      return undefined;
    },

    async mechanisms(slot) {
      const count = ulong(0);
      await call.getMechanismList([slot, null, count]);
      const list = Buffer.allocUnsafeSlow(ULONG * Math.max(1, Number(count.readBigUInt64LE())));
      await call.getMechanismList([slot, list, count]);
      return new Set(Array.from({ length: Number(count.readBigUInt64LE()) }, (_, at) => Number(list.readBigUInt64LE(at * ULONG))));
    },

    async openSession(slot) {
      const handle = ulong(0);
      await call.openSession([slot, SERIAL_AND_WRITABLE, null, null, handle]);
      return handle.readBigUInt64LE();
    },

    login: (session, pin) => call.login([session, USER, pin, pin.length], [ALREADY_LOGGED_IN]),
    closeSession: (session) => call.closeSession([session]),

    async generateKeyPair(session, mechanism, ofPublic, ofPrivate) {
      const [publicKey, privateKey] = [ulong(0), ulong(0)];
      const held = [ofPublic, ofPrivate];
      const templates = held.map(template);
      await call.generateKeyPair(
        [session, mechanismOf(mechanism), templates[0], ofPublic.length, templates[1], ofPrivate.length, publicKey, privateKey],
        [],
        held,
      );
      return { publicKey: publicKey.readBigUInt64LE(), privateKey: privateKey.readBigUInt64LE() };
    },

    async findObjects(session, wanted) {
      await call.findObjectsInit([session, template(wanted), wanted.length], [], wanted);
      try {
        const [found, count] = [Buffer.allocUnsafeSlow(ULONG * MAX_FOUND), ulong(0)];
        await call.findObjects([session, found, MAX_FOUND, count]);
        return Array.from({ length: Number(count.readBigUInt64LE()) }, (_, at) => found.readBigUInt64LE(at * ULONG));
      } finally {
        await call.findObjectsFinal([session]);
      }
    },

    async readAttributes(session, object, types) {
      const values = types.map((type) => [type, Buffer.allocUnsafeSlow(MAX_ATTRIBUTE_BYTES)] as const);
      const asked = template(values);
      await call.getAttributeValue([session, object, asked, types.length], [], values);
      return values.map(([, value], index) =>
        Buffer.from(value.subarray(0, Number(asked.readBigUInt64LE(index * ATTRIBUTE_BYTES + 2 * ULONG)))),
      );
    },

    destroyObject: (session, object) => call.destroyObject([session, object]),

    async sign(session, mechanism, key, data, maxBytes) {
      const [signature, length] = [Buffer.allocUnsafeSlow(maxBytes), ulong(maxBytes)];
      await call.signInit([session, mechanismOf(mechanism), key]);
      await call.sign([session, data, data.length, signature, length]);
      return signature.subarray(0, Number(length.readBigUInt64LE()));
    },
  };
}

async function loadKoffi(): Promise<Koffi> {
  try {
    return (await import('koffi')).default;
  } catch (cause) {
    throw new Error('PKCS#11 needs the optional package koffi: install without --omit=optional. / PKCS#11 需要可选依赖 koffi。', { cause });
  }
}

type Argument = number | bigint | Uint8Array | null | undefined;
/** @param held what the call reads through addresses inside its arguments: kept until it returns. */
type Call = (values: readonly Argument[], allowed?: readonly number[], held?: unknown) => Promise<void>;

/** Place in CK_FUNCTION_LIST and parameters (P: pointer, U: CK_ULONG, B: CK_BBOOL). */
const SIGNATURES = {
  initialize: [0, 'P'],
  getSlotList: [4, 'BPP'],
  getTokenInfo: [6, 'UP'],
  getMechanismList: [7, 'UPP'],
  openSession: [12, 'UUPPP'],
  closeSession: [13, 'U'],
  login: [18, 'UUPU'],
  destroyObject: [22, 'UU'],
  getAttributeValue: [24, 'UUPU'],
  findObjectsInit: [26, 'UPU'],
  findObjects: [27, 'UPUP'],
  findObjectsFinal: [28, 'U'],
  signInit: [42, 'UPU'],
  sign: [43, 'UPUPP'],
  generateKeyPair: [59, 'UPPUPUPP'],
} as const;
const TYPES: Record<string, string> = { P: 'void *', U: 'ulong', B: 'uchar' };

function openFunctions(ffi: Koffi, path: string): Record<keyof typeof SIGNATURES, Call> {
  const pointers = functionPointers(ffi, path);
  /** Named here, nothing is collected while the module still works on it. */
  const inFlight = new Set<unknown>();
  const entries = Object.entries(SIGNATURES).map(([name, [place, parameters]]) => {
    const type = ffi.proto(
      'ulong',
      [...parameters].map((letter) => TYPES[letter] ?? 'ulong'),
    );
    const invoke = ffi.decode(pointers[place], type) as { async: (...values: unknown[]) => void };
    const call: Call = (values, allowed = [], held = undefined) =>
      new Promise<void>((done, fail) => {
        const kept = [values, held];
        inFlight.add(kept);
        invoke.async(...values, (error: Error | null, returned: number) => {
          inFlight.delete(kept);
          if (error) fail(error);
          else if (returned === OK || allowed.includes(Number(returned))) done();
          else fail(new Pkcs11Error(name, Number(returned)));
        });
      });
    return [name, call] as const;
  });
  return Object.fromEntries(entries) as Record<keyof typeof SIGNATURES, Call>;
}

function functionPointers(ffi: Koffi, path: string): bigint[] {
  const list: (bigint | null)[] = [null];
  try {
    const returned = ffi.load(path).func('C_GetFunctionList', 'ulong', ['_Out_ void **'])(list) as number;
    if (returned !== OK || !list[0]) throw new Pkcs11Error('C_GetFunctionList', returned);
  } catch (cause) {
    throw new Error(`${path} is not a PKCS#11 module that can be loaded. / 无法加载 PKCS#11 模块。`, { cause });
  }
  return ffi.decode(list[0], ULONG, ffi.array('void *', FUNCTIONS)) as bigint[];
}
