import { describe, expect, test } from 'vitest';
import { parseDer, TAG } from '#crypto/der.ts';
import { explicit, implicitPrimitive, oid, printableString, sequence, setOf, tlv, utf8String } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { formatIpAddress, isHostName, parseIpAddress, parseMailbox } from '#pki/addresses.ts';
import { faultOfNames, MAX_NAME_COMPARISONS } from '#pki/judge-names.ts';
import { isWithinName, namesEqual, parseName } from '#pki/name.ts';
import type { NameConstraints } from '#pki/name-constraints.ts';
import { parseNameConstraints } from '#pki/name-constraints.ts';
import { namesPeer, readPeerName } from '#pki/peer-name.ts';
import {
  altNames,
  directoryName,
  dnsName,
  emailName,
  ipName,
  nameConstraints,
  newKey,
  rawCertificate,
  rawName,
  uriName,
} from '../../fakes/raw-pki.ts';

const key = newKey();
const holder = (subject: Uint8Array, ...names: Uint8Array[]) =>
  rawCertificate(undefined, { key, subject, extensions: names.length > 0 ? [altNames(...names)] : [] }).certificate;
const EMPTY = sequence();
const utf8Mailbox = (mailbox: string) => explicit(0, oid(OID.smtpUtf8Mailbox), explicit(0, utf8String(mailbox)));

function judge(constraints: { permitted?: Uint8Array[]; excluded?: Uint8Array[] }, ...names: Uint8Array[]) {
  const read = parseNameConstraints(nameConstraints(constraints.permitted ?? [], constraints.excluded ?? []).value);
  return faultOfNames(holder(EMPTY, ...names), [read], { comparisons: 1_000 });
}

describe('name constraints', () => {
  test.each<[string, Uint8Array, Uint8Array, boolean]>([
    ['a host is within itself', dnsName('example.cn'), dnsName('EXAMPLE.cn'), true],
    ['a host is within its domain', dnsName('example.cn'), dnsName('a.b.example.cn'), true],
    ['a longer label is another domain', dnsName('example.cn'), dnsName('badexample.cn'), false],
    ['an empty constraint holds every host', dnsName(''), dnsName('example.cn'), true],
    ['a wildcard is within its domain', dnsName('example.cn'), dnsName('*.example.cn'), true],
    ['a wildcard is wider than one host', dnsName('www.example.cn'), dnsName('*.example.cn'), false],
    ['a leading period means below', dnsName('.example.cn'), dnsName('a.example.cn'), true],
    ['a leading period leaves the domain itself out', dnsName('.example.cn'), dnsName('example.cn'), false],
    ['an impossible host is nowhere', dnsName('example.cn'), dnsName('.example.cn'), false],
    ['a mailbox is itself', emailName('a@example.cn'), emailName('a@EXAMPLE.cn'), true],
    ['the local part keeps its case', emailName('a@example.cn'), emailName('A@example.cn'), false],
    ['a host means all mailboxes there', emailName('example.cn'), emailName('a@example.cn'), true],
    ['and not those of hosts below', emailName('example.cn'), emailName('a@mail.example.cn'), false],
    ['a leading period means hosts below', emailName('.example.cn'), emailName('a@mail.example.cn'), true],
    ['a mailbox of two signs is nowhere', emailName('example.cn'), emailName('a@b@example.cn'), false],
    ['a mailbox beyond ASCII is held by its host', emailName('example.cn'), utf8Mailbox('张三@example.cn'), true],
    ['whatever its host', emailName('example.cn'), utf8Mailbox('张三@example.com'), false],
    ['a host beyond ASCII is compared as it is looked up', emailName('xn--fiqs8s.cn'), utf8Mailbox('张三@中国.cn'), true],
    ['an address is within its host', uriName('example.cn'), uriName('https://u:p@example.cn:8443/x?y'), true],
    ['and not within another', uriName('example.cn'), uriName('https://www.example.cn/'), false],
    ['a leading period means hosts below', uriName('.example.cn'), uriName('ldap://www.example.cn/'), true],
    ['an address without a host is nowhere', uriName('example.cn'), uriName('urn:example.cn'), false],
    ['nor one at a number', uriName('example.cn'), uriName('https://192.0.2.1/'), false],
    ['an IP address is in its network', ipName(10, 1, 0, 0, 255, 255, 0, 0), ipName(10, 1, 200, 3), true],
    ['and not in another', ipName(10, 1, 0, 0, 255, 255, 0, 0), ipName(10, 2, 0, 1), false],
    ['nor one of the other version', ipName(0, 0, 0, 0, 0, 0, 0, 0), ipName(...new Array<number>(16).fill(0)), false],
    ['nor one of odd length', ipName(10, 1, 0, 0, 255, 255, 0, 0), ipName(10, 1, 0, 0, 255, 255, 0, 0), false],
    ['a name begins with itself', directoryName(rawName('A')), directoryName(rawName('a')), true],
    ['a longer one begins with it too', directoryName(rawName('A')), directoryName(rawName('A', [OID.organisation, 'x'])), true],
    ['a shorter one does not', directoryName(rawName('A', [OID.organisation, 'x'])), directoryName(rawName('A')), false],
  ])('%s', (_what, constraint, name, inside) => {
    expect(judge({ permitted: [constraint] }, name)).toBe(inside ? undefined : 'name-not-permitted');
  });

  test('excluded names are refused even when they are permitted too', () => {
    expect(judge({ permitted: [dnsName('example.cn')], excluded: [dnsName('a.example.cn')] }, dnsName('b.a.example.cn'))).toBe(
      'name-not-permitted',
    );
    expect(judge({ excluded: [dnsName('a.example.cn')] }, dnsName('b.example.cn'))).toBeUndefined();
  });

  test('a wildcard that may stand for an excluded host is refused', () => {
    expect(judge({ excluded: [dnsName('a.example.cn')] }, dnsName('*.example.cn'))).toBe('name-not-permitted');
    expect(judge({ excluded: [dnsName('b.a.example.cn')] }, dnsName('*.example.cn'))).toBeUndefined();
    expect(judge({ excluded: [dnsName('.example.cn')] }, dnsName('*.example.cn'))).toBe('name-not-permitted');
  });

  test('names of other forms are free', () => {
    expect(judge({ permitted: [ipName(10, 0, 0, 0, 255, 0, 0, 0)] }, dnsName('example.cn'))).toBeUndefined();
  });

  test('a form that cannot be compared refuses only when such a name stands there', () => {
    const other = (text: string) => explicit(0, oid('1.2.3.4'), explicit(0, utf8String(text)));
    expect(judge({ excluded: [other('x')] }, other('y'))).toBe('unsupported-constraint');
    expect(judge({ excluded: [other('x')] }, dnsName('example.cn'))).toBeUndefined();
    expect(judge({ permitted: [implicitPrimitive(8, Uint8Array.of(42, 3))] }, implicitPrimitive(8, Uint8Array.of(42, 3)))).toBe(
      'unsupported-constraint',
    );
  });

  test('subject and e-mail addresses in it are held as well', () => {
    const permitted = parseNameConstraints(nameConstraints([directoryName(rawName('ours')), emailName('example.cn')]).value);
    const budget = { comparisons: 100 };
    expect(faultOfNames(holder(rawName('ours')), [permitted], budget)).toBeUndefined();
    expect(faultOfNames(holder(rawName('theirs')), [permitted], budget)).toBe('name-not-permitted');
    expect(faultOfNames(holder(rawName('ours', [OID.email, 'a@example.com'])), [permitted], budget)).toBe('name-not-permitted');
    expect(faultOfNames(holder(rawName('ours', [OID.email, 'a@example.cn'])), [permitted], budget)).toBeUndefined();
  });

  test('each constraint on the way must hold: what one allows another may refuse', () => {
    const [wide, narrow] = [['a.cn', 'b.cn'], ['b.cn']].map((hosts) => parseNameConstraints(nameConstraints(hosts.map(dnsName)).value));
    const certificate = holder(EMPTY, dnsName('a.cn'));
    const budget = { comparisons: 100 };
    expect(faultOfNames(certificate, [wide as NameConstraints], budget)).toBeUndefined();
    expect(faultOfNames(certificate, [wide, narrow] as NameConstraints[], budget)).toBe('name-not-permitted');
    expect(faultOfNames(certificate, [narrow, wide] as NameConstraints[], budget)).toBe('name-not-permitted');
  });

  test.each<[string, Uint8Array]>([
    ['nothing inside', sequence()],
    ['an empty list', sequence(explicit(0))],
    ['a NULL', sequence(tlv(TAG.null))],
    ['an IP address without a mask', nameConstraints([ipName(10, 0, 0, 1)]).value],
    ['a mask with holes', nameConstraints([ipName(10, 0, 0, 0, 255, 0, 255, 0)]).value],
    ['a wildcard', nameConstraints([dnsName('*.example.cn')]).value],
    ['a mailbox of two signs', nameConstraints([emailName('a@b@example.cn')]).value],
  ])('constraints with %s cannot be read', (_what, value) => {
    expect(() => parseNameConstraints(value)).toThrow();
  });

  test('a minimum is not computed and refuses names of that form', () => {
    const value = sequence(explicit(0, sequence(dnsName('example.cn'), implicitPrimitive(0, Uint8Array.of(1)))));
    expect(faultOfNames(holder(EMPTY, dnsName('example.cn')), [parseNameConstraints(value)], { comparisons: 9 })).toBe(
      'unsupported-constraint',
    );
  });

  test('two thousand names under two thousand constraints end at the budget', () => {
    const many = Array.from({ length: 2_000 }, (_, index) => dnsName(`h${index}.example.cn`));
    const constraints = parseNameConstraints(
      nameConstraints(
        [],
        many.map((_, index) => dnsName(`x${index}.cn`)),
      ).value,
    );
    const budget = { comparisons: MAX_NAME_COMPARISONS };
    expect(faultOfNames(holder(EMPTY, ...many), [constraints], budget)).toBe('work-limit');
    expect(budget.comparisons).toBe(-1);
  });
});

describe('equal names', () => {
  const name = (type: string, value: Uint8Array) => parseName(parseDer(sequence(setOf(sequence(oid(type), value)))));
  test.each<[string, Uint8Array, Uint8Array, boolean]>([
    ['case does not count', utf8String('Example CA'), printableString('EXAMPLE ca'), true],
    ['nor do spaces at the ends and runs of them', utf8String('  Example   CA '), utf8String('Example CA'), true],
    ['nor tabs for spaces', utf8String('Example\tCA'), utf8String('Example CA'), true],
    ['nor composition', utf8String('Société'), utf8String('Socie\u0301te\u0301'), true],
    ['nor width', utf8String('ＡＢＣ'), utf8String('abc'), true],
    ['nor what cannot be seen', utf8String('示\u200b范'), utf8String('示范'), true],
    ['letters do', utf8String('示范'), utf8String('示笵'), false],
    ['a space in the middle does', utf8String('示 范'), utf8String('示范'), false],
  ])('%s', (_what, a, b, equal) => {
    expect(namesEqual(name(OID.commonName, a), name(OID.commonName, b))).toBe(equal);
  });

  test('one attribute cannot pretend to be two', () => {
    const pair = (type: string, value: string) => sequence(oid(type), utf8String(value));
    const two = parseName(parseDer(sequence(setOf(pair('2.5.4.3', 'x'), pair('2.5.4.10', 'y')))));
    for (const glue of ['+', '\u0000', '\u0001', ',']) {
      expect(namesEqual(two, name('2.5.4.3', utf8String(`x${glue}2.5.4.10=y`)))).toBe(false);
    }
    const rows = parseName(parseDer(sequence(setOf(pair('2.5.4.3', 'x')), setOf(pair('2.5.4.10', 'y')))));
    expect(isWithinName(two, rows)).toBe(false);
  });
});

describe('the peer’s name', () => {
  const certificate = holder(
    rawName('www.common.cn'),
    dnsName('www.example.cn'),
    dnsName('*.Wild.cn'),
    ipName(192, 0, 2, 1),
    emailName('a.b@example.cn'),
  );
  test.each<[string, boolean]>([
    ['www.example.cn', true],
    ['WWW.EXAMPLE.CN.', true],
    ['example.cn', false],
    ['a.wild.cn', true],
    ['wild.cn', false],
    ['a.b.wild.cn', false],
    ['www.common.cn', false],
    ['192.0.2.1', true],
    ['192.0.2.2', false],
    ['a.b@EXAMPLE.cn', true],
    ['A.b@example.cn', false],
    ['', false],
  ])('%s: %s', (text, named) => {
    expect(namesPeer(certificate, readPeerName(text))).toBe(named);
  });

  test('a wildcard alone, or as part of a label, matches nothing', () => {
    const odd = holder(EMPTY, dnsName('*'), dnsName('w*.example.cn'), dnsName('a.*.cn'));
    for (const host of ['cn', 'www.example.cn', 'a.b.cn']) expect(namesPeer(odd, { kind: 'dns', value: host })).toBe(false);
  });
});

describe('addresses', () => {
  test.each<[string, string | undefined]>([
    ['2001:db8::1', '2001:db8::1'],
    ['2001:0DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['::', '::'],
    ['::ffff:192.0.2.1', '::ffff:c000:201'],
    ['192.0.2.1', '192.0.2.1'],
    ['192.0.2.01', undefined],
    ['1:2:3:4:5:6:7:8:9', undefined],
    ['1::2::3', undefined],
    ['2001:db8', undefined],
    ['300.0.0.1', undefined],
  ])('%s is written %s', (text, written) => {
    const octets = parseIpAddress(text);
    expect(octets && formatIpAddress(octets)).toBe(written);
  });

  test.each([
    ['a-b.example.cn', true],
    ['a_b.example.cn', false],
    ['-a.cn', false],
    ['a..cn', false],
    ['1.2.3.4', false],
    [`${'a'.repeat(64)}.cn`, false],
    ['', false],
  ])('host name %s: %s', (text, right) => expect(isHostName(text)).toBe(right));

  test.each<[string, string | undefined]>([
    ['a@example.cn', 'a'],
    ['"a b"@example.cn', '"a b"'],
    ['a b@example.cn', undefined],
    ['a..b@example.cn', undefined],
    ['@example.cn', undefined],
    ['a@', undefined],
  ])('mailbox %s', (text, local) => expect(parseMailbox(text)?.local).toBe(local));
});
