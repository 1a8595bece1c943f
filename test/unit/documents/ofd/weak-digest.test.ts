/** SHA-1 anywhere in a signature value: others can make a second description, or a second token, with the same digest. */
import { sign } from 'node:crypto';
import { expect, test } from 'vitest';
import { parseDer } from '#crypto/der.ts';
import { bitString, explicit, generalizedTime, ia5String, integer, octetString, oid, sequence } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { digest } from '#crypto/suite.ts';
import { addSignature } from '#documents/ofd/add-signature.ts';
import { verifyOfd } from '#documents/ofd/verify-ofd.ts';
import { parseSeal } from '#documents/ses/read-seal.ts';
import { parseSesSignature } from '#documents/ses/read-signature.ts';
import type { TestIdentity } from '#test/fakes/document-authority.ts';
import { PROVIDER, packFiles, repack, SealingTown, SIGNED_AT, sampleFiles, unpack } from '#test/fakes/sample-ofd.ts';
import { timeStampToken } from '#test/fakes/time-stamp-token.ts';

const town = new SealingTown();
const VALUE = 'Doc_0/Signs/Sign_0/SignedValue.dat';
const maker = town.authority.issue('seal-maker', { suite: 'es256' });
const signer = town.authority.issue('seal', { suite: 'es256' });
const METHODS = { sha1: OID.ecdsaWithSha1, sha256: OID.ecdsaWithSha256 } as const;
type Method = keyof typeof METHODS;
const signWith = (method: Method, { key }: TestIdentity, bytes: Uint8Array) => sign(method, bytes, key.key);

async function sealedWith(forSeal: Method, forValue: Method): Promise<Uint8Array> {
  const template = await town.seal({ signerCertificates: [signer.certificate.der], sign: maker.sign });
  const info = parseSeal(template).der;
  const value = bitString(signWith(forSeal, maker, info));
  const seal = sequence(info, octetString(maker.certificate.der), oid(METHODS[forSeal]), value);
  return addSignature(packFiles(sampleFiles()), {
    type: 'Seal',
    seal,
    signedAt: SIGNED_AT,
    stamps: [],
    provider: PROVIDER,
    lock: true,
    makeValue: async (description, path) => {
      const hash = bitString(digest(forValue, description));
      const toSign = sequence(integer(4), seal, generalizedTime(SIGNED_AT), hash, ia5String(path));
      const signature = bitString(signWith(forValue, signer, toSign));
      return sequence(toSign, octetString(signer.certificate.der), oid(METHODS[forValue]), signature);
    },
  });
}

test.each<[Method, Method, string, string[]]>([
  ['sha256', 'sha256', 'genuine', []],
  ['sha256', 'sha1', 'not-valid', ['weak-digest']],
  ['sha1', 'sha256', 'not-valid', ['seal-weak-digest']],
])('a seal made with %s and used with %s is %s', async (forSeal, forValue, verdict, reasons) => {
  const { report } = verifyOfd(await sealedWith(forSeal, forValue), town.options);
  expect(report.verdict).toBe(verdict);
  expect(report.signatures[0]?.reasons).toEqual(reasons);
});

test('a timestamp over a SHA-1 digest proves no time', async () => {
  const ofd = await town.sealed();
  const value = unpack(ofd)[VALUE] ?? new Uint8Array();
  const { signature } = parseSesSignature(value);
  const token = await timeStampToken(town.authority.issue('timestamp'), signature, SIGNED_AT, 'sha1');
  const parts = parseDer(value).children.map(({ bytes }) => bytes);
  const stamped = repack(ofd, { [VALUE]: sequence(...parts, explicit(0, bitString(token))) });
  const { report } = verifyOfd(stamped, town.options);
  expect(report.signatures[0]).toMatchObject({ verdict: 'not-valid', reasons: ['timestamp-weak-digest'], time: { proven: null } });
});
