import { expect, test } from 'vitest';
import { bitString, boolean, explicit, octetString, oid, parseDer, sequence } from '#crypto/der.ts';
import { OID } from '#crypto/oids.ts';
import { generateKeyPair } from '#crypto/suite.ts';
import type { TbsCertificateInput } from '#pki/build-certificate.ts';
import { lintTbs } from '#pki/lint.ts';
import { encodeName } from '#pki/name.ts';
import { PROFILES, type ProfileName } from '#pki/profiles.ts';
import { type TestIssueOptions, testChain, testName, testTbs } from '../../fakes/test-authority.ts';

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
const without = (type: string) => withExtensions(tbs(), (list) => list.filter((item) => parseDer(item).at(0).asOid() !== type));

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
])('the lint finds %s', (_what, bytes, fault) => {
  expect(lintTbs(bytes, 'es256').faults.join('; ')).toMatch(fault);
});
