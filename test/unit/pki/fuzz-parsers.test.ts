/** Mutated and random bytes into every parser of outside structures: they end in a value or in the parser's own error, soon. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CborError } from '#crypto/cbor.ts';
import { encodeSignedAttributes, encodeSignedData, parseSignedData } from '#crypto/cms.ts';
import { findSignerCertificate, judgeSigningCertificate, verifySigner } from '#crypto/cms-verify.ts';
import { encodeSign1, parseSign1, verifySign1 } from '#crypto/cose.ts';
import { encodeClaims, parseClaims } from '#crypto/cwt.ts';
import { DerError } from '#crypto/der.ts';
import { digest, importPublicKey, signMessage } from '#crypto/suite.ts';
import { parseCertificateFile } from '#pki/certificate.ts';
import { parseCrlFile } from '#pki/crl.ts';
import { parseCsr } from '#pki/csr.ts';
import { lintTbs } from '#pki/lint.ts';
import { validatePath } from '#pki/validate-path.ts';
import { Problem } from '#problem.ts';
import { makeCsr } from '../../fakes/make-csr.ts';
import { testChain, testCrl } from '../../fakes/test-authority.ts';

const RUNS = 1_500;
const MAX_MS_EACH = 1_000;
const { root, issuing, leaf } = testChain('es256');
const at = new Date('2026-06-01T00:00:00Z');
const content = Buffer.from('content');
const signedAttributes = encodeSignedAttributes({
  messageDigest: digest('sha256', content),
  signingCertificate: { digestName: 'sha256', digest: digest('sha256', leaf.certificate.der) },
});
const cms = encodeSignedData({
  form: 'pkcs7',
  suite: 'es256',
  certificates: [leaf.certificate.der, issuing.certificate.der],
  signedAttributes,
  signature: signMessage(leaf.key, signedAttributes),
});
const crl = testCrl(
  issuing,
  Array.from({ length: 20 }, (_, index) => ({
    serialHex: `4${index}`.padEnd(32, 'b'),
    revokedAt: at,
    reason: 'superseded' as const,
    invalidityDate: at,
  })),
).der;
const csr = makeCsr({ commonName: '林晓梅', dnsName: 'a.example.cn', challengePassword: '123456' });
const publicKey = importPublicKey(leaf.certificate.spki);
const code = await encodeSign1({
  suite: 'es256',
  kid: Uint8Array.of(1),
  payload: encodeClaims({ issuedAt: 1, expiresAt: 61, id: new Uint8Array(16), others: new Map([[9, new Uint8Array(5)]]) }),
  sign: async (bytes) => signMessage(leaf.key, bytes),
});

/** A few bytes changed, cut, put in or doubled. */
const mutation = (seed: Uint8Array) =>
  fc
    .array(fc.tuple(fc.nat(seed.length - 1), fc.constantFrom('set', 'cut', 'insert', 'double', 'truncate'), fc.nat(255)), {
      minLength: 1,
      maxLength: 6,
    })
    .map((edits) => {
      let bytes = Buffer.from(seed);
      for (const [place, kind, value] of edits) {
        const position = place % Math.max(1, bytes.length);
        const [before, after] = [bytes.subarray(0, position), bytes.subarray(position)];
        if (kind === 'set') bytes = Buffer.concat([before, Buffer.of(value), after.subarray(1)]);
        else if (kind === 'cut') bytes = Buffer.concat([before, after.subarray(1 + (value % 16))]);
        else if (kind === 'insert') bytes = Buffer.concat([before, Buffer.of(value), after]);
        else if (kind === 'double') bytes = Buffer.concat([before, after.subarray(0, value), after]);
        else bytes = Buffer.from(before);
      }
      return Uint8Array.from(bytes);
    });

function expectCalm(read: (bytes: Uint8Array) => unknown, expected: readonly (new (...args: never[]) => Error)[]) {
  return (bytes: Uint8Array) => {
    const started = performance.now();
    try {
      read(bytes);
    } catch (error) {
      if (!expected.some((kind) => error instanceof kind)) throw error;
    }
    expect(performance.now() - started).toBeLessThan(MAX_MS_EACH);
  };
}

function judgeCertificate(bytes: Uint8Array): void {
  const certificate = parseCertificateFile(bytes);
  const intermediates = [issuing.certificate, certificate];
  for (const purpose of ['seal', 'timestamp', 'ca'] as const)
    validatePath({ leaf: certificate, intermediates, anchors: [root.certificate], at, purpose });
  validatePath({ leaf: leaf.certificate, intermediates, anchors: [certificate], at });
  void [certificate.crlAddresses, certificate.fingerprint, certificate.selfIssued];
}

function judgeCrl(bytes: Uint8Array): void {
  for (const list of parseCrlFile(bytes)) {
    validatePath({ leaf: leaf.certificate, intermediates: [issuing.certificate], anchors: [root.certificate], at, crls: [list] });
    for (const serial of list.serials()) list.find(serial);
  }
}

function judgeCms(bytes: Uint8Array): void {
  const signedData = parseSignedData(bytes);
  for (const signer of signedData.signers) {
    verifySigner(signedData, signer, leaf.certificate.spki, content);
    judgeSigningCertificate(signer, leaf.certificate.der);
    findSignerCertificate(signedData, signer);
  }
}

/** Whatever was changed, the key that comes out is the one that signed. */
function judgeCsr(bytes: Uint8Array): void {
  const read = parseCsr(bytes);
  if (Buffer.compare(read.spki, csr.key.publicKey.spki) !== 0) throw new Error('another key passed');
}

const TARGETS: [string, Uint8Array, (bytes: Uint8Array) => unknown, readonly (new (...args: never[]) => Error)[]][] = [
  ['certificates', leaf.certificate.der, judgeCertificate, [DerError]],
  ['authorities', issuing.certificate.der, judgeCertificate, [DerError]],
  ['lists', crl, judgeCrl, [DerError]],
  ['CMS', cms, judgeCms, [DerError]],
  ['certificate requests', csr.der, judgeCsr, [Problem]],
  ['certificate requests as text', Buffer.from(csr.pem), judgeCsr, [Problem]],
  ['COSE', code, (bytes) => verifySign1(parseSign1(bytes), publicKey), [CborError]],
  ['claims', encodeClaims({ issuedAt: 1, others: new Map([[9, [1, new Map([['a', null]])]]]) }), parseClaims, [CborError]],
  ['the lint', leaf.certificate.tbs, (bytes) => lintTbs(bytes, 'es256'), []],
];

test.each(TARGETS)('%s: mutated bytes do no harm', (_name, seed, read, expected) => {
  fc.assert(fc.property(mutation(seed), expectCalm(read, expected)), { seed: 20260601, numRuns: RUNS });
});

test.each(TARGETS)('%s: random bytes do no harm', (_name, _seed, read, expected) => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), expectCalm(read, expected)), { seed: 5280, numRuns: RUNS });
});

test('a deep nest, a long list of nothing and a list of many small elements are refused soon', () => {
  const nest = (depth: number) => {
    let bytes: Buffer = Buffer.of(5, 0);
    for (let i = 0; i < depth; i++) {
      const length =
        bytes.length < 128 ? Buffer.of(bytes.length) : Buffer.of(0x83, bytes.length >> 16, (bytes.length >> 8) & 255, bytes.length & 255);
      bytes = Buffer.concat([Buffer.of(0x30), length, bytes]);
    }
    return bytes;
  };
  const wide = (count: number) => Buffer.concat([Buffer.of(0x30, 0x84, 0, 0, 0, 0), Buffer.alloc(count * 2, Buffer.of(5, 0))]).fill(0);
  const many = Buffer.alloc(6 + 2_000_000, Buffer.of(5, 0));
  many.writeUIntBE(0x308400, 0, 3);
  many.writeUInt32BE(2_000_000, 2);
  for (const bytes of [nest(2_000), wide(1_000), many]) {
    for (const read of [judgeCertificate, judgeCms, judgeCrl]) expectCalm(read, [DerError])(bytes);
  }
});
