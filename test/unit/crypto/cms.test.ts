import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { encodeSignedAttributes, encodeSignedData, parseSignedData } from '#crypto/cms.ts';
import { findSignerCertificate, judgeSigningCertificate, verifySigner } from '#crypto/cms-verify.ts';
import { DerError, parseDer } from '#crypto/der.ts';
import { bitString, explicit, integer, octetString, oid, sequence, setOf, tlv, utcTime } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import {
  digest,
  digestOfSuite,
  generateKeyPair,
  importPrivateKey,
  importPublicKey,
  type Suite,
  signMessage,
  verifyMessage,
} from '#crypto/suite.ts';
import { encodeName } from '#pki/name.ts';
import { parsePem } from '#pki/pem.ts';

const vector = (name: string) => readFileSync(new URL(`../../vectors/sm2/${name}`, import.meta.url));
const content = Buffer.from('content of a licence');
const OTHER_DER = sequence(integer(5));

/** The least that looks like a certificate; its own signature is not looked at here. */
function bareCertificate(spki: Uint8Array, serial: number): Uint8Array {
  const name = encodeName([{ oid: OID.commonName, value: 'signer' }]);
  const time = utcTime(new Date('2026-01-01T00:00:00Z'));
  const tbs = sequence(
    explicit(0, integer(2)),
    integer(serial),
    sequence(oid(OID.ecdsaWithSha256)),
    name,
    sequence(time, time),
    name,
    spki,
  );
  return sequence(tbs, sequence(oid(OID.ecdsaWithSha256)), bitString(Uint8Array.of(1)));
}

function signed(
  suite: Suite,
  form: 'pkcs7' | 'gm',
  options: { attributes?: boolean; encapsulated?: boolean; reorder?: boolean; badDigest?: boolean } = {},
) {
  const pair = generateKeyPair(suite);
  const key = importPrivateKey(pair.pkcs8);
  const certificate = bareCertificate(pair.spki, 7);
  const digestName = digestOfSuite(suite);
  const signedAttributes = encodeSignedAttributes({
    contentType: form === 'gm' ? OID.gmData : OID.data,
    messageDigest: digest(suite === 'ed25519' ? 'sha512' : digestName, options.badDigest ? Buffer.from('x') : content),
    signingCertificate: { digestName, digest: digest(digestName, certificate) },
  });
  const withAttributes = options.attributes ?? true;
  const bytes = encodeSignedData({
    form,
    suite,
    certificates: [certificate, bareCertificate(generateKeyPair(suite).spki, 8)],
    signature: signMessage(key, withAttributes ? signedAttributes : content),
    ...(withAttributes ? { signedAttributes } : {}),
    ...(options.encapsulated ? { content } : {}),
  });
  return { bytes, certificate, spki: pair.spki, signedAttributes, key };
}

const signerOf = (bytes: Uint8Array) => {
  const signedData = parseSignedData(bytes);
  const [signer] = signedData.signers;
  if (!signer) throw new Error('no signer');
  return { signedData, signer };
};

test.each([
  ['sm2-sm3', 'gm'],
  ['sm2-sm3', 'pkcs7'],
  ['es256', 'pkcs7'],
  ['rs256', 'pkcs7'],
  ['ed25519', 'pkcs7'],
] as const)('%s in the %s form: what was written verifies, with and without attributes, and changed content does not', (suite, form) => {
  for (const attributes of [true, false]) {
    const { bytes, certificate, spki } = signed(suite, form, { attributes, encapsulated: true });
    const { signedData, signer } = signerOf(bytes);
    expect(signedData).toMatchObject({ form, version: 1, length: bytes.length });
    expect(Buffer.from(signedData.content ?? [])).toEqual(content);
    expect(findSignerCertificate(signedData, signer)).toEqual(certificate);
    expect(verifySigner(signedData, signer, spki, content)).toEqual({
      digestMatches: true,
      signatureGood: true,
      attributesReordered: false,
    });
    const changed = verifySigner(signedData, signer, spki, Buffer.from('content of a licencf'));
    expect(changed.digestMatches && changed.signatureGood).toBe(false);
    expect(verifySigner(signedData, signer, generateKeyPair(suite).spki, content).signatureGood).toBe(false);
    expect(judgeSigningCertificate(signer, certificate)).toBe(attributes ? 'matches' : 'absent');
    expect(judgeSigningCertificate(signer, OTHER_DER)).toBe(attributes ? 'differs' : 'absent');
  }
});

test('the signed attributes are a sorted DER SET without signing-time, and SHA-256 is left implicit in signing-certificate-v2', () => {
  const attributes = parseDer(
    encodeSignedAttributes({
      messageDigest: digest('sha256', content),
      signingCertificate: { digestName: 'sha256', digest: digest('sha256', OTHER_DER) },
    }),
  );
  expect(attributes.tag).toBe(0x31);
  const parts = attributes.children.map(({ bytes }) => Buffer.from(bytes));
  expect([...parts].sort(Buffer.compare)).toEqual(parts);
  expect(attributes.children.map((item) => item.at(0).asOid()).sort()).toEqual(
    [OID.contentType, OID.messageDigest, OID.signingCertificateV2].sort(),
  );
  const ess = attributes.children.find((item) => item.at(0).asOid() === OID.signingCertificateV2);
  expect(ess?.at(1).at(0).at(0).at(0).children.length).toBe(1);
});

test('attributes that were signed sorted but stored in another order verify and are reported', () => {
  const { bytes, spki, key } = signed('es256', 'pkcs7');
  const { signedData, signer } = signerOf(bytes);
  const reversed = [...signer.signedAttributeParts].reverse();
  const stored = tlv(0x31, ...reversed);
  const shuffled = { ...signer, signedAttributesBytes: stored, signedAttributeParts: reversed };
  expect(verifySigner(signedData, shuffled, spki, content)).toEqual({
    digestMatches: true,
    signatureGood: true,
    attributesReordered: true,
  });
  const asStored = { ...shuffled, signature: signMessage(key, stored) };
  expect(verifySigner(signedData, asStored, spki, content)).toEqual({
    digestMatches: true,
    signatureGood: true,
    attributesReordered: false,
  });
});

test('a message digest of other content is told apart from a wrong signature', () => {
  const { bytes, spki } = signed('es256', 'pkcs7', { badDigest: true });
  const { signedData, signer } = signerOf(bytes);
  expect(verifySigner(signedData, signer, spki, content)).toEqual({
    digestMatches: false,
    signatureGood: true,
    attributesReordered: false,
  });
});

test.each([
  ['content-type-missing', [OID.messageDigest]],
  ['message-digest-missing', [OID.contentType]],
  ['attributes-unreadable', [OID.contentType, OID.messageDigest, OID.messageDigest]],
])('attributes at fault (%s) are malformed even when the signature over them is right', (fault, types) => {
  const { bytes, spki, key } = signed('es256', 'pkcs7');
  const { signedData, signer } = signerOf(bytes);
  const make = (type: string) =>
    sequence(oid(type), setOf(type === OID.contentType ? oid(OID.data) : octetString(digest('sha256', content))));
  const set = tlv(0x31, ...types.map(make));
  const signedAttributes = parseDer(set).children.map((item) => ({ oid: item.at(0).asOid(), values: item.at(1).children }));
  const check = verifySigner(
    signedData,
    { ...signer, signedAttributes, signedAttributesBytes: set, signature: signMessage(key, set) },
    spki,
    content,
  );
  expect(check).toMatchObject({ malformed: fault, signatureGood: false });
});

test('a signer whose two digest algorithms contradict each other is malformed', () => {
  const { bytes, spki } = signed('es256', 'pkcs7');
  const { signedData, signer } = signerOf(bytes);
  expect(verifySigner(signedData, { ...signer, digest: 'sha512' }, spki, content)).toMatchObject({ malformed: 'digest-algorithms-differ' });
});

test('an SM2 CMS that OpenSSL 3.5 made with the empty identity does not verify', () => {
  const { signedData, signer } = signerOf(vector('d35.p7s'));
  const certificate = findSignerCertificate(signedData, signer);
  expect(certificate).toBeDefined();
  const [leaf] = parsePem(vector('s.crt').toString());
  const spki = parseDer(leaf ?? certificate ?? OTHER_DER)
    .at(0)
    .at(6).bytes;
  expect(verifySigner(signedData, signer, spki, vector('d.txt')).signatureGood).toBe(false);
  expect(verifyMessage(importPublicKey(spki), vector('d.txt'), vector('d.sig'))).toBe(true);
});

test('zero padding after the structure is left to the caller; indefinite length is refused', () => {
  const { bytes } = signed('es256', 'pkcs7');
  expect(parseSignedData(Buffer.concat([bytes, Buffer.alloc(50)])).length).toBe(bytes.length);
  expect(() => parseSignedData(Buffer.from('3080060000', 'hex'))).toThrow(DerError);
  expect(() => parseSignedData(OTHER_DER)).toThrow(DerError);
});
