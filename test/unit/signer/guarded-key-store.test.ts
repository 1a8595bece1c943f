import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { fileKeyStore } from '#adapters/file-keys.ts';
import { encodeCheckpoint } from '#audit/checkpoint.ts';
import { type CborKey, type CborValue, encodeCbor } from '#crypto/cbor.ts';
import { encodeSignedAttributes } from '#crypto/cms.ts';
import { encodeSigStructure } from '#crypto/cose.ts';
import { encodeClaims } from '#crypto/cwt.ts';
import { parseDer } from '#crypto/der.ts';
import { octetString, oid, sequence, setOf, tlv } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { digest, generateKeyPair, importPublicKey, type Suite, verifyMessage } from '#crypto/suite.ts';
import { encodeSealInfo } from '#documents/ses/build-seal.ts';
import { encodeTbsSign } from '#documents/ses/build-signature.ts';
import { assembleCertificate, keyIdentifier } from '#pki/build-certificate.ts';
import { type Certificate, parseCertificate } from '#pki/certificate.ts';
import { encodeTbsCrl, type TbsCrlInput } from '#pki/encode-crl.ts';
import type { KeyPurpose } from '#ports/key-store.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import type { SignerLogLine } from '#signer/log-line.ts';
import { memoryKeyStore } from '../../fakes/memory-key-store.ts';
import { type TestIssueOptions, testName, testTbs } from '../../fakes/test-authority.ts';
import { testClock } from '../../fakes/test-clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'tongren-guard-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const clock = testClock('2026-06-01T08:00:00.000Z');
const nowSeconds = clock.now().getTime() / 1000;
const lines: SignerLogLine[] = [];
const store = guardedKeyStore(await fileKeyStore({ folder, secret: 'a secret of this test alone' }), {
  clock,
  log: (line) => lines.push(line),
});

const KEYS: [string, Suite, KeyPurpose[]][] = [
  ['ca-root-sm2', 'sm2-sm3', ['certificate', 'crl']],
  ['ca-seals-sm2', 'sm2-sm3', ['certificate', 'crl']],
  ['ca-persons-sm2', 'sm2-sm3', ['certificate', 'crl']],
  ['ca-issuing-sm2', 'sm2-sm3', ['certificate', 'crl']],
  ['seal-maker-sm2', 'sm2-sm3', ['seal-info']],
  ['seal-1-sm2', 'sm2-sm3', ['seal-signature']],
  ['seal-2-sm2', 'sm2-sm3', ['seal-signature']],
  ['seal-1-p256', 'es256', ['cms-attributes']],
  ['code-p256-1', 'es256', ['code']],
  ['status-list-p256', 'es256', ['status-list']],
  ['receipt-p256', 'es256', ['receipt']],
  ['audit-p256', 'es256', ['audit-checkpoint']],
];
for (const [name, suite, purposes] of KEYS) await store.create(name, suite, purposes);
const spkiOf = async (name: string) => (await store.find(name))?.spki ?? new Uint8Array();

const refusal = (name: string, purpose: KeyPurpose, structure: Uint8Array) =>
  store.sign(name, purpose, structure).then(
    () => 'signed',
    (error: { code?: string; detail?: string }) => `${error.code}: ${error.detail}`,
  );

/** Certificates as the two authorities of the store make them. */
async function certify(issuerKey: string, spki: Uint8Array, options: TestIssueOptions): Promise<Certificate> {
  const issuer = issuerKey === 'ca-root-sm2' && options.profile === 'root' ? undefined : await authority(issuerKey);
  const tbs = testTbs('sm2-sm3', issuer, spki, options);
  return parseCertificate(assembleCertificate(tbs, 'sm2-sm3', await store.sign(issuerKey, 'certificate', tbs)));
}
const made = new Map<string, Certificate>();
async function authority(name: string) {
  const role = name === 'ca-root-sm2' ? 'root' : 'issuing';
  const certificate = made.get(name) ?? (await certify('ca-root-sm2', await spkiOf(name), { profile: role }));
  made.set(name, certificate);
  return { certificate, key: undefined as never };
}

const stranger = generateKeyPair('sm2-sm3').spki;

test('the authorities sign each other, a seal for a key of the store, and a person’s certificate for a stranger’s key', async () => {
  const seal = await certify('ca-seals-sm2', await spkiOf('seal-1-sm2'), { profile: 'seal' });
  expect(seal.policies).toHaveLength(1);
  await certify('ca-persons-sm2', stranger, { profile: 'person' });
});

test.each<[string, string, () => Promise<Uint8Array>, RegExp]>([
  [
    'a root certificate for another key',
    'ca-root-sm2',
    async () => testTbs('sm2-sm3', undefined, stranger, { profile: 'root' }),
    /own key/,
  ],
  [
    'an authority that is not ours',
    'ca-root-sm2',
    async () => testTbs('sm2-sm3', await authority('ca-root-sm2'), stranger, { profile: 'issuing' }),
    /not the key of an issuing authority/,
  ],
  [
    'an end entity by the root',
    'ca-root-sm2',
    async () => testTbs('sm2-sm3', await authority('ca-root-sm2'), await spkiOf('seal-1-sm2')),
    /authorities only/,
  ],
  [
    'an authority by the issuing one',
    'ca-seals-sm2',
    async () => testTbs('sm2-sm3', await authority('ca-seals-sm2'), stranger, { profile: 'issuing', commonName: 'below' }),
    /end entities only/,
  ],
  [
    'a seal for a stranger’s key',
    'ca-seals-sm2',
    async () => testTbs('sm2-sm3', await authority('ca-seals-sm2'), stranger),
    /not one of this store/,
  ],
  [
    'a seal for a key of another use',
    'ca-seals-sm2',
    async () => testTbs('sm2-sm3', await authority('ca-seals-sm2'), await spkiOf('seal-maker-sm2')),
    /not one of this store/,
  ],
  [
    'a person’s certificate by the authority for seals',
    'ca-seals-sm2',
    async () => testTbs('sm2-sm3', await authority('ca-seals-sm2'), stranger, { profile: 'person' }),
    /not of the area/,
  ],
  [
    'anything new by the one authority of earlier installations',
    'ca-issuing-sm2',
    async () => testTbs('sm2-sm3', await authority('ca-issuing-sm2'), stranger, { profile: 'person' }),
    /not of the area/,
  ],
  [
    'a person’s certificate for a key of the store',
    'ca-persons-sm2',
    async () => testTbs('sm2-sm3', await authority('ca-persons-sm2'), await spkiOf('seal-1-sm2'), { profile: 'person' }),
    /another profile/,
  ],
  [
    'a certificate in the name of another key',
    'ca-seals-sm2',
    async () => testTbs('sm2-sm3', await authority('ca-root-sm2'), await spkiOf('seal-1-sm2')),
    /authority key identifier/,
  ],
  [
    'a certificate of another algorithm',
    'ca-seals-sm2',
    async () => testTbs('es256', await authority('ca-seals-sm2'), await spkiOf('seal-1-sm2')),
    /lint/,
  ],
  [
    'a certificate that lives too long',
    'ca-seals-sm2',
    async () => testTbs('sm2-sm3', await authority('ca-seals-sm2'), await spkiOf('seal-1-sm2'), { days: 9_999 }),
    /lint: lives longer/,
  ],
  [
    'a serial of one octet',
    'ca-seals-sm2',
    async () => testTbs('sm2-sm3', await authority('ca-seals-sm2'), await spkiOf('seal-1-sm2'), { change: { serial: Uint8Array.of(5) } }),
    /lint: serial/,
  ],
  ['something else altogether', 'ca-seals-sm2', async () => Buffer.from('hello'), /lint/],
])('a CA key refuses to sign %s', async (_what, key, structure, reason) => {
  expect(await refusal(key, 'certificate', await structure())).toMatch(reason);
});

async function tbsCrl(change: Partial<TbsCrlInput> = {}): Promise<Uint8Array> {
  const spki = await spkiOf('ca-seals-sm2');
  return encodeTbsCrl({
    suite: 'sm2-sm3',
    issuer: testName('issuing'),
    issuerKeyIdentifier: keyIdentifier(spki),
    number: 3n,
    thisUpdate: clock.now(),
    nextUpdate: new Date(clock.now().getTime() + 7 * 86_400_000),
    entries: [],
    ...change,
  });
}

test('a CA key signs a list of its own', async () => {
  const tbs = await tbsCrl();
  const signature = await store.sign('ca-seals-sm2', 'crl', tbs);
  expect(verifyMessage(importPublicKey(await spkiOf('ca-seals-sm2')), tbs, signature)).toBe(true);
});

function partOf(keyName: string, part = '3'): string {
  return `https://id.example.cn/crl/${keyName}-part-${part}.crl`;
}

test('a CA key signs a list for a part of its certificates that says so itself; a root does not', async () => {
  const tbs = await tbsCrl({ distributionPoint: { url: partOf('ca-seals-sm2') } });
  const signature = await store.sign('ca-seals-sm2', 'crl', tbs);
  expect(verifyMessage(importPublicKey(await spkiOf('ca-seals-sm2')), tbs, signature)).toBe(true);
  const issuerKeyIdentifier = keyIdentifier(await spkiOf('ca-root-sm2'));
  const ofRoot = await tbsCrl({ issuerKeyIdentifier, distributionPoint: { url: partOf('ca-root-sm2') } });
  expect(await refusal('ca-root-sm2', 'crl', ofRoot)).toMatch(/does not make/);
});

test.each<[string, Partial<TbsCrlInput>, RegExp]>([
  ['of another authority', { issuerKeyIdentifier: new Uint8Array(20) }, /authority key identifier/],
  ['of the past', { thisUpdate: new Date('2026-05-01T00:00:00Z') }, /not now/],
  ['of next year', { thisUpdate: new Date('2027-05-01T00:00:00Z'), nextUpdate: new Date('2027-05-02T00:00:00Z') }, /not now/],
  ['that is good for ten years', { nextUpdate: new Date('2036-06-01T00:00:00Z') }, /nextUpdate/],
  ['without a number', { number: 0n }, /number/],
  ['of another algorithm', { suite: 'es256' }, /algorithm/],
  ['for a part of another authority', { distributionPoint: { url: partOf('ca-persons-sm2') } }, /the place of another list/],
  ['for a part of its successor', { distributionPoint: { url: partOf('ca-seals-sm2-2') } }, /the place of another list/],
  ['for its complete list’s own place', { distributionPoint: { url: 'https://id.example.cn/crl/ca-seals-sm2.crl' } }, /another list/],
  ['for a part by a place with a query', { distributionPoint: { url: `${partOf('ca-seals-sm2')}?x=1` } }, /another list/],
  ['for a part below another path', { distributionPoint: { url: 'https://x/crl/a/crl/ca-seals-sm2-part-3.crl' } }, /another list/],
  ['for a part beyond all numbers', { distributionPoint: { url: partOf('ca-seals-sm2', '1000') } }, /another list/],
  ['for a part over ldap', { distributionPoint: { url: partOf('ca-seals-sm2').replace('https', 'ldap') } }, /another list/],
  ['of users’ certificates only', { distributionPoint: { onlyUserCertificates: true } }, /does not make/],
  ['for a part, of users only', { distributionPoint: { url: partOf('ca-seals-sm2'), onlyUserCertificates: true } }, /does not make/],
])('a CA key refuses a list %s', async (_what, change, reason) => {
  expect(await refusal('ca-seals-sm2', 'crl', await tbsCrl(change))).toMatch(reason);
});

async function sealInfo(change: Partial<Parameters<typeof encodeSealInfo>[0]> = {}): Promise<Uint8Array> {
  const certificate = await certify('ca-seals-sm2', await spkiOf('seal-1-sm2'), { profile: 'seal' });
  return encodeSealInfo({
    esId: '11010000000001',
    name: '示范市市场监督管理局',
    type: 1,
    signerCertificates: [certificate.der],
    picture: { type: 'PNG', data: Uint8Array.of(1), widthMm: 42, heightMm: 42 },
    createdAt: clock.now(),
    validFrom: clock.now(),
    validTo: new Date('2027-06-01T00:00:00Z'),
    vendor: 'Tongren',
    ...change,
  });
}

const sealOf = (info: Uint8Array) => sequence(info, octetString(Uint8Array.of(0)), oid(OID.sm2WithSm3), Uint8Array.of(3, 2, 0, 1));
const tbsSign = async (change: object = {}) =>
  encodeTbsSign({
    seal: sealOf(await sealInfo()),
    signedAt: clock.now(),
    dataHash: new Uint8Array(32),
    propertyInfo: '/Doc_0/Signs/Sign_0/Signature.xml',
    ...change,
  });

test('a seal maker signs a seal, and the key named in it signs with it', async () => {
  await store.sign('seal-maker-sm2', 'seal-info', await sealInfo());
  await store.sign('seal-1-sm2', 'seal-signature', await tbsSign());
});

test('a seal maker refuses a seal for a certificate of another profile', async () => {
  const person = await certify('ca-persons-sm2', stranger, { profile: 'person' });
  expect(await refusal('seal-maker-sm2', 'seal-info', await sealInfo({ signerCertificates: [person.der] }))).toMatch(/another profile/);
});

test.each<[string, string, () => Promise<Uint8Array>, RegExp]>([
  ['with a seal that does not name it', 'seal-2-sm2', () => tbsSign(), /does not name this key/],
  ['a time to come', 'seal-1-sm2', () => tbsSign({ signedAt: new Date('2026-06-02T00:00:00Z') }), /future/],
  ['a hash of the wrong length', 'seal-1-sm2', () => tbsSign({ dataHash: new Uint8Array(20) }), /wrong length/],
  ['a seal itself', 'seal-1-sm2', () => sealInfo(), /not a TBS_Sign/],
])('a seal key refuses to sign %s', async (_what, key, structure, reason) => {
  expect(await refusal(key, 'seal-signature', await structure())).toMatch(reason);
});

const attributes = (extra?: Uint8Array) => {
  const set = encodeSignedAttributes({
    messageDigest: digest('sha256', Buffer.from('x')),
    signingCertificate: { digestName: 'sha256', digest: new Uint8Array(32) },
  });
  return extra ? setOf(...parseDer(set).children.map(({ bytes }) => bytes), extra) : set;
};

test('a document key signs signed attributes', async () => {
  await store.sign('seal-1-p256', 'cms-attributes', attributes());
});

test.each<[string, Uint8Array, RegExp]>([
  ['attributes out of order', tlv(0x31, ...[...parseDer(attributes()).children].reverse().map(({ bytes }) => bytes)), /order/],
  ['an attribute it does not know', attributes(sequence(oid('1.2.3.4'), setOf(octetString(Uint8Array.of(1))))), /does not sign/],
  [
    'attributes over a time stamp',
    encodeSignedAttributes({ contentType: OID.timeStampInfo, messageDigest: new Uint8Array(32) }),
    /content type/,
  ],
  ['a digest of the wrong length', encodeSignedAttributes({ messageDigest: new Uint8Array(20) }), /message digest/],
  ['a certificate', testTbs('es256', undefined, generateKeyPair('es256').spki, { profile: 'root' }), /not a SET/],
])('a document key refuses to sign %s', async (_what, structure, reason) => {
  expect(await refusal('seal-1-p256', 'cms-attributes', structure)).toMatch(reason);
});

function codeStructure(
  change: {
    alg?: number;
    exp?: number;
    iat?: number;
    id?: Uint8Array;
    scope?: CborValue;
    other?: [CborKey, CborValue];
    external?: Uint8Array;
  } = {},
): Uint8Array {
  const header = encodeCbor(
    new Map<CborKey, CborValue>([
      [1, change.alg ?? -7],
      [4, Uint8Array.of(1)],
    ]),
  );
  const claims = encodeClaims({
    issuedAt: change.iat ?? nowSeconds,
    expiresAt: change.exp ?? nowSeconds + 60,
    id: change.id ?? new Uint8Array(16),
    others: new Map<CborKey, CborValue>([[9, change.scope ?? new Uint8Array(5)], ...(change.other ? [change.other] : [])]),
  });
  return encodeSigStructure(header, claims, change.external);
}

test('a code key signs a code of a minute', async () => {
  await store.sign('code-p256-1', 'code', codeStructure());
});

test.each<[string, Uint8Array, RegExp]>([
  ['that lives an hour', codeStructure({ exp: nowSeconds + 3_600 }), /too long/],
  ['that is over before it begins', codeStructure({ exp: nowSeconds - 1 }), /too long/],
  ['dated tomorrow', codeStructure({ iat: nowSeconds + 86_400, exp: nowSeconds + 86_460 }), /not now/],
  ['dated yesterday', codeStructure({ iat: nowSeconds - 86_400, exp: nowSeconds - 86_340 }), /not now/],
  ['of another algorithm', codeStructure({ alg: -8 }), /algorithm/],
  ['with a short id', codeStructure({ id: new Uint8Array(8) }), /without id/],
  ['with a further claim', codeStructure({ other: [169, 'name'] }), /does not have/],
  ['with a scope too long', codeStructure({ scope: new Uint8Array(23) }), /scope/],
  ['over external data', codeStructure({ external: Uint8Array.of(1) }), /external/],
  ['that is no code', Buffer.from('hello'), /not a Sig_structure/],
])('a code key refuses a code %s', async (_what, structure, reason) => {
  expect(await refusal('code-p256-1', 'code', structure)).toMatch(reason);
});

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const jws = (header: object, payload: object) => Buffer.from(`${part(header)}.${part(payload)}`);
const listHeader = { alg: 'ES256', kid: 'status-list-p256', typ: 'statuslist+jwt' };
const listPayload = { sub: 'https://x/list', iat: nowSeconds, exp: nowSeconds + 3_600, ttl: 300, status_list: { bits: 2, lst: 'eJw' } };
const receiptHeader = { alg: 'ES256', kid: 'receipt-p256', typ: 'tongren-receipt+jwt' };
const receiptPayload = { iss: 'https://x', jti: '1', iat: nowSeconds, verdict: 'valid', by: 'staff:1' };
const checkpoint = encodeCheckpoint(
  { position: 7n, eventId: '019a0000-0000-7000-8000-000000000001', chainHash: new Uint8Array(32), at: clock.now() },
  'audit-p256',
);

test('the keys of lists, receipts and checkpoints sign theirs', async () => {
  await store.sign('status-list-p256', 'status-list', jws(listHeader, listPayload));
  await store.sign('receipt-p256', 'receipt', jws(receiptHeader, receiptPayload));
  await store.sign('audit-p256', 'audit-checkpoint', checkpoint);
});

test.each<[string, string, KeyPurpose, Uint8Array, RegExp]>([
  ['a list of another type', 'status-list-p256', 'status-list', jws({ ...listHeader, typ: 'at+jwt' }, listPayload), /header/],
  ['a list with a further header', 'status-list-p256', 'status-list', jws({ ...listHeader, jku: 'x' }, listPayload), /header/],
  ['a list in another key’s name', 'status-list-p256', 'status-list', jws({ ...listHeader, kid: 'receipt-p256' }, listPayload), /header/],
  ['a list without algorithm', 'status-list-p256', 'status-list', jws({ ...listHeader, alg: 'none' }, listPayload), /header/],
  ['a list with claims of a token', 'status-list-p256', 'status-list', jws(listHeader, { ...listPayload, aud: 'x' }), /not a status list/],
  [
    'a list that lives a year',
    'status-list-p256',
    'status-list',
    jws(listHeader, { ...listPayload, exp: nowSeconds + 366 * 86_400 }),
    /too long/,
  ],
  [
    'a list dated tomorrow',
    'status-list-p256',
    'status-list',
    jws(listHeader, { ...listPayload, iat: nowSeconds + 86_400, exp: nowSeconds + 90_000 }),
    /not now/,
  ],
  ['a receipt dated tomorrow', 'receipt-p256', 'receipt', jws(receiptHeader, { ...receiptPayload, iat: nowSeconds + 86_400 }), /future/],
  ['a list as a receipt', 'receipt-p256', 'receipt', jws(listHeader, listPayload), /header/],
  ['three parts', 'receipt-p256', 'receipt', Buffer.concat([jws(receiptHeader, receiptPayload), Buffer.from('.AA')]), /not a JWS/],
  ['padded base64', 'receipt-p256', 'receipt', Buffer.concat([jws(receiptHeader, receiptPayload), Buffer.from('=')]), /not a JWS/],
  ['a checkpoint as a receipt', 'receipt-p256', 'receipt', checkpoint, /header/],
  ['a receipt as a checkpoint', 'audit-p256', 'audit-checkpoint', jws(receiptHeader, receiptPayload), /header/],
])('a record key refuses to sign %s', async (_what, key, purpose, structure, reason) => {
  expect(await refusal(key, purpose, structure)).toMatch(reason);
});

test.each<[string, KeyPurpose, Uint8Array]>([
  ['ca-seals-sm2', 'code', codeStructure()],
  ['code-p256-1', 'cms-attributes', attributes()],
  ['seal-1-p256', 'code', codeStructure()],
  ['audit-p256', 'constructor' as KeyPurpose, checkpoint],
  ['audit-p256', '__proto__' as KeyPurpose, checkpoint],
])('%s does not sign for the purpose %s, which is not its own', async (key, purpose, structure) => {
  expect(await refusal(key, purpose, structure)).toBe('signing-refused: the key has another purpose');
});

test('an unknown key is not found', async () => {
  expect(await refusal('nobody', 'code', codeStructure())).toMatch(/^key-not-found/);
});

test.each<[string, string, KeyPurpose[]]>([
  ['two purposes', 'double', ['code', 'receipt']],
  ['no purpose', 'none', []],
  ['the purposes of an authority under another name', 'evil', ['certificate']],
  ['both purposes of an authority under another name', 'evil', ['certificate', 'crl']],
  ['an authority with the purpose of a seal', 'ca-root-p256', ['certificate', 'seal-info']],
])('a key with %s is not made', async (_what, name, purposes) => {
  await expect(store.create(name, 'es256', purposes)).rejects.toMatchObject({ code: 'signing-refused' });
  expect(await store.find(name)).toBeUndefined();
});

test('every use leaves a line with key, purpose, outcome and digest, and nothing of the content', async () => {
  lines.length = 0;
  const structure = jws(receiptHeader, { ...receiptPayload, by: 'staff:a-secret-name' });
  await store.sign('receipt-p256', 'receipt', structure);
  await refusal('receipt-p256', 'receipt', Buffer.from('nonsense'));
  expect(lines).toEqual([
    {
      at: '2026-06-01T08:00:00.000Z',
      event: 'signed',
      caller: 'service',
      key: 'receipt-p256',
      purpose: 'receipt',
      structure: Buffer.from(digest('sha256', structure)).toString('hex'),
    },
    expect.objectContaining({ event: 'refused', key: 'receipt-p256', reason: 'not a JWS signing input' }),
  ]);
  expect(JSON.stringify(lines)).not.toContain('secret-name');
});

test('a key that signs too often is slowed down, and may sign again when time has passed; other keys are not concerned', async () => {
  const own = testClock();
  const slow = guardedKeyStore(memoryKeyStore(), { clock: own, limits: { 'cms-attributes': 3 } });
  await slow.create('a', 'es256', ['cms-attributes']);
  await slow.create('b', 'es256', ['cms-attributes']);
  for (let i = 0; i < 3; i++) await slow.sign('a', 'cms-attributes', attributes());
  await expect(slow.sign('a', 'cms-attributes', attributes())).rejects.toMatchObject({ code: 'signing-too-fast' });
  await slow.sign('b', 'cms-attributes', attributes());
  own.advance(19_999);
  await expect(slow.sign('a', 'cms-attributes', attributes())).rejects.toMatchObject({ code: 'signing-too-fast' });
  own.advance(1);
  await slow.sign('a', 'cms-attributes', attributes());
});

test('a key is retired once its successor is in use, by who may, and that stands in the log', async () => {
  const inner = memoryKeyStore();
  const told: SignerLogLine[] = [];
  const guarded = guardedKeyStore(inner, { clock, log: (line) => told.push(line) });
  for (const name of ['receipt-p256', 'receipt-p256-2', 'receipt-p256-3']) await guarded.create(name, 'es256', ['receipt']);
  await guarded.create('code-p256-9', 'es256', ['code']);
  await guarded.create('ca-seals-p256', 'es256', ['certificate', 'crl']);
  await guarded.create('ca-seals-p256-2', 'es256', ['certificate', 'crl']);
  const outcome = (caller: string, name: string, successor: string) =>
    guarded
      .as(caller)
      .retire(name, successor)
      .then(
        () => 'retired',
        (error: { code?: string; detail?: string }) => `${error.code}: ${error.detail}`,
      );
  expect(await outcome('service', 'ca-seals-p256', 'ca-seals-p256-2')).toContain('an authority keeps its key');
  expect(await outcome('service', 'receipt-p256', 'receipt-p256')).toContain('no successor is in use');
  expect(await outcome('service', 'receipt-p256', 'receipt-p256-4')).toContain('no successor is in use');
  expect(await outcome('service', 'receipt-p256', 'code-p256-9')).toContain('of another kind');
  expect(await outcome('web', 'receipt-p256', 'receipt-p256-2')).toContain('does not let this caller retire');
  expect(await outcome('nobody', 'receipt-p256', 'receipt-p256-2')).toContain('does not know this caller');
  expect(told.filter(({ event }) => event === 'key-retired')).toEqual([]);
  expect(await outcome('worker', 'receipt-p256', 'receipt-p256-2')).toBe('retired');
  expect(await outcome('worker', 'receipt-p256', 'receipt-p256-2')).toBe('retired');
  expect(told.filter(({ event }) => event === 'key-retired')).toEqual([expect.objectContaining({ caller: 'worker', key: 'receipt-p256' })]);
  expect(await outcome('service', 'receipt-p256-2', 'receipt-p256')).toContain('no successor is in use');
  expect(await outcome('service', 'never', 'receipt-p256-2')).toContain('key-not-found');
});
