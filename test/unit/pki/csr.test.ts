import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { parseDer } from '#crypto/der.ts';
import { bitString, explicit, integer, nullValue, oid, sequence } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { MAX_CSR_BYTES, parseCsr } from '#pki/csr.ts';
import { attributeOf } from '#pki/name.ts';
import { toPem } from '#pki/pem.ts';
import { Problem } from '#problem.ts';
import { makeCsr, newKey } from '#test/fakes/make-csr.ts';

function refusalOf(input: Uint8Array | string): Problem {
  try {
    parseCsr(input);
  } catch (error) {
    expect(error).toBeInstanceOf(Problem);
    return error as Problem;
  }
  throw new Error('accepted');
}

test.each(['es256', 'sm2-sm3', 'ed25519', 'rs256'] as const)('%s: DER and PEM are read, with key, names and attributes', (suite) => {
  const made = makeCsr({ suite, commonName: '林晓梅', dnsName: 'kiosk.example.cn', challengePassword: '246810' });
  for (const input of [made.der, made.pem, Buffer.from(`Some text before\n${made.pem}`)]) {
    const csr = parseCsr(input);
    expect(csr.suite).toBe(suite);
    expect(Buffer.from(csr.spki).equals(made.key.publicKey.spki)).toBe(true);
    expect(attributeOf(csr.subject, OID.commonName)).toBe('林晓梅');
    expect(csr.requestedAltNames).toEqual([{ kind: 'dns', value: 'kiosk.example.cn' }]);
    expect(csr.challengePassword).toBe('246810');
    expect(csr.attributes).toEqual([OID.challengePassword, OID.extensionRequest]);
  }
});

test('an empty name and no attributes are fine: nothing is taken from them', () => {
  const csr = parseCsr(makeCsr().der);
  expect([csr.subject.attributes, csr.attributes, csr.requestedAltNames, csr.challengePassword]).toEqual([[], [], [], undefined]);
});

describe('refused, in both languages', () => {
  const info = (spki: Uint8Array, version = 0) => sequence(integer(version), sequence(), spki, explicit(0));
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ type: 'spki', format: 'der' });
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ type: 'spki', format: 'der' });
  const unsigned = (spki: Uint8Array) => sequence(info(spki), sequence(oid(OID.ecdsaWithSha256)), bitString(new Uint8Array(70)));
  const { spki } = newKey().publicKey;
  const algorithm = parseDer(spki).at(0).bytes;
  const compressed = sequence(algorithm, bitString(Uint8Array.of(2 + ((spki.at(-1) ?? 0) & 1), ...spki.subarray(27, 59))));
  const made = makeCsr();

  test.each<[string, Uint8Array | string, RegExp]>([
    ['a signature by another key', makeCsr({ signedBy: newKey() }).der, /not made with its key/],
    ['an SM2 signature by another key', makeCsr({ suite: 'sm2-sm3', signedBy: newKey('sm2-sm3') }).der, /1234567812345678/],
    ['an algorithm that is not the key’s', makeCsr({ signedBy: newKey('ed25519') }).der, /does not fit the key/],
    ['RSA of 1024 bits', unsigned(weak), /2048/],
    ['another curve', unsigned(p384), /P-256/],
    ['a point in compressed form', unsigned(compressed), /uncompressed/],
    ['another version', sequence(info(spki, 1), sequence(oid(OID.ecdsaWithSha256)), bitString(new Uint8Array(70))), /version/],
    ['bytes after the end', Buffer.concat([made.der, Buffer.of(0)]), /DER/],
    ['something else', sequence(nullValue()), /DER/],
    ['nothing', new Uint8Array(), /exactly one/],
    ['two requests in one text', made.pem + makeCsr().pem, /exactly one/],
    ['a certificate', toPem('CERTIFICATE', made.der), /exactly one/],
    ['too many bytes', Uint8Array.of(0x30, ...new Uint8Array(MAX_CSR_BYTES)), /larger than 16 kB/],
    ['more PEM blocks than are read', '-----BEGIN A----------END A-----'.repeat(1_001), /DER of a PKCS#10/],
    ['too much text', ' '.repeat(70_000), /larger than 16 kB/],
  ])('%s', (_what, input, detail) => {
    const problem = refusalOf(input);
    expect(problem.code).toBe('csr-not-acceptable');
    expect(problem.detail).toMatch(detail);
    expect(problem.detailZh).toMatch(/\p{Script=Han}/u);
  });
});
