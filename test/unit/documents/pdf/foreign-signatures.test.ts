import { describe, expect, test } from 'vitest';
import { encodeSignedAttributes, encodeSignedData } from '#crypto/cms.ts';
import { parseDer, TAG } from '#crypto/der.ts';
import { explicit, integer, octetString, oid, sequence } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { digest } from '#crypto/suite.ts';
import { verifyPdf } from '#documents/pdf/verify-pdf.ts';
import { buildSeal } from '#documents/ses/build-seal.ts';
import { buildSesSignature } from '#documents/ses/build-signature.ts';
import { DocumentAuthority } from '#test/fakes/document-authority.ts';
import { handMadePdf, samplePng } from '#test/fakes/sample-pdf.ts';
import { authority, check, NOW, patch, SIGNED_AT, sealer, signForeign } from './sealed-pdf.ts';

const gm = new DocumentAuthority({ suite: 'sm2-sm3' });
const maker = gm.issue('seal-maker');
const signer = gm.issue('seal');
const judge = (pdf: Uint8Array) =>
  verifyPdf(pdf, { anchors: [gm.root.certificate], officialAnchors: [gm.root.certificate], at: NOW }).report;

async function sesSignature(content: Uint8Array, by = signer, listed = signer): Promise<Uint8Array> {
  const seal = await buildSeal({
    esId: '99010000000001',
    name: '测试局电子证照专用章',
    type: 1,
    makerCertificate: maker.certificate.der,
    signerCertificates: [listed.certificate.der],
    picture: { type: 'PNG', data: samplePng(8), widthMm: 40, heightMm: 40 },
    createdAt: new Date('2026-01-01T00:00:00Z'),
    validFrom: new Date('2026-01-01T00:00:00Z'),
    validTo: new Date('2028-01-01T00:00:00Z'),
    vendor: 'tongren',
    sign: maker.sign,
  });
  return buildSesSignature({
    seal,
    signerCertificate: by.certificate.der,
    signedAt: SIGNED_AT,
    dataHash: digest('sm3', content),
    propertyInfo: 'Foreign',
    sign: by.sign,
  });
}

describe('an e-seal of GB/T 38540 inside a PDF', () => {
  const form = { filter: 'Gomain.GMPkiLite', subFilter: 'GM.sm2seal' };

  test('is genuine and official when seal, signer and bytes agree', async () => {
    const report = judge(await signForeign(handMadePdf(), { ...form, contents: (content) => sesSignature(content) }));
    expect(report).toMatchObject({ verdict: 'genuine', official: true });
    expect(report.signatures[0]).toMatchObject({ kind: 'seal', form: 'ses-v4', suite: 'sm2-sm3', seal: { id: '99010000000001' } });
  });

  test('over other bytes is altered, by a signer the seal does not name not valid, with padding of other bytes malformed', async () => {
    const other = await signForeign(handMadePdf(), { ...form, contents: () => sesSignature(Buffer.from('other')) });
    expect(judge(other).verdict).toBe('altered');
    const stranger = await signForeign(handMadePdf(), { ...form, contents: (content) => sesSignature(content, gm.issue('seal'), signer) });
    expect(judge(stranger).verdict).toBe('not-valid');
    const padded = await signForeign(handMadePdf(), {
      ...form,
      contents: async (content) => Buffer.concat([await sesSignature(content), Buffer.from([1])]),
    });
    expect(judge(padded).verdict).toBe('malformed');
    const garbage = await signForeign(handMadePdf(), { ...form, contents: () => Buffer.from('3003020101', 'hex') });
    expect(judge(garbage).verdict).toBe('malformed');
  });
});

/** CMS over the content itself, as GM.sm2cms.detached has it: the digest encapsulated, no attributes. */
async function gmCms(content: Uint8Array, inside = digest('sm3', content)): Promise<Uint8Array> {
  return encodeSignedData({
    form: 'gm',
    suite: 'sm2-sm3',
    certificates: [signer.certificate.der],
    content: inside,
    signature: await signer.sign(inside),
  });
}

describe('other kinds of CMS', () => {
  test('GM.sm2cms.detached carries the digest inside', async () => {
    const form = { filter: 'DJ.GMPkiLite', subFilter: 'GM.sm2cms.detached' };
    expect(judge(await signForeign(handMadePdf(), { ...form, contents: (content) => gmCms(content) })).verdict).toBe('genuine');
    const other = (content: Uint8Array) => gmCms(content, digest('sm3', Buffer.from('other')));
    expect(judge(await signForeign(handMadePdf(), { ...form, contents: other })).verdict).toBe('altered');
  });

  const cms = async (content: Uint8Array, change: { form?: 'pkcs7' | 'gm'; content?: Uint8Array; attributes?: boolean } = {}) => {
    const attributes = encodeSignedAttributes({ messageDigest: digest('sha256', content) });
    const signed = change.attributes === false ? content : attributes;
    return encodeSignedData({
      form: 'pkcs7',
      suite: 'es256',
      certificates: [sealer.certificate.der],
      ...(change.attributes === false ? {} : { signedAttributes: attributes }),
      signature: await sealer.sign(signed),
      ...(change.content ? { content: change.content } : {}),
    });
  };

  test('adbe.pkcs7.detached needs neither attributes nor ESS, PAdES needs both', async () => {
    const sign = (subFilter: string, attributes: boolean) =>
      signForeign(handMadePdf(), { subFilter, contents: (content) => cms(content, { attributes }) });
    expect(check(await sign('adbe.pkcs7.detached', true)).verdict).toBe('genuine');
    expect(check(await sign('adbe.pkcs7.detached', false)).verdict).toBe('genuine');
    expect(check(await sign('ETSI.CAdES.detached', true)).verdict).toBe('not-valid');
  });

  test('a detached signature with content inside is malformed', async () => {
    const pdf = await signForeign(handMadePdf(), {
      subFilter: 'adbe.pkcs7.detached',
      contents: (content) => cms(content, { content: Buffer.from('shown to nobody') }),
    });
    expect(check(pdf)).toMatchObject({ verdict: 'malformed', signatures: [{ reasons: ['content-encapsulated'] }] });
  });

  test('BER with indefinite lengths is read', async () => {
    const pdf = await signForeign(handMadePdf(), {
      subFilter: 'adbe.pkcs7.detached',
      contents: async (content) => toBer(await cms(content)),
    });
    const report = check(pdf);
    expect(report.verdict).toBe('genuine');
    expect(report.signatures[0]?.reasons).toContain('cms-not-der');
  });

  test('an unknown SubFilter, and a CMS without its certificate, are unsupported', async () => {
    expect(check(await signForeign(handMadePdf(), { subFilter: 'acme.secret', contents: (content) => cms(content) })).verdict).toBe(
      'unsupported',
    );
    const bare = async (content: Uint8Array) => {
      const whole = await cms(content);
      const other = authority.issue('document-signer').certificate.der;
      return Buffer.from(
        Buffer.from(whole)
          .toString('hex')
          .replace(hex(sealer.certificate.der), hex(other).slice(0, hex(sealer.certificate.der).length)),
        'hex',
      );
    };
    expect(['unsupported', 'malformed']).toContain(
      check(await signForeign(handMadePdf(), { subFilter: 'adbe.pkcs7.detached', contents: bare })).verdict,
    );
  });

  test('a certificate made for something else signs nothing', async () => {
    for (const profile of ['timestamp', 'ocsp', 'code-signer', 'web-server'] as const) {
      const wrong = authority.issue(profile);
      const contents = async (content: Uint8Array) =>
        encodeSignedData({ form: 'pkcs7', suite: 'es256', certificates: [wrong.certificate.der], signature: await wrong.sign(content) });
      expect(check(await signForeign(handMadePdf(), { subFilter: 'adbe.pkcs7.detached', contents })).verdict).toBe('not-valid');
    }
    const root = authority.root;
    const contents = async (content: Uint8Array) =>
      encodeSignedData({ form: 'pkcs7', suite: 'es256', certificates: [root.certificate.der], signature: await root.sign(content) });
    expect(check(await signForeign(handMadePdf(), { subFilter: 'adbe.pkcs7.detached', contents })).verdict).toBe('not-valid');
  });

  test('a changed document under any of them is altered', async () => {
    for (const attributes of [true, false]) {
      const pdf = await signForeign(handMadePdf(), {
        subFilter: 'adbe.pkcs7.detached',
        contents: (content) => cms(content, { attributes }),
      });
      expect(check(patch(pdf, '(Sample)', '(Simple)')).verdict).toBe('altered');
    }
  });
});

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** The two outer shells with indefinite lengths. */
function toBer(der: Uint8Array): Uint8Array {
  const element = parseDer(der).expect(TAG.sequence);
  const inner = element.at(1);
  return Buffer.concat([
    Buffer.from([0x30, 0x80]),
    element.at(0).bytes,
    Buffer.from([0xa0, 0x80]),
    inner.inner().bytes,
    Buffer.from([0, 0, 0, 0]),
  ]);
}

describe('timestamps', () => {
  const tsa = authority.issue('timestamp');

  /** RFC 3161 token over a digest. */
  async function token(imprint: Uint8Array, at = '20261121030500Z', by = tsa): Promise<Uint8Array> {
    const time = Buffer.from(at, 'latin1');
    const info = sequence(
      integer(1),
      oid('1.2.3.4.1'),
      sequence(sequence(oid(OID.sha256)), octetString(imprint)),
      integer(7),
      Buffer.concat([Uint8Array.of(0x18, time.length), time]),
    );
    const attributes = encodeSignedAttributes({
      contentType: OID.timeStampInfo,
      messageDigest: digest('sha256', info),
      signingCertificate: { digestName: 'sha256', digest: digest('sha256', by.certificate.der) },
    });
    const plain = encodeSignedData({
      form: 'pkcs7',
      suite: 'es256',
      certificates: [by.certificate.der],
      content: info,
      signedAttributes: attributes,
      signature: await by.sign(attributes),
    });
    return retypeContent(plain, info);
  }

  /** encodeSignedData writes id-data; a token's content type is id-ct-TSTInfo. */
  function retypeContent(der: Uint8Array, info: Uint8Array): Uint8Array {
    const signedData = parseDer(der).at(1).inner();
    const parts = signedData.children.map((child, index) =>
      index === 2 ? sequence(oid(OID.timeStampInfo), explicit(0, octetString(info))) : child.bytes,
    );
    return sequence(oid(OID.signedData), explicit(0, sequence(...parts)));
  }

  const signed = async (stamp: (signature: Uint8Array) => Promise<Uint8Array>) =>
    signForeign(handMadePdf(), {
      subFilter: 'ETSI.CAdES.detached',
      contents: async (content) => {
        const attributes = encodeSignedAttributes({
          messageDigest: digest('sha256', content),
          signingCertificate: { digestName: 'sha256', digest: digest('sha256', sealer.certificate.der) },
        });
        const signature = await sealer.sign(attributes);
        const attribute = sequence(
          oid(OID.timeStampToken),
          Buffer.concat([Uint8Array.of(0x31), parseDer(octetString(await stamp(signature))).bytes.subarray(1)]),
        );
        return encodeSignedData({
          form: 'pkcs7',
          suite: 'es256',
          certificates: [sealer.certificate.der],
          signedAttributes: attributes,
          signature,
          unsignedAttributes: [attribute],
        });
      },
    });

  test('a token over the signature proves the time', async () => {
    const report = check(await signed((signature) => token(digest('sha256', signature))));
    expect(report).toMatchObject({ verdict: 'genuine', signatures: [{ form: 'pades-t', time: { proven: '2026-11-21T03:05:00.000Z' } }] });
  });

  test('revocation after a proven time does not matter, before it does', async () => {
    const pdf = await signed((signature) => token(digest('sha256', signature)));
    const crls = (at: string) => [
      authority.crl(
        [{ serialHex: sealer.certificate.serialHex, revokedAt: new Date(at) }],
        new Date('2026-11-21T03:50:00Z'),
        new Date('2026-12-21T00:00:00Z'),
      ),
    ];
    expect(check(pdf, { crls: crls('2026-11-21T03:40:00Z') }).verdict).toBe('genuine');
    expect(check(pdf, { crls: crls('2026-11-21T02:00:00Z') }).verdict).toBe('not-valid');
  });

  test('a token copied from another signature, one by another kind of certificate, and one from the future are refused', async () => {
    expect(check(await signed(() => token(digest('sha256', Buffer.from('another signature'))))).verdict).toBe('not-valid');
    expect(check(await signed((signature) => token(digest('sha256', signature), undefined, sealer))).verdict).toBe('not-valid');
    expect(check(await signed((signature) => token(digest('sha256', signature), '20301121030500Z'))).verdict).toBe('not-valid');
  });

  test('a token of an authority that nobody trusts leaves the file untrusted', async () => {
    const foreign = new DocumentAuthority({ suite: 'es256', name: '别处' }).issue('timestamp');
    const report = check(await signed((signature) => token(digest('sha256', signature), undefined, foreign)));
    expect(report).toMatchObject({ verdict: 'untrusted-signer', signatures: [{ time: { proven: null } }] });
  });

  test('a document timestamp covers the file and proves its time', async () => {
    const pdf = await signForeign(handMadePdf(), { subFilter: 'ETSI.RFC3161', contents: (content) => token(digest('sha256', content)) });
    const report = check(pdf);
    expect(report).toMatchObject({
      verdict: 'genuine',
      official: false,
      signatures: [{ kind: 'timestamp', form: 'rfc3161', time: { proven: '2026-11-21T03:05:00.000Z' } }],
    });
    expect(check(patch(pdf, '(Sample)', '(Simple)')).verdict).toBe('altered');
  });
});
