import { expect, test } from 'vitest';
import { holderNumber } from '#certificates/holder-number.ts';
import type { ListedSignIn } from '#certificates/trust-list-format.ts';
import { printableString, utf8String } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { identifyCode } from '#test/fakes/foreign-authority.ts';
import { rawCertificate, rawName } from '#test/fakes/raw-pki.ts';

const NUMBER = '11010519491231002X';
const SERIAL_NUMBER = '2.5.4.5';
const PRIVATE = '1.2.156.99999.1';
const IDENTIFY: ListedSignIn['number'] = { in: 'identify-code' };

const withExtension = (oid: string, value: Uint8Array) => rawCertificate(undefined, { extensions: [{ oid, value }] }).certificate;
const withSubject = (...values: string[]) =>
  rawCertificate(undefined, { subject: rawName('林晓梅', ...values.map((value) => [SERIAL_NUMBER, value] as [string, string])) })
    .certificate;
const read = (certificate: Parameters<typeof holderNumber>[0], number: ListedSignIn['number']) =>
  holderNumber(certificate, { number, level: 3 });

test.each([
  ['[0] tagged implicitly', OID.gmIdentifyCode, identifyCode.implicit(NUMBER)],
  ['[0] tagged explicitly', OID.gmIdentifyCode, identifyCode.explicit(NUMBER)],
  ['a string without a tag', OID.gmIdentifyCode, identifyCode.string(NUMBER)],
  ['bare characters', OID.gmIdentifyCode, identifyCode.bare(NUMBER)],
  ['a small x', OID.gmIdentifyCode, identifyCode.implicit(NUMBER.toLowerCase())],
  ['under the arc of the edition of 2023', `${OID.gmIdentifyCode}.1`, identifyCode.string(NUMBER)],
])('identifyCode names a citizen: %s', (_how, oid, value) => {
  expect(read(withExtension(oid, value), IDENTIFY)).toBe(NUMBER);
});

test.each([
  ['an officer’s number', identifyCode.military(NUMBER)],
  ['a passport', identifyCode.passport(NUMBER)],
  ['a wrong check character', identifyCode.implicit('110105194912310021')],
  ['a number hashed', identifyCode.implicit(`H1:${'0'.repeat(64)}`)],
  ['a number within other text', identifyCode.string(`SF${NUMBER}`)],
  ['two numbers', identifyCode.string(`${NUMBER}${NUMBER}`)],
  ['blanks in it', identifyCode.string(`110105 19491231002X`)],
  ['nothing', identifyCode.string('')],
  ['bytes that are nothing', Uint8Array.of(0x30, 0x80, 1)],
])('identifyCode names no citizen with %s', (_what, value) => {
  expect(read(withExtension(OID.gmIdentifyCode, value), IDENTIFY)).toBeUndefined();
});

test('it is not looked for where the list does not say', () => {
  expect(read(withExtension(PRIVATE, utf8String(NUMBER)), IDENTIFY)).toBeUndefined();
  expect(read(withSubject(NUMBER), IDENTIFY)).toBeUndefined();
  expect(read(withExtension(OID.gmIdentifyCode, identifyCode.implicit(NUMBER)), { in: 'subject', oid: SERIAL_NUMBER })).toBeUndefined();
});

test('two extensions that could both name somebody name nobody', () => {
  const extensions = [
    { oid: OID.gmIdentifyCode, value: identifyCode.implicit(NUMBER) },
    { oid: `${OID.gmIdentifyCode}.1`, value: identifyCode.string('350203198505050019') },
  ];
  expect(read(rawCertificate(undefined, { extensions }).certificate, IDENTIFY)).toBeUndefined();
});

test('another extension, or an attribute of the subject, holds it behind exactly the prefix of the list', () => {
  expect(read(withExtension(PRIVATE, printableString(NUMBER)), { in: 'extension', oid: PRIVATE })).toBe(NUMBER);
  expect(read(withSubject(NUMBER), { in: 'subject', oid: SERIAL_NUMBER })).toBe(NUMBER);
  const prefixed: ListedSignIn['number'] = { in: 'subject', oid: SERIAL_NUMBER, prefix: 'PNOCN-' };
  expect(read(withSubject(`PNOCN-${NUMBER}`), prefixed)).toBe(NUMBER);
  expect(read(withSubject(NUMBER), prefixed)).toBeUndefined();
  expect(read(withSubject(`PASCN-${NUMBER}`), prefixed)).toBeUndefined();
  expect(read(withSubject(`PNOCN-${NUMBER}`), { in: 'subject', oid: SERIAL_NUMBER })).toBeUndefined();
});

test('a subject with the attribute twice names nobody', () => {
  expect(read(withSubject(NUMBER, '350203198505050019'), { in: 'subject', oid: SERIAL_NUMBER })).toBeUndefined();
});
