import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { assembleCode, type CodeSuite, codeToBeSigned, protectedHeader } from '#codes/code-envelope.ts';
import { jwkOf, parseCodeKeys, type VerificationKey } from '#codes/code-keys.ts';
import type { CodeContent } from '#codes/code-types.ts';
import { decimalFromBytes } from '#codes/decimal-text.ts';
import { signStatusList } from '#codes/status-list-token.ts';
import { verifyCodeOffline } from '#codes/verify-code-offline.ts';
import { generateKeyPair, importPrivateKey, type PrivateKey, signMessage } from '#crypto/suite.ts';
import { Problem } from '#problem.ts';
import { memoryKeyStore } from '#test/fakes/memory-key-store.ts';

const ISSUED = Date.parse('2026-06-01T08:00:00Z') / 1000;
const URI = 'https://id.example/api/codes/status-list';
const newKey = (suite: CodeSuite) => importPrivateKey(generateKeyPair(suite).pkcs8);
const p256 = newKey('es256');
const sm2 = newKey('sm2-sm3');
const stranger = newKey('es256');

const listStore = memoryKeyStore();
const listKey = await listStore.create('status-list-p256', 'es256', ['status-list']);
const forgedStore = memoryKeyStore();
await forgedStore.create('status-list-p256', 'es256', ['status-list']);

const verification = (kid: string, key: PrivateKey, more: Partial<VerificationKey> = {}) =>
  jwkOf({ kid, purpose: 'code', publicKey: key.publicKey, validFrom: new Date('2026-01-01T00:00:00Z'), ...more });
const importedList = { kid: 'status-list-p256', purpose: 'status-list' as const, validFrom: new Date(0) };

const file = {
  issuer: 'https://id.example',
  asOf: '2026-06-01T00:00:00.000Z',
  statusListUri: URI,
  keys: [
    verification('1', p256),
    verification('2', sm2),
    verification('3', p256, { validTo: new Date('2026-05-01T00:00:00Z') }),
    jwkOf({ ...importedList, publicKey: (await import('#crypto/suite.ts')).importPublicKey(listKey.spki) }),
  ],
  licenceTypes: [{ number: 1, code: '11100000MB0143028R001', name: '营业执照', nameEn: 'Business licence', maxStatusAgeSeconds: 86_400 }],
};
const keys = parseCodeKeys(JSON.stringify(file));

function digitsOf(options: { suite?: CodeSuite; kid?: number; key?: PrivateKey } & Partial<CodeContent> = {}): string {
  const { suite = 'es256', kid = suite === 'es256' ? 1 : 2, key = suite === 'es256' ? p256 : sm2, ...content } = options;
  const header = protectedHeader(suite, kid);
  const toBeSigned = codeToBeSigned(header, {
    codeType: 'licence',
    codeId: randomBytes(16),
    issuedAtSeconds: ISSUED,
    expiresAtSeconds: ISSUED + 60,
    licenceTypeNumber: 1,
    statusIndex: 42,
    ...content,
  });
  return decimalFromBytes(assembleCode(header, toBeSigned, signMessage(key, toBeSigned)));
}

const at = (seconds: number) => new Date((ISSUED + seconds) * 1000);
const listOf = (entries: { index: number; value: number }[], issuedAt = at(-600), store = listStore, uri = URI) =>
  signStatusList(
    store,
    { name: 'status-list-p256', suite: 'es256', purpose: 'status-list' },
    {
      uri,
      issuedAt,
      expiresAt: new Date(issuedAt.getTime() + 7 * 86_400_000),
      ttlSeconds: 60,
      size: 1024,
      entries,
    },
  );

describe.each(['es256', 'sm2-sm3'] as const)('a genuine code in %s', (suite) => {
  test('is valid with a fresh list, and the answer has the form of CONTRACT.md', async () => {
    const verdict = verifyCodeOffline({ digits: digitsOf({ suite }), keys, statusList: await listOf([]), at: at(5) });
    expect(verdict).toMatchObject({
      verdict: 'valid',
      type: 'licence',
      licenceType: '11100000MB0143028R001',
      issuedAt: '2026-06-01T08:00:00.000Z',
      expiresAt: '2026-06-01T08:01:00.000Z',
      statusAsOf: '2026-06-01T07:50:00.000Z',
      holder: 'not-proven',
      reasons: [],
      status: 'in-force',
      statusAgeSeconds: 605,
    });
  });

  test('without a list is valid, and says that the status is unknown', () => {
    const verdict = verifyCodeOffline({ digits: digitsOf({ suite }), keys, at: at(5) });
    expect(verdict).toMatchObject({ verdict: 'valid', statusAsOf: null, reasons: ['status-unknown'], status: 'unknown' });
  });
});

describe('freshness at its edges', () => {
  test.each([
    ['thirty seconds before issue: skew is forgiven', -30, 'valid'],
    ['a millisecond earlier still', -30.001, 'not-yet-valid'],
    ['at issue', 0, 'valid'],
    ['one millisecond before it expires', 59.999, 'valid'],
    ['the instant it expires', 60, 'expired'],
    ['one millisecond after', 60.001, 'expired'],
    ['a day later', 86_400, 'expired'],
  ])('%s (%s s): %s', (_when, seconds, expected) => {
    expect(verifyCodeOffline({ digits: digitsOf(), keys, at: at(seconds) }).verdict).toBe(expected);
  });
});

describe('what is not ours is refused', () => {
  test('an unknown key', () => {
    expect(verifyCodeOffline({ digits: digitsOf({ kid: 9 }), keys, at: at(1) })).toMatchObject({
      verdict: 'unknown-key',
      reasons: ['key-not-known'],
      type: null,
    });
  });
  test('a signature by another key under a known number', () => {
    expect(verifyCodeOffline({ digits: digitsOf({ key: stranger }), keys, at: at(1) })).toMatchObject({
      verdict: 'forged',
      reasons: ['signature-wrong'],
    });
  });
  test('an algorithm that is not the key’s', () => {
    expect(verifyCodeOffline({ digits: digitsOf({ suite: 'sm2-sm3', kid: 1 }), keys, at: at(1) })).toMatchObject({
      verdict: 'forged',
      reasons: ['algorithm-not-the-keys'],
    });
  });
  test('a key that had been retired when the code says it was issued', () => {
    expect(verifyCodeOffline({ digits: digitsOf({ kid: 3 }), keys, at: at(1) })).toMatchObject({
      verdict: 'unknown-key',
      reasons: ['key-not-valid-then'],
    });
  });
  test('a life longer than we ever give', () => {
    const digits = digitsOf({ expiresAtSeconds: ISSUED + 181 });
    expect(verifyCodeOffline({ digits, keys, at: at(1) })).toMatchObject({ verdict: 'forged', reasons: ['life-not-allowed'] });
  });
  test('a life that ends before it begins', () => {
    expect(verifyCodeOffline({ digits: digitsOf({ expiresAtSeconds: ISSUED - 1 }), keys, at: at(-20) }).verdict).toBe('forged');
  });
  test.each(['', 'hello', '12345678901234567890', '9'.repeat(277), digitsOf().slice(0, -1)])('"%.20s…" is malformed', (digits) => {
    expect(verifyCodeOffline({ digits, keys, at: at(1) }).verdict).toBe('malformed');
  });
  test('each digit of a code matters', () => {
    const digits = digitsOf();
    for (let index = 0; index < digits.length; index += 7) {
      const other = (Number(digits[index]) + 1) % 10;
      const changed = digits.slice(0, index) + other + digits.slice(index + 1);
      expect(['malformed', 'unknown-key', 'forged']).toContain(verifyCodeOffline({ digits: changed, keys, at: at(1) }).verdict);
    }
  });
});

describe('the status list', () => {
  test.each([
    ['ended', 1, 'status-ended'],
    ['suspended', 2, 'status-suspended'],
    ['of a meaning we do not know', 3, 'status-unknown'],
  ])('a licence %s is not in force', async (_state, value, reason) => {
    const verdict = verifyCodeOffline({ digits: digitsOf(), keys, statusList: await listOf([{ index: 42, value }]), at: at(5) });
    expect(verdict).toMatchObject({ verdict: 'licence-not-in-force', reasons: [reason] });
  });

  test('a neighbour’s state is not this licence’s', async () => {
    const statusList = await listOf([
      { index: 41, value: 1 },
      { index: 43, value: 2 },
    ]);
    expect(verifyCodeOffline({ digits: digitsOf(), keys, statusList, at: at(5) }).verdict).toBe('valid');
  });

  test('as old as the licence type allows is good; a second older is not', async () => {
    const statusList = await listOf([], at(5 - 86_400));
    expect(verifyCodeOffline({ digits: digitsOf(), keys, statusList, at: at(5) }).verdict).toBe('valid');
    expect(verifyCodeOffline({ digits: digitsOf(), keys, statusList, at: at(6) })).toMatchObject({
      verdict: 'licence-not-in-force',
      reasons: ['status-too-old'],
      status: 'unknown',
    });
  });

  test('a list that does not reach the licence says nothing about it', async () => {
    const statusList = await listOf([]);
    expect(verifyCodeOffline({ digits: digitsOf({ statusIndex: 999_999 }), keys, statusList, at: at(5) })).toMatchObject({
      verdict: 'licence-not-in-force',
      reasons: ['status-index-out-of-range'],
    });
  });

  test.each([
    ['signed by another', async () => listOf([], at(-600), forgedStore), 'status-list-forged'],
    ['of another issuer’s address', async () => listOf([], at(-600), listStore, 'https://other.example/list'), 'status-list-of-another'],
    ['that is no token', async () => 'nonsense', 'status-list-malformed'],
    ['that is another object', async () => ({ something: 'else' }), 'status-list-malformed'],
  ])('a list %s is refused, not ignored', async (_what, make, reason) => {
    expect(verifyCodeOffline({ digits: digitsOf(), keys, statusList: await make(), at: at(5) })).toMatchObject({
      verdict: 'licence-not-in-force',
      reasons: [reason],
      statusAsOf: null,
    });
  });

  test('a key signs no list of a time before or after its own', async () => {
    const retired = structuredClone(file);
    Object.assign(retired.keys[3] ?? {}, { validTo: at(-300).toISOString() });
    const known = parseCodeKeys(retired);
    const judge = async (issuedAt: Date) =>
      verifyCodeOffline({ digits: digitsOf(), keys: known, statusList: await listOf([], issuedAt), at: at(5) });
    expect((await judge(at(-301))).verdict).toBe('valid');
    expect(await judge(at(-300))).toMatchObject({
      verdict: 'licence-not-in-force',
      reasons: ['status-list-unknown-key'],
      statusAsOf: null,
    });
  });

  test('may come as the file of CONTRACT.md, text or parsed', async () => {
    const token = await listOf([{ index: 42, value: 1 }]);
    for (const statusList of [{ statusListToken: token }, JSON.stringify({ statusListToken: token }), `${token}\n`]) {
      expect(verifyCodeOffline({ digits: digitsOf(), keys, statusList, at: at(5) }).verdict).toBe('licence-not-in-force');
    }
  });

  test('an expired code keeps its verdict whatever the list says', async () => {
    const statusList = await listOf([{ index: 42, value: 1 }]);
    expect(verifyCodeOffline({ digits: digitsOf(), keys, statusList, at: at(61) }).verdict).toBe('expired');
  });
});

test('a named code gives its masked name; a plain one has none to give', () => {
  const named = verifyCodeOffline({ digits: digitsOf({ codeType: 'named-licence', maskedName: '张*三' }), keys, at: at(1) });
  expect(named).toMatchObject({ verdict: 'valid', type: 'named-licence', maskedName: '张*三' });
  expect(verifyCodeOffline({ digits: digitsOf(), keys, at: at(1) })).not.toHaveProperty('maskedName');
});

test('a forged named code gives no name away', () => {
  const forged = verifyCodeOffline({ digits: digitsOf({ codeType: 'named-licence', maskedName: '李*', key: stranger }), keys, at: at(1) });
  expect(forged.verdict).toBe('forged');
  expect(JSON.stringify(forged)).not.toContain('李');
});

test.each([
  ['no JSON', 'x'],
  ['an empty object', {}],
  ['a point that is not on the curve', { ...file, keys: [{ ...file.keys[0], x: 'A'.repeat(43) }] }],
  ['a symmetric key', { ...file, keys: [{ kty: 'oct', k: 'AAAA', kid: '1' }] }],
])('a key file with %s is refused with a reason', (_what, content) => {
  expect(() => parseCodeKeys(content)).toThrow(Problem);
});
