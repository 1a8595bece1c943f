import { expect, test } from 'vitest';
import { context, parseDer } from '#crypto/der.ts';
import {
  bitString,
  boolean,
  explicit,
  generalizedTime,
  implicitPrimitive,
  octetString,
  oid,
  printableString,
  sequence,
  setOf,
  tlv,
  utcTime,
  utf8String,
} from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { generateKeyPair, signMessage } from '#crypto/suite.ts';
import { assembleCertificate, type TbsCertificateInput } from '#pki/build-certificate.ts';
import { parseCertificate } from '#pki/certificate.ts';
import { lintTbs } from '#pki/lint.ts';
import { holdsCitizenNumber } from '#pki/lint-names.ts';
import { encodeName } from '#pki/name.ts';
import { MANDATE_EXTENSION, PROFILES, type ProfileName } from '#pki/profiles.ts';
import { type TestIssueOptions, testChain, testIssue, testName, testTbs } from '../../fakes/test-authority.ts';

const { root, issuing } = testChain('es256');
const spki = generateKeyPair('es256').spki;
const tbs = (options: TestIssueOptions = {}) => testTbs('es256', issuing, spki, options);
const changed = (change: Partial<TbsCertificateInput>) => tbs({ change });

/** The TBS with its list of extensions replaced. */
function withExtensions(bytes: Uint8Array, edit: (extensions: Uint8Array[]) => Uint8Array[]): Uint8Array {
  const fields = parseDer(bytes).children;
  const extensions =
    fields
      .at(-1)
      ?.inner()
      .children.map((item) => item.bytes) ?? [];
  return sequence(...fields.slice(0, -1).map((item) => item.bytes), explicit(3, sequence(...edit(extensions))));
}
const extension = (type: string, value: Uint8Array, critical = false) =>
  sequence(oid(type), ...(critical ? [boolean(true)] : []), octetString(value));
const replacing = (type: string, value: Uint8Array, critical: boolean) =>
  withExtensions(tbs(), (list) => list.map((item) => (parseDer(item).at(0).asOid() === type ? extension(type, value, critical) : item)));
/** The TBS with one of its fields replaced: 3 issuer, 4 validity, 5 subject, 6 key. */
const withField = (index: number, bytes: Uint8Array) =>
  sequence(...parseDer(tbs()).children.map((item, place) => (place === index ? bytes : item.bytes)));
const named = (...pairs: [string, Uint8Array][]) => sequence(...pairs.map(([type, text]) => setOf(sequence(oid(type), text))));
const own: [string, Uint8Array][] = [
  [OID.country, printableString('CN')],
  [OID.organisation, utf8String('示范市')],
];
const holder = (profile: ProfileName, type: string, value: Uint8Array) =>
  withExtensions(tbs({ profile }), (list) => [...list.filter((item) => parseDer(item).at(0).asOid() !== type), extension(type, value)]);
const mandate = (until: string) => sequence(utf8String('SQ-1'), generalizedTime(new Date(until)));
const without = (type: string) => withExtensions(tbs(), (list) => list.filter((item) => parseDer(item).at(0).asOid() !== type));

/** RFC 6979 §A.2.5. */
const PUBLISHED_SPKI = Buffer.from(
  '3059301306072a8648ce3d020106082a8648ce3d0301070342000460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299',
  'hex',
);
const without2 = (profile: ProfileName, type: string) =>
  withExtensions(tbs({ profile }), (list) => list.filter((item) => parseDer(item).at(0).asOid() !== type));

test.each(Object.keys(PROFILES) as ProfileName[])('the profile %s as the builder writes it has no fault', (profile) => {
  const issuer = { root: undefined, issuing: root }[profile as string] ?? (profile === 'root' ? undefined : issuing);
  const change: Partial<TbsCertificateInput> = profile === 'web-server' ? { subjectAltNames: [{ dns: 'localhost' }] } : {};
  expect(lintTbs(testTbs('es256', issuer, spki, { profile, days: 30, change }), 'es256').faults).toEqual([]);
});

test.each<[string, Uint8Array, RegExp]>([
  ['the algorithm of another suite', testTbs('sm2-sm3', issuing, spki), /algorithm is not that of the key/],
  ['a key of a suite the profile does not take', testTbs('es256', issuing, generateKeyPair('rs256').spki), /not for this profile/],
  ['a serial of seven octets', changed({ serial: new Uint8Array(7).fill(0x41) }), /serial number not of/],
  ['a serial of 21 octets', changed({ serial: new Uint8Array(21).fill(0x41) }), /serial number not of/],
  ['a life that ends before it begins', changed({ notAfter: new Date('2020-01-01T00:00:00Z') }), /ends before/],
  ['one day too many', tbs({ days: PROFILES.seal.maxDays + 1 }), /lives longer/],
  ['no address of a list', changed({ crlUrl: '' }), /nowhere to learn/],
  ['an address that is a file', changed({ issuerUrl: 'file:///etc/passwd' }), /not http/],
  ['the subject of its issuer', changed({ subject: issuing.certificate.subject.der }), /self-issued/],
  [
    'a subject without organisation',
    changed({
      subject: encodeName([
        { oid: OID.country, value: 'CN' },
        { oid: OID.commonName, value: 'x' },
      ]),
    }),
    /lacks 2\.5\.4\.10/,
  ],
  [
    'a country in small letters',
    changed({
      subject: encodeName([
        { oid: OID.country, value: 'cn' },
        { oid: OID.organisation, value: 'o' },
        { oid: OID.commonName, value: 'x' },
      ]),
    }),
    /country/,
  ],
  ['a name that turns the reading direction', changed({ subject: testName('a\u202eb') }), /invisible/],
  ['a name of 65 characters', changed({ subject: testName('字'.repeat(65)) }), /wrong length/],
  ['a name with a blank at its end', changed({ subject: testName('x ') }), /wrong length/],
  ['an authority’s basic constraints', replacing(OID.basicConstraints, sequence(boolean(true)), true), /no profile|disagree/],
  [
    'basic constraints that are not critical',
    replacing(OID.basicConstraints, sequence(), false),
    /basicConstraints missing or not critical/,
  ],
  ['key usage that is not critical', replacing(OID.keyUsage, bitString(Uint8Array.of(0xc0), 6), false), /keyUsage missing or not critical/],
  ['key usage of an authority', replacing(OID.keyUsage, bitString(Uint8Array.of(0x06), 1), true), /key usage and profile/],
  ['a key identifier of another key', replacing(OID.subjectKeyIdentifier, octetString(new Uint8Array(20)), false), /not that of the key/],
  ['no authority key identifier', without(OID.authorityKeyIdentifier), /authority key identifier missing/],
  [
    'two policies',
    replacing(
      OID.certificatePolicies,
      sequence(...[PROFILES.seal, PROFILES.person].map(({ policy }) => sequence(oid(policy ?? '')))),
      false,
    ),
    /no profile/,
  ],
  ['a policy of nobody', replacing(OID.certificatePolicies, sequence(sequence(oid('1.2.3'))), false), /no profile/],
  [
    'a further policy of nobody',
    replacing(OID.certificatePolicies, sequence(sequence(oid(PROFILES.seal.policy ?? '')), sequence(oid('1.2.3'))), false),
    /policies and profile/,
  ],
  [
    'an extension it does not know',
    withExtensions(tbs(), (list) => [...list, extension('1.2.3.4', octetString(Uint8Array.of(1)))]),
    /in no profile/,
  ],
  ['an extension twice', withExtensions(tbs(), (list) => [...list, list[0] ?? Uint8Array.of()]), /stands twice/],
  ['name constraints', withExtensions(tbs(), (list) => [...list, extension(OID.nameConstraints, sequence(), true)]), /in no profile/],
  [
    'an extended usage the profile lacks',
    withExtensions(tbs(), (list) => [...list, extension(OID.extendedKeyUsage, sequence(oid(OID.timeStamping)))]),
    /extended key usage/,
  ],
  [
    'statements of another kind',
    withExtensions(tbs({ profile: 'person' }), (list) =>
      list.map((item) =>
        parseDer(item).at(0).asOid() === OID.qcStatements
          ? extension(OID.qcStatements, sequence(sequence(oid(OID.qcType), sequence(oid(OID.qcTypeSeal)))))
          : item,
      ),
    ),
    /qcStatements/,
  ],
  [
    'a critical address of a list',
    replacing(
      OID.crlDistributionPoints,
      parseDer(tbs())
        .children.at(-1)
        ?.inner()
        .children.find((item) => item.at(0).asOid() === OID.crlDistributionPoints)
        ?.at(1)
        .asOctets() ?? sequence(),
      true,
    ),
    /wrongly critical/,
  ],
  ['bytes after its end', Buffer.concat([tbs(), Uint8Array.of(0)]), /not a certificate/],
  ['nothing at all', new Uint8Array(), /not a certificate/],
  [
    'an organisation as PrintableString',
    withField(
      5,
      named([OID.country, printableString('CN')], [OID.organisation, printableString('city')], [OID.commonName, utf8String('x')]),
    ),
    /not UTF8String/,
  ],
  [
    'a country as UTF8String',
    withField(5, named([OID.country, utf8String('CN')], [OID.organisation, utf8String('o')], [OID.commonName, utf8String('x')])),
    /not PrintableString/,
  ],
  [
    'a common name twice',
    withField(5, named(...own, [OID.commonName, utf8String('a')], [OID.commonName, utf8String('b')])),
    /stands twice/,
  ],
  [
    'two attributes in one part of the name',
    withField(5, sequence(setOf(...own.map(([type, text]) => sequence(oid(type), text))))),
    /several attributes/,
  ],
  ['a name in a form that looks alike', withField(5, named(...own, [OID.commonName, utf8String('e\u0301')])), /normal form/],
  [
    'a province of 129 characters',
    withField(5, named(...own, [OID.province, utf8String('省'.repeat(129))], [OID.commonName, utf8String('x')])),
    /wrong length/,
  ],
  ['a citizen number in the name', withField(5, named(...own, [OID.commonName, utf8String('张三 11010519491231002X')])), /citizen number/],
  [
    'GeneralizedTime before 2050',
    withField(4, sequence(generalizedTime(new Date('2026-01-01')), utcTime(new Date('2026-06-01')))),
    /another encoding/,
  ],
  [
    'a time without seconds',
    withField(4, sequence(tlv(0x17, Buffer.from('2601010000Z')), utcTime(new Date('2026-06-01')))),
    /another encoding/,
  ],
  ['the key of a standard’s example', testTbs('es256', issuing, PUBLISHED_SPKI), /was published/],
  [
    'an identity number in clear',
    holder('legal-representative', OID.gmIdentifyCode, implicitPrimitive(0, Buffer.from('11010519491231002X'))),
    /identifyCode of a form/,
  ],
  [
    'an identity code as a bare string',
    holder('person', OID.gmIdentifyCode, printableString(`H1:${'0'.repeat(64)}`)),
    /identifyCode of a form/,
  ],
  [
    'an identity code in a profile without',
    holder('seal', OID.gmIdentifyCode, implicitPrimitive(0, Buffer.from(`H1:${'0'.repeat(64)}`))),
    /identifyCode and profile/,
  ],
  ['a tax number in a profile without', holder('seal', OID.gmTaxationNumber, printableString('123')), /taxationNumber and profile/],
  [
    'an insurance number, which no profile has yet',
    holder('person', OID.gmInsuranceNumber, printableString('123')),
    /insuranceNumber and profile/,
  ],
  [
    'a registration number of another form',
    holder('organisation', OID.gmRegistrationNumber, printableString('a b')),
    /registrationNumber of a form/,
  ],
  [
    'an organisation code as UTF8String',
    holder('seal', OID.gmOrganisationCode, utf8String('11110000000000000X')),
    /organisationCode of a form/,
  ],
  ['an agent without a mandate', without2('agent', MANDATE_EXTENSION), /mandate and profile/],
  ['a mandate where nobody has one', holder('seal', MANDATE_EXTENSION, mandate('2036-01-01')), /mandate and profile/],
  [
    'a mandate that ends before the certificate',
    holder('agent', MANDATE_EXTENSION, mandate('2026-12-31T23:59:59Z')),
    /outlives the mandate/,
  ],
  ['a mandate that cannot be read', holder('agent', MANDATE_EXTENSION, sequence()), /mandate cannot be read/],
  ['a host name with an underscore', tbs({ profile: 'web-server', change: { subjectAltNames: [{ dns: 'a_b.cn' }] } }), /no host name/],
  [
    'an address of three octets',
    tbs({ profile: 'web-server', change: { subjectAltNames: [{ ip: new Uint8Array(3) }] } }),
    /no host name|cannot be read/,
  ],
  [
    'signing usage on an encryption key',
    withExtensions(tbs({ profile: 'person-encryption' }), (list) =>
      list.map((item) =>
        parseDer(item).at(0).asOid() === OID.keyUsage ? extension(OID.keyUsage, bitString(Uint8Array.of(0x88), 3), true) : item,
      ),
    ),
    /key usage and profile/,
  ],
])('the lint finds %s', (_what, bytes, fault) => {
  expect(lintTbs(bytes, 'es256').faults.join('; ')).toMatch(fault);
});

test.each(['sm2-sm3', 'es256'] as const)('each holder’s profile with all it may carry has no fault in %s', (suite) => {
  const chain = testChain(suite);
  const change: Partial<TbsCertificateInput> = {
    organisationCode: '11110000000000000X',
    identifyCode: `H1:${'ab'.repeat(32)}`,
    taxationNumber: '91110000000000000X',
    registrationNumber: '110000000000001',
  };
  for (const profile of Object.values(PROFILES).filter(
    ({ suites, issuer }) => suites.includes(suite) && issuer !== 'self' && issuer !== 'root',
  )) {
    const { spki } = generateKeyPair(suite);
    const bytes = testTbs(suite, chain.issuing, spki, {
      profile: profile.name,
      days: 30,
      change: {
        ...change,
        ...(profile.subjectAltNames ? { subjectAltNames: [{ dns: 'a.example.cn' }, { ip: Uint8Array.of(10, 0, 0, 1) }] } : {}),
      },
    });
    expect([profile.name, ...lintTbs(bytes, suite, chain.issuing.certificate).faults]).toEqual([profile.name]);
  }
});

const limited = (change: Partial<TbsCertificateInput>, days = 3_000) =>
  testIssue('es256', root, { profile: 'issuing', days, change }).certificate;

test.each<[string, Uint8Array, () => Parameters<typeof lintTbs>[2], RegExp]>([
  ['the name of another authority', tbs(), () => limited({ subject: testName('another') }), /issuer name/],
  ['the key identifier of another authority', tbs(), () => limited({}), /key identifier is not that of the authority/],
  ['a life longer than the authority’s', tbs({ days: 365 }), () => limited({}, 100), /not within/],
  ['a beginning before the authority’s', tbs({ notBefore: new Date('2025-06-01T00:00:00Z') }), () => issuing.certificate, /not within/],
  ['an issuer that is no authority', tbs(), () => testIssue('es256', issuing).certificate, /no authority/],
  [
    'an authority below one that may have none',
    testTbs('es256', issuing, spki, { profile: 'issuing' }),
    () => issuing.certificate,
    /no authority below/,
  ],
  [
    'the authority’s own key',
    testTbs('es256', issuing, issuing.certificate.spki),
    () => issuing.certificate,
    /key is that of the authority/,
  ],
])('with the authority at hand the lint finds %s', (_what, bytes, issuer, fault) => {
  expect(lintTbs(bytes, 'es256', issuer()).faults.join('; ')).toMatch(fault);
});

test('with the authority at hand the lint finds a name outside its constraints, and passes one inside', () => {
  const permitted = (name: string) => sequence(tlv(context(0), sequence(tlv(context(4), testName(name)))));
  const key = issuing.key;
  const constrained = (name: string) => {
    const base = testTbs('es256', root, key.publicKey.spki, { profile: 'issuing', days: 3_000 });
    const bytes = withExtensions(base, (list) => [...list, extension(OID.nameConstraints, permitted(name), true)]);
    return parseCertificate(assembleCertificate(bytes, 'es256', signMessage(root.key, bytes)));
  };
  const find = (name: string) => lintTbs(tbs({ commonName: 'inside' }), 'es256', constrained(name)).faults.join('; ');
  expect(find('outside')).toMatch(/outside what the authority may certify/);
  expect(find('inside')).toBe('');
});

test('a number is a citizen’s by its date and its check character only', () => {
  expect(['11010519491231002X', '号11010519491231002x。'].map(holdsCitizenNumber)).toEqual([true, true]);
  expect(['110105194912310021', '11010519491331002X', '1101051949123100', '91110000000000000X'].map(holdsCitizenNumber)).toEqual([
    false,
    false,
    false,
    false,
  ]);
});

test('a verdict belongs to the bytes and the suite: the same array with other bytes is judged anew, and the issuer is asked each time', () => {
  const bytes = Uint8Array.from(tbs());
  const first = lintTbs(bytes, 'es256');
  expect(first.faults).toEqual([]);
  const serial = first.certificate?.serialHex;
  expect(lintTbs(bytes, 'sm2-sm3').faults).not.toEqual([]);
  expect(lintTbs(bytes, 'es256', issuing.certificate).faults).toEqual([]);
  expect(lintTbs(bytes, 'es256', root.certificate).faults).toContain('issuer name is not that of the authority');
  expect(lintTbs(bytes, 'es256').faults).toEqual([]);
  first.faults.push('scribbled on');
  expect(lintTbs(bytes, 'es256').faults).toEqual([]);
  bytes.fill(0xff, bytes.length - 20);
  expect(lintTbs(bytes, 'es256').faults).not.toEqual([]);
  expect(first.certificate?.serialHex).toBe(serial);
});
