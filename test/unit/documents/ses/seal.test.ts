import { describe, expect, test } from 'vitest';
import { DerError, parseDer, TAG } from '#crypto/der.ts';
import {
  bitString,
  boolean,
  explicit,
  generalizedTime,
  ia5String,
  integer,
  octetString,
  oid,
  printableString,
  sequence,
  tlv,
  utcTime,
  utf8String,
} from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { digest } from '#crypto/suite.ts';
import { encodeTbsSign } from '#documents/ses/build-signature.ts';
import { parseSigningTime } from '#documents/ses/parse-signing-time.ts';
import { parseSeal, parseSealInfo } from '#documents/ses/read-seal.ts';
import { parseTbsSign } from '#documents/ses/read-signature.ts';
import { verifySeal } from '#documents/ses/verify-seal.ts';
import { ASKED_AT, SealingTown, SIGNED_AT } from '#test/fakes/sample-ofd.ts';
import { randomFrom } from '#test/fakes/seeded-random.ts';
import { mutateBytes } from '#test/fuzz/mutate-ofd.ts';

const town = new SealingTown();
const MADE = new Date('2026-01-01T00:00:00Z');
const END = new Date('2028-01-01T00:00:00Z');
const verdictOf = (seal: Uint8Array, change = {}) => verifySeal(seal, { ...town.options, ...change }).report;

/** SES_SealInfo by hand, in any version. */
function info(version: number, parts: { list?: Uint8Array[]; time?: (date: Date) => Uint8Array; extra?: Uint8Array[] } = {}): Uint8Array {
  const time = parts.time ?? (version >= 4 ? generalizedTime : utcTime);
  const list = parts.list ?? (version >= 4 ? [integer(1)] : []).concat(sequence(octetString(town.signer.certificate.der)));
  return sequence(
    sequence(ia5String('ES'), integer(version), ia5String('TEST')),
    ia5String('99010000000001'),
    sequence(integer(1), utf8String('测试章'), ...list, time(MADE), time(MADE), time(END)),
    sequence(ia5String('PNG'), octetString(Buffer.from('picture')), integer(42), integer(42)),
    ...(parts.extra ?? []),
  );
}

async function v4(sealInfo: Uint8Array, tail: (signature: Uint8Array) => Uint8Array[] = () => []): Promise<Uint8Array> {
  const signature = await town.maker.sign(sealInfo);
  return sequence(sealInfo, octetString(town.maker.certificate.der), oid(OID.sm2WithSm3), bitString(signature), ...tail(signature));
}

async function v1(sealInfo: Uint8Array): Promise<Uint8Array> {
  const [certificate, algorithm] = [octetString(town.maker.certificate.der), oid(OID.sm2WithSm3)];
  const signature = await town.maker.sign(sequence(sealInfo, certificate, algorithm));
  return sequence(sealInfo, sequence(certificate, algorithm, bitString(signature)));
}

const withoutZone = (date: Date) => {
  const text = new Date(date.getTime() + 8 * 3_600_000).toISOString().slice(0, 19).replace(/[-:T]/g, '');
  return tlv(TAG.generalizedTime, Buffer.from(text));
};
const extension = (critical: boolean) => sequence(sequence(oid('1.2.3.4'), boolean(critical), octetString(Buffer.from('x'))));

describe('a seal we build', () => {
  test('is parsed back part by part', async () => {
    const seal = parseSeal(await town.seal());
    expect(seal).toMatchObject({ version: 4, headerVersion: 4, vendor: 'TONGREN', esId: '99010000000001', type: 4, warnings: [] });
    expect(seal.certificates.map((one) => Buffer.from(one))).toEqual([Buffer.from(town.signer.certificate.der)]);
    expect(seal.validTo).toEqual(END);
    expect(seal.picture).toMatchObject({ type: 'PNG', widthMm: 42, heightMm: 42 });
    expect(parseSealInfo(seal.der).name).toBe('测试局电子证照专用章');
  });

  test('is genuine while it is valid, and no longer', async () => {
    const seal = await town.seal();
    expect(verdictOf(seal)).toMatchObject({ format: 'seal', verdict: 'genuine', official: false, signatures: [{ form: 'ses-v4' }] });
    expect(verdictOf(seal, { at: new Date('2028-01-01T00:00:00Z') }).verdict).toBe('genuine');
    const after = verdictOf(seal, { at: new Date('2028-01-01T00:00:01Z') });
    expect(after.verdict).toBe('not-valid');
    expect(after.signatures[0]?.reasons).toContain('seal-expired');
    expect(verdictOf(seal, { anchors: [] }).verdict).toBe('untrusted-signer');
  });

  test.each([
    ['a fraction of a millimetre', { picture: { type: 'PNG' as const, data: Buffer.from('x'), widthMm: 41.5, heightMm: 42 } }],
    ['nobody who may use it', { signerCertificates: [] }],
    ['an end before its start', { validTo: new Date('2025-01-01T00:00:00Z') }],
    ['a number outside ASCII', { esId: '印章一' }],
  ])('is refused with %s', async (_case, change) => {
    await expect(town.seal(change)).rejects.toMatchObject({ code: 'invalid-input' });
  });
});

describe('seals of the other versions', () => {
  test('V1: the maker signs info, certificate and algorithm together', async () => {
    const seal = await v1(info(1));
    expect(verdictOf(seal)).toMatchObject({ verdict: 'genuine', signatures: [{ form: 'ses-v1', reasons: [] }] });
    // The V4 scope is not good enough for a V1 seal.
    const signature = await town.maker.sign(info(1));
    const wrong = sequence(info(1), sequence(octetString(town.maker.certificate.der), oid(OID.sm2WithSm3), bitString(signature)));
    expect(verdictOf(wrong)).toMatchObject({ verdict: 'not-valid', signatures: [{ reasons: ['maker-signature-mismatch'] }] });
  });

  test('V4 that names its signers by digest', async () => {
    const entry = sequence(printableString(OID.sm3), octetString(digest('sm3', town.signer.certificate.der)));
    const seal = parseSeal(await v4(info(4, { list: [integer(2), sequence(entry)] })));
    expect(seal.certificateDigests).toHaveLength(1);
    expect(seal.certificates).toEqual([]);
  });

  test('V5, and V5 with something that is no timestamp', async () => {
    expect(verdictOf(await v4(info(5)))).toMatchObject({ verdict: 'genuine', signatures: [{ form: 'ses-v5' }] });
    const dummy = await v4(info(5), () => [explicit(0, bitString(Buffer.from('abc')))]);
    expect(verdictOf(dummy)).toMatchObject({ verdict: 'not-valid', signatures: [{ reasons: ['seal-timestamp-unreadable'] }] });
  });

  test('V5 forgives a maker certificate that expired after the seal was made, V4 does not', async () => {
    const maker = town.authority.issue('seal-maker', { notAfter: new Date('2026-06-01T00:00:00Z') });
    const made = async (version: number) => {
      const sealInfo = info(version);
      return sequence(sealInfo, octetString(maker.certificate.der), oid(OID.sm2WithSm3), bitString(await maker.sign(sealInfo)));
    };
    expect(verdictOf(await made(4))).toMatchObject({ verdict: 'not-valid' });
    expect(verdictOf(await made(5))).toMatchObject({
      verdict: 'genuine',
      signatures: [{ reasons: expect.arrayContaining(['maker-invalid-after-making']) }],
    });
  });
});

describe('deviations are read with a warning', () => {
  test.each([
    ['extension data without a tag', { extra: [extension(false)] }, []],
    ['extension data with a tag', { extra: [explicit(0, extension(false))] }, ['seal-extensions-tagged']],
    ['a critical extension', { extra: [extension(true)] }, ['seal-critical-extension']],
    ['UTCTime', { time: utcTime }, ['seal-date-type']],
    ['times without a zone', { time: withoutZone }, ['time-zone-assumed']],
    ['a field nobody knows', { extra: [integer(1)] }, ['seal-unknown-field']],
    ['a list entry that is no certificate', { list: [integer(1), sequence(ia5String('1'))] }, ['seal-certificate-list-entry']],
  ])('%s', async (_case, parts, warnings) => {
    const seal = parseSeal(await v4(info(4, parts)));
    expect(seal.warnings).toEqual(warnings);
    expect(verdictOf(seal.sealDer).verdict).toBe('genuine');
  });
});

test('a certificate, an algorithm and a value in other wrappings', async () => {
  const sealInfo = info(4);
  const value = octetString(await town.maker.sign(sealInfo));
  const seal = sequence(sealInfo, town.maker.certificate.der, sequence(oid(OID.sm2WithSm3)), value);
  expect(verdictOf(seal)).toMatchObject({
    verdict: 'genuine',
    signatures: [{ reasons: ['seal-certificate-not-wrapped', 'signature-algorithm-wrapped', 'seal-value-type'] }],
  });
});

test('a name in GBK is read as what it is', async () => {
  const name = tlv(TAG.utf8String, Buffer.from('b2e2cad4d5c2', 'hex'));
  const good = info(4);
  const property = parseDer(good).at(2);
  const parts = parseDer(good).children.map(({ bytes }, index) =>
    index === 2 ? sequence(...property.children.map((child, at) => (at === 1 ? name : child.bytes))) : bytes,
  );
  const seal = parseSeal(await v4(sequence(...parts)));
  expect(seal).toMatchObject({ name: '测试章', warnings: ['seal-text-encoding'] });
});

describe('signing time', () => {
  test.each([
    ['20201004072855.302Z', '2020-10-04T07:28:55.302Z', false],
    ['20210331075023Z', '2021-03-31T07:50:23.000Z', false],
    ['20201010151120', '2020-10-10T07:11:20.000Z', true],
    ['2020-10-23 19:45:37', '2020-10-23T11:45:37.000Z', true],
    ['2026-05-13T23:25:43+08:00', '2026-05-13T15:25:43.000Z', false],
  ])('%s is %s', (text, expected, zoneAssumed) => {
    expect(parseSigningTime(text)).toEqual({ time: new Date(expected), zoneAssumed });
  });

  test.each(['', 'yesterday', '20201304072855Z', '2020-02-30 00:00:00', '20200101256000Z'])('"%s" is none', (text) => {
    expect(parseSigningTime(text)).toBeUndefined();
  });
});

test('what a seal key is asked to sign can be read on its own', async () => {
  const seal = await town.seal();
  const dataHash = digest('sm3', Buffer.from('x'));
  const toSign = parseTbsSign(encodeTbsSign({ seal, signedAt: SIGNED_AT, dataHash, propertyInfo: '/a.xml' }));
  expect(toSign).toMatchObject({ version: 4, signedAt: SIGNED_AT, propertyInfo: '/a.xml', warnings: [] });
  expect(Buffer.from(toSign.seal.sealDer).equals(Buffer.from(seal))).toBe(true);
});

test('2000 mutants of seals: a structure or a DerError, and never genuine unless untouched', async () => {
  const originals = [await town.seal(), await v1(info(1)), await v4(info(5))];
  for (let run = 0; run < 2000; run++) {
    const random = randomFrom(run);
    const original = originals[run % originals.length] ?? new Uint8Array();
    const mutant = mutateBytes(original, random);
    try {
      parseSeal(mutant);
    } catch (error) {
      expect(error).toBeInstanceOf(DerError);
    }
    const { verdict } = verifySeal(mutant, { ...town.options, at: ASKED_AT }).report;
    if (verdict === 'genuine') expect(sameButAlgorithm(original, mutant), `run ${run}`).toBe(true);
  }
});

/** The maker signs neither the algorithm (in V4) nor the frame, so an accepted alias of the OID is no harm. */
function sameButAlgorithm(original: Uint8Array, mutant: Uint8Array): boolean {
  const [a, b] = [parseSeal(original), parseSeal(mutant)];
  return Buffer.compare(a.toBeSigned, b.toBeSigned) === 0 && Buffer.compare(a.signature, b.signature) === 0;
}
