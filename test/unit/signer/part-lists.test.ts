/** Parts and deltas before a signer: each list names its own place and the delta of its own scope, or it is not signed. */
import { beforeAll, expect, test } from 'vitest';
import { parseDer } from '#crypto/der.ts';
import { boolean, explicit, integer, octetString, oid, sequence } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { importPublicKey, verifyMessage } from '#crypto/suite.ts';
import { keyIdentifier } from '#pki/build-certificate.ts';
import { encodeFreshestPoint, encodeIssuingPoint, encodeTbsCrl, type TbsCrlInput } from '#pki/encode-crl.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import { memoryKeyStore } from '../../fakes/memory-key-store.ts';
import { testName } from '../../fakes/test-authority.ts';
import { testClock } from '../../fakes/test-clock.ts';

const clock = testClock('2026-06-01T08:00:00.000Z');
const store = guardedKeyStore(memoryKeyStore(), { clock });
const KEY = 'ca-seals-sm2';
const ROOT = 'ca-root-sm2';
const spkis = new Map<string, Uint8Array>();
beforeAll(async () => {
  for (const name of [KEY, ROOT]) spkis.set(name, (await store.create(name, 'sm2-sm3', ['certificate', 'crl'])).spki);
});

const place = (name: string) => `https://id.example.cn/crl/${name}.crl`;
const PART = place(`${KEY}-part-3`);
const PART_DELTA = place(`${KEY}-part-3-delta`);
const DELTA = place(`${KEY}-delta`);
const distributionPoint = { url: PART };
const ofPart = { distributionPoint, freshestUrl: PART_DELTA };

function tbsOf(change: Partial<TbsCrlInput>, keyName = KEY): Uint8Array {
  return encodeTbsCrl({
    suite: 'sm2-sm3',
    issuer: testName('issuing'),
    issuerKeyIdentifier: keyIdentifier(spkis.get(keyName) as Uint8Array),
    number: 3n,
    thisUpdate: clock.now(),
    nextUpdate: new Date(clock.now().getTime() + 86_400_000),
    entries: [],
    ...change,
  });
}

/** The list with this extension in the place of the one of the same kind. */
function rewritten(tbs: Uint8Array, kind: string, written: Uint8Array): Uint8Array {
  const fields = parseDer(tbs).children.map(({ bytes }) => bytes);
  const extensions = parseDer(fields.pop() as Uint8Array).inner().children;
  const changed = extensions.map((one) => (one.at(0).asOid() === kind ? written : one.bytes));
  expect(changed).toContain(written);
  return sequence(...fields, explicit(0, sequence(...changed)));
}

const refusal = (tbs: Uint8Array, keyName = KEY) =>
  store.sign(keyName, 'crl', tbs).then(
    () => 'signed',
    ({ detail }: { detail?: string }) => detail,
  );

test.each<[string, Partial<TbsCrlInput>]>([
  ['a part that names its delta', ofPart],
  ['a part that names none', { distributionPoint }],
  ['the delta of a part, at the part’s own place', { distributionPoint, base: 2n }],
  ['the first delta of a part, of one moment with it', { distributionPoint, base: 3n }],
  ['a list of all that names its delta', { freshestUrl: DELTA }],
  ['the delta of all', { base: 2n }],
])('a CA key signs %s', async (_what, change) => {
  const tbs = tbsOf(change);
  expect(verifyMessage(importPublicKey(spkis.get(KEY) as Uint8Array), tbs, await store.sign(KEY, 'crl', tbs))).toBe(true);
});

test.each<[string, Partial<TbsCrlInput>]>([
  ['a part', { distributionPoint: { url: place(`${ROOT}-part-3`) } }],
  ['a delta of a part', { distributionPoint: { url: place(`${ROOT}-part-3`) }, base: 2n }],
  ['a list with a delta', { freshestUrl: place(`${ROOT}-delta`) }],
  ['a delta', { base: 2n }],
])('a root signs no %s', async (_what, change) => {
  expect(await refusal(tbsOf(change, ROOT), ROOT)).toMatch(/does not make/);
  expect(await refusal(tbsOf({}, ROOT), ROOT)).toBe('signed');
});

test.each<[string, Partial<TbsCrlInput>, RegExp]>([
  ['a part at the place of its delta', { distributionPoint: { url: PART_DELTA } }, /another list/],
  ['a delta of a part at a place of its own', { distributionPoint: { url: PART_DELTA }, base: 2n }, /another list/],
  ['a delta at the place of the delta of all', { distributionPoint: { url: DELTA }, base: 2n }, /another list/],
  ['a delta of a part of another authority', { distributionPoint: { url: place('ca-persons-sm2-part-3') }, base: 2n }, /another list/],
  ['a delta of a part of its successor', { distributionPoint: { url: place(`${KEY}-2-part-3`) }, base: 2n }, /another list/],
  ['a delta of a part beyond all numbers', { distributionPoint: { url: place(`${KEY}-part-1000`) }, base: 2n }, /another list/],
  ['a delta of nowhere', { distributionPoint: {}, base: 2n }, /another list/],
  ['a delta of users only', { distributionPoint: { onlyUserCertificates: true }, base: 2n }, /does not make/],
  ['a delta of a part, of users only', { distributionPoint: { url: PART, onlyUserCertificates: true }, base: 2n }, /does not make/],
  ['a delta of a part that begins after itself', { distributionPoint, base: 4n }, /begins after itself/],
  ['a delta of a part with a delta', { ...ofPart, base: 2n }, /does not make/],
  ['a delta of all with a delta', { freshestUrl: DELTA, base: 2n }, /does not make/],
  ['a part with a delta anywhere', { distributionPoint, freshestUrl: 'http://x/y' }, /another list/],
  ['a part with the delta of another part', { distributionPoint, freshestUrl: place(`${KEY}-part-4-delta`) }, /another list/],
  ['a part with the delta of another authority', { distributionPoint, freshestUrl: place('ca-persons-sm2-part-3-delta') }, /another list/],
  ['a part with the delta of all', { distributionPoint, freshestUrl: DELTA }, /another list/],
  ['a part that is its own delta', { distributionPoint, freshestUrl: PART }, /another list/],
  ['a part with its delta at another host', { distributionPoint, freshestUrl: PART_DELTA.replace('id.', 'xd.') }, /another list/],
  ['a part with its delta in the clear', { distributionPoint, freshestUrl: PART_DELTA.replace('https', 'http') }, /another list/],
  ['a list of all with the delta of a part', { freshestUrl: PART_DELTA }, /another list/],
  ['a list of all with the delta of another authority', { freshestUrl: place('ca-persons-sm2-delta') }, /another list/],
  ['a list of all that is its own delta', { freshestUrl: place(KEY) }, /another list/],
])('a CA key does not sign %s', async (_what, change, reason) => {
  expect(await refusal(tbsOf(change))).toMatch(reason);
});

test.each<[string, Uint8Array, RegExp]>([
  ['marked critical', sequence(oid(OID.freshestCrl), boolean(true), octetString(encodeFreshestPoint(PART_DELTA))), /does not make/],
  [
    'with a second place',
    sequence(
      oid(OID.freshestCrl),
      octetString(sequence(...[PART_DELTA, PART_DELTA].map((url) => parseDer(encodeFreshestPoint(url)).at(0).bytes))),
    ),
    /does not make/,
  ],
  ['with no place', sequence(oid(OID.freshestCrl), octetString(sequence())), /not a TBSCertList/],
  ['that is nothing of the kind', sequence(oid(OID.freshestCrl), octetString(integer(7))), /not a TBSCertList/],
])('a CA key signs no list, of a part or of all, with a freshestCRL %s', async (_what, written, reason) => {
  expect(await refusal(rewritten(tbsOf(ofPart), OID.freshestCrl, written))).toMatch(reason);
  expect(await refusal(rewritten(tbsOf({ freshestUrl: DELTA }), OID.freshestCrl, written))).toMatch(reason);
});

test('a CA key signs no delta whose place is not critical', async () => {
  const bare = sequence(oid(OID.issuingDistributionPoint), octetString(encodeIssuingPoint(distributionPoint)));
  expect(await refusal(rewritten(tbsOf({ distributionPoint, base: 2n }), OID.issuingDistributionPoint, bare))).toMatch(/does not make/);
});
