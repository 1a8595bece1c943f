/** What the keys of status and time refuse to sign. */
import { expect, test } from 'vitest';
import { encodeSignedAttributes } from '#crypto/cms.ts';
import { OID } from '#crypto/oids.ts';
import { digest } from '#crypto/suite.ts';
import { keyIdentifier } from '#pki/build-certificate.ts';
import { encodeCertId } from '#pki/ocsp-cert-id.ts';
import { encodeResponseData, type OcspAnswer } from '#pki/ocsp-encode-response.ts';
import { encodeMessageImprint } from '#pki/timestamp-query.ts';
import { encodeTstInfo } from '#pki/timestamp-token.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import { memoryKeyStore } from '../../fakes/memory-key-store.ts';
import { testName } from '../../fakes/test-authority.ts';
import { testClock } from '../../fakes/test-clock.ts';

const clock = testClock();
const now = clock.now();
const store = guardedKeyStore(memoryKeyStore(), { clock });
const issuing = await store.create('ca-persons-p256', 'es256', ['certificate', 'crl']);
const ocsp = await store.create('ocsp-p256', 'es256', ['ocsp-response']);
await store.create('tsa-p256', 'es256', ['timestamp']);
const after = (seconds: number) => new Date(now.getTime() + seconds * 1_000);

const asked = (key: string, purpose: 'ocsp-response' | 'timestamp', structure: Uint8Array, evidence?: Uint8Array) =>
  store.sign(key, purpose, structure, evidence).then(
    () => 'signed',
    (error: { detail?: string; code: string }) => error.detail ?? error.code,
  );

const hashes = { nameHash: new Uint8Array(20), keyHash: keyIdentifier(issuing.spki) };
const answer: OcspAnswer = {
  certId: encodeCertId(hashes, 'sha1', Uint8Array.of(0x4f)),
  status: { status: 'good' },
  thisUpdate: now,
  nextUpdate: after(86_400),
};
const response = (change: Partial<OcspAnswer> = {}, more: Partial<Parameters<typeof encodeResponseData>[0]> = {}) =>
  encodeResponseData({ responderSpki: ocsp.spki, producedAt: now, answers: [{ ...answer, ...change }], ...more });

test.each([
  ['an answer of now', response(), 'signed'],
  ['a nonce beside it', response({}, { nonce: new Uint8Array(128) }), 'signed'],
  ['another responder’s name', response({}, { responderSpki: issuing.spki }), 'names another responder'],
  [
    'an answer for another authority',
    response({ certId: encodeCertId({ ...hashes, keyHash: new Uint8Array(20) }, 'sha1', Uint8Array.of(1)) }),
    'an answer for another authority',
  ],
  ['an answer dated back', response({ thisUpdate: after(-301) }), 'thisUpdate is not now'],
  ['an answer made later', response({}, { producedAt: after(301) }), 'producedAt is not now'],
  ['an answer that holds nine days', response({ nextUpdate: after(9 * 86_400) }), 'nextUpdate missing or out of range'],
  ['an answer that has ended', response({ nextUpdate: after(-1) }), 'nextUpdate missing or out of range'],
  ['no answer', response({}, { answers: [] }), 'no answer inside'],
  ['other bytes', Buffer.from('no response'), 'not a ResponseData'],
])('the status key is asked for %s', async (_what, structure, outcome) => {
  expect(await asked('ocsp-p256', 'ocsp-response', structure)).toBe(outcome);
});

const info = (at: Date, serial = Uint8Array.from({ length: 16 }, () => 0x41)) =>
  encodeTstInfo({ imprintDer: encodeMessageImprint('sha256', new Uint8Array(32)), serial, at, tsaName: testName('tsa') });
const attributesOver = (shown: Uint8Array, contentType: string = OID.timeStampInfo) =>
  encodeSignedAttributes({
    contentType,
    messageDigest: digest('sha256', shown),
    signingCertificate: { digestName: 'sha256', digest: new Uint8Array(32) },
  });

test.each([
  ['the time of now', attributesOver(info(now)), info(now), 'signed'],
  ['a time two seconds ago', attributesOver(info(after(-2))), info(after(-2)), 'signed'],
  ['a time three seconds ago', attributesOver(info(after(-3))), info(after(-3)), 'genTime is not now'],
  ['a time to come', attributesOver(info(after(3))), info(after(3)), 'genTime is not now'],
  ['another TSTInfo than it is shown', attributesOver(info(after(-3_600))), info(now), 'the digest is not of the TSTInfo that is shown'],
  ['a TSTInfo that is not shown', attributesOver(info(now)), undefined, 'the TSTInfo is not shown'],
  ['plain data', attributesOver(info(now), OID.data), info(now), 'content type is not a TSTInfo'],
  [
    'a serial number that may come twice',
    attributesOver(info(now, Uint8Array.of(7))),
    info(now, Uint8Array.of(7)),
    'serial number out of range',
  ],
  [
    'attributes without the certificate',
    encodeSignedAttributes({ contentType: OID.timeStampInfo, messageDigest: digest('sha256', info(now)) }),
    info(now),
    'attributes other than those of a time-stamp',
  ],
  ['something else altogether', Buffer.from('attributes'), info(now), 'not a SET of signed attributes'],
])('the time-stamp key is asked for %s', async (_what, structure, shown, outcome) => {
  expect(await asked('tsa-p256', 'timestamp', structure, shown)).toBe(outcome);
});

test('neither key signs for the other', async () => {
  expect(await asked('tsa-p256', 'ocsp-response', response())).toBe('the key has another purpose');
  expect(await asked('ocsp-p256', 'timestamp', attributesOver(info(now)), info(now))).toBe('the key has another purpose');
});
