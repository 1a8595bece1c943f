import { describe, expect, test } from 'vitest';
import { TAG } from '#crypto/der.ts';
import { integer, octetString, oid, sequence, tlv } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import type { Suite } from '#crypto/suite.ts';
import { type AnchorConstraints, nameConstraintsOf } from '#pki/anchor-constraints.ts';
import { parseCertificate } from '#pki/certificate.ts';
import type { CertificateRules } from '#pki/certificate-rules.ts';
import { describeFinding, PATH_REASONS } from '#pki/path-reasons.ts';
import { reportOfPath } from '#pki/path-report.ts';
import { type PathQuestion, validatePath } from '#pki/validate-path.ts';
import {
  altNames,
  dnsName,
  nameConstraints,
  newKey,
  policies,
  type RawCertificate,
  type RawEntity,
  rawAuthority,
  rawCertificate,
  rawCrl,
  rawName,
} from '../../fakes/raw-pki.ts';

const at = new Date('2026-06-01T08:00:00Z');
const root = rawAuthority(undefined, { subject: 'root' });
const issuing = rawAuthority(root, { subject: 'issuing' });
const host = altNames(dnsName('www.example.cn'));

function ask(leaf: RawEntity, change: Partial<PathQuestion> = {}, above: RawEntity = issuing) {
  return validatePath({ leaf: leaf.certificate, intermediates: [above.certificate], anchors: [root.certificate], at, ...change });
}
const told = (result: ReturnType<typeof ask>) =>
  result.findings.filter(({ reason }) => reason !== 'revocation-unknown').map(({ reason, index }) => `${index} ${reason}`);

describe('each fault is told with the certificate it belongs to', () => {
  test.each<[string, () => ReturnType<typeof ask>, string[]]>([
    [
      'an expired leaf',
      () => ask(rawCertificate(issuing, { notAfter: at, notBefore: new Date(0) }), { at: new Date(at.getTime() + 1_000) }),
      ['0 expired'],
    ],
    [
      'an expired authority',
      () => {
        const old = rawAuthority(root, { subject: 'old', notAfter: new Date('2026-02-01T00:00:00Z') });
        return ask(rawCertificate(old), {}, old);
      },
      ['1 expired'],
    ],
    [
      'a policy nobody accepts',
      () => ask(rawCertificate(issuing), { policies: { acceptable: ['1.2.3'], explicit: true } }),
      ['1 policy-not-acceptable'],
    ],
    [
      'a policy lost at the leaf',
      () => {
        const under = rawAuthority(root, { subject: 'under', extensions: [policies('1.2.3')] });
        return ask(rawCertificate(under), { policies: { explicit: true } }, under);
      },
      ['0 policy-not-acceptable'],
    ],
    [
      'a name the root does not permit',
      () => {
        const bound = rawAuthority(root, { subject: 'bound', extensions: [nameConstraints([dnsName('example.cn')])] });
        return ask(rawCertificate(bound, { extensions: [altNames(dnsName('example.com'))] }), {}, bound);
      },
      ['0 name-not-permitted'],
    ],
    [
      'an unknown critical extension above',
      () => {
        const odd = rawAuthority(root, { subject: 'odd', extensions: [{ oid: '1.2.3.4', critical: true, value: Uint8Array.of(5, 0) }] });
        return ask(rawCertificate(odd), {}, odd);
      },
      ['1 unknown-critical-extension'],
    ],
    [
      'an authority for other purposes',
      () => {
        const mail = rawAuthority(root, {
          subject: 'mail',
          extensions: [{ oid: OID.extendedKeyUsage, value: sequence(oid(OID.emailProtection)) }],
        });
        return ask(rawCertificate(mail, { extensions: [host] }), { purpose: 'server' }, mail);
      },
      ['1 wrong-purpose'],
    ],
    [
      'another peer',
      () => ask(rawCertificate(issuing, { extensions: [host] }), { names: [{ kind: 'dns', value: 'example.cn' }] }),
      ['0 name-mismatch'],
    ],
    ['too many authorities for the caller', () => ask(rawCertificate(issuing), { maxIntermediates: 0 }), ['2 path-too-long']],
    ['a signature by another key', () => ask(rawCertificate({ ...issuing, key: newKey() })), ['0 no-path-to-anchor', '0 bad-signature']],
  ])('%s', (_what, make, findings) => {
    const result = make();
    expect(result.valid).toBe(false);
    expect(told(result)).toEqual(findings);
  });

  test('every reason has a sentence in both languages, and the report carries it', () => {
    for (const reason of PATH_REASONS) {
      expect(describeFinding({ reason }).zh).toMatch(/^证书.+/);
      expect(describeFinding({ reason }).en).toMatch(/^The certificate .+/);
    }
    const report = reportOfPath(ask(rawCertificate(issuing), { requireRevocation: true }));
    expect(report).toMatchObject({
      verdict: 'invalid',
      reasons: ['revocation-unknown'],
      path: [{ revocation: { status: 'unknown' } }, {}, { subject: 'C=CN, CN=root' }],
    });
    expect(report.findings[0]).toMatchObject({ index: 0, zh: expect.stringContaining('吊销'), en: expect.stringContaining('revoked') });
  });
});

test.each<Suite>(['sm2-sm3', 'es256', 'ed25519', 'rs256'])('%s: names, policies and limits are judged alike', (suite) => {
  const top = rawAuthority(undefined, { subject: 'top', suite });
  const extensions = [policies('1.2.3'), nameConstraints([dnsName('example.cn')])];
  const middle = rawAuthority(top, { subject: 'middle', extensions });
  const good = rawCertificate(middle, { extensions: [host, policies('1.2.3')] });
  const question = {
    intermediates: [middle.certificate],
    anchors: [top.certificate],
    at,
    policies: { acceptable: ['1.2.3'], explicit: true },
  };
  const result = validatePath({ ...question, leaf: good.certificate, names: [{ kind: 'dns', value: 'www.example.cn' }] });
  expect(result).toMatchObject({ valid: true, policies: ['1.2.3'] });
  const bad = rawCertificate(middle, { extensions: [altNames(dnsName('example.com')), policies('1.2.4')] });
  expect(validatePath({ ...question, leaf: bad.certificate }).reasons).toEqual([
    'name-not-permitted',
    'policy-not-acceptable',
    'revocation-unknown',
  ]);
});

test('self-issued authorities do not count for path lengths and are free of name constraints, the leaf is not', () => {
  const bound = rawAuthority(root, { subject: rawName('same'), pathLength: 0, extensions: [nameConstraints([dnsName('example.cn')])] });
  const again = rawAuthority(bound, { subject: rawName('same'), extensions: [altNames(dnsName('example.com'))] });
  const intermediates = [bound.certificate, again.certificate];
  const leaf = rawCertificate(again, { extensions: [host] });
  expect(ask(leaf, { intermediates }).valid).toBe(true);
  const last = rawCertificate(bound, { subject: rawName('same'), extensions: [altNames(dnsName('example.com'))] });
  expect(told(ask(last, { intermediates: [bound.certificate] }))).toEqual(['0 name-not-permitted']);
});

describe('limits we put on an anchor', () => {
  const leaf = rawCertificate(issuing, {
    subject: 'leaf',
    extensions: [host, policies('1.2.3')],
    notBefore: new Date('2026-03-01T00:00:00Z'),
  });
  const under = rawAuthority(root, { subject: 'issuing', key: issuing.key, extensions: [policies('1.2.3')] });
  const limited = (constraints: AnchorConstraints, change: Partial<PathQuestion> = {}) =>
    told(ask(leaf, { intermediates: [under.certificate], constraints: new Map([[root.certificate.fingerprint, constraints]]), ...change }));

  test.each<[string, AnchorConstraints, Partial<PathQuestion>, string[]]>([
    ['none', {}, {}, []],
    ['permitted names', { permittedNames: [{ kind: 'dns', value: 'example.cn' }] }, {}, []],
    ['other permitted names', { permittedNames: [{ kind: 'dns', value: 'example.com' }] }, {}, ['0 name-not-permitted']],
    [
      'excluded names',
      { excludedNames: [{ kind: 'directory', attributes: [{ oid: OID.country, value: 'CN' }] }] },
      {},
      ['1 name-not-permitted', '0 name-not-permitted'],
    ],
    ['a network', { permittedNames: [{ kind: 'ip', value: '10.0.0.0/8' }] }, {}, []],
    ['its purpose', { purposes: ['document-signing'] }, { purpose: 'document-signing' }, []],
    ['another purpose', { purposes: ['document-signing'] }, { purpose: 'server' }, ['2 wrong-purpose']],
    ['no purpose asked', { purposes: ['document-signing'] }, {}, ['2 wrong-purpose']],
    ['its policy', { policies: ['1.2.3'] }, {}, []],
    ['another policy', { policies: ['1.2.4'] }, {}, ['0 policy-not-acceptable']],
    ['its policy, but not the caller’s', { policies: ['1.2.3'] }, { policies: { acceptable: ['1.2.4'] } }, ['0 policy-not-acceptable']],
    ['no authorities below', { maxPathLength: 0 }, {}, ['2 path-too-long']],
    ['one authority below', { maxPathLength: 1 }, {}, []],
    ['trust that begins later', { trustedFrom: new Date('2026-07-01T00:00:00Z') }, {}, ['2 anchor-not-trusted-then']],
    ['trust that has ended', { trustedUntil: new Date('2026-05-01T00:00:00Z') }, {}, ['2 anchor-not-trusted-then']],
    ['issued in time', { issuedUntil: new Date('2026-03-01T00:00:00Z') }, {}, []],
    ['issued too late', { issuedUntil: new Date('2026-02-01T00:00:00Z') }, {}, ['2 issued-after-distrust']],
  ])('%s', (_what, constraints, change, findings) => {
    expect(limited(constraints, change)).toEqual(findings);
  });

  test('those of one anchor do not bind another', () => {
    expect(ask(leaf, { intermediates: [under.certificate], constraints: new Map([['0'.repeat(64), { maxPathLength: 0 }]]) }).valid).toBe(
      true,
    );
  });

  test.each(['10.0.0.0', '10.0.0.0/33', 'x/8', '::/129'])('a network written %s is refused', (value) => {
    expect(() => nameConstraintsOf({ permittedNames: [{ kind: 'ip', value }] })).toThrow();
  });
});

test('an extended usage asked for must be open all the way, an anchor’s aside', () => {
  const usage = (...oids: string[]) => ({ oid: OID.extendedKeyUsage, value: sequence(...oids.map((one) => oid(one))) });
  const mail = rawAuthority(root, { subject: 'mail', extensions: [usage(OID.emailProtection)] });
  const open = rawAuthority(root, { subject: 'open', extensions: [usage(OID.anyExtendedKeyUsage)] });
  const asked = { extendedUsages: [OID.clientAuthentication] };
  expect(told(ask(rawCertificate(mail), asked, mail))).toEqual(['1 wrong-purpose']);
  expect(ask(rawCertificate(open), asked, open).valid).toBe(true);
  expect(told(ask(rawCertificate(open, { extensions: [usage(OID.emailProtection)] }), asked, open))).toEqual(['0 wrong-purpose']);
  expect(ask(rawCertificate(mail), { ...asked, anchors: [mail.certificate] }, mail).valid).toBe(true);
  expect(ask(rawCertificate(mail), { purpose: 'document-signing' }, mail).valid).toBe(true);
});

describe('rules for those who make certificates', () => {
  const broken = (options: RawCertificate, rules: CertificateRules = 'rfc5280') =>
    ask(rawCertificate(issuing, options), { rules }).findings.flatMap(({ reason, detail }) =>
      reason === 'rules-broken' ? [detail ?? ''] : [],
    );

  test.each<[string, RawCertificate, string]>([
    ['a serial of zero', { serial: Uint8Array.of(0) }, '4.1.2.2'],
    ['a negative serial', { serial: Uint8Array.of(0x80) }, '4.1.2.2'],
    ['a serial of 21 octets', { serial: Uint8Array.from({ length: 21 }, () => 1) }, '4.1.2.2'],
    [
      'a time with a fraction',
      { validity: sequence(tlv(TAG.generalizedTime, Buffer.from('20260101000000.5Z')), tlv(TAG.utcTime, Buffer.from('300101000000Z'))) },
      '4.1.2.5',
    ],
    [
      'GeneralizedTime before 2050',
      { validity: sequence(tlv(TAG.generalizedTime, Buffer.from('20260101000000Z')), tlv(TAG.utcTime, Buffer.from('300101000000Z'))) },
      '4.1.2.5',
    ],
    ['no authority key identifier', { withoutExtensions: [OID.authorityKeyIdentifier] }, '4.2.1.1'],
    [
      'a critical subject key identifier',
      { extensions: [{ oid: OID.subjectKeyIdentifier, critical: true, value: octetString(Uint8Array.of(1)) }] },
      '4.2: extension 2.5.29.14',
    ],
    ['name constraints in a leaf', { extensions: [nameConstraints([dnsName('example.cn')])] }, '4.2.1.10'],
    ['keyCertSign in a leaf', { keyUsage: ['key-cert-sign'] }, '4.2.1.3'],
    ['no name at all', { subject: sequence() }, '4.2.1.6'],
    ['an underscore in a host', { extensions: [altNames(dnsName('a_b.example.cn'))] }, '4.2.1.6'],
  ])('%s breaks RFC 5280, and path validation alone does not mind', (_what, options, clause) => {
    expect(broken(options).some((detail) => detail.startsWith(clause))).toBe(true);
    expect(ask(rawCertificate(issuing, options)).valid).toBe(true);
  });

  test('a good server certificate breaks none, not even those of the web', () => {
    const server = {
      subject: rawName('www.example.cn'),
      extensions: [host, { oid: OID.extendedKeyUsage, value: sequence(oid(OID.serverAuthentication)) }],
    };
    expect(broken(server, 'tls')).toEqual([]);
    expect(broken({ ...server, subject: rawName('other.example.cn') }, 'tls')).toEqual(['BR 7.1.4.3: common name is no alternative name']);
    expect(broken({ ...server, ca: true }, 'tls')).toEqual(['BR 7.1.2.7.8: an authority as a server']);
  });

  test('an inner signature algorithm that differs makes the certificate unreadable', () => {
    const { der } = issuing.certificate;
    const changed = Buffer.from(der);
    // ecdsa-with-SHA256 stands twice; the outer one becomes ecdsa-with-SHA384.
    changed[changed.lastIndexOf(Buffer.from('06082a8648ce3d040302', 'hex')) + 9] = 3;
    expect(() => parseCertificate(changed)).toThrow('differ');
  });
});

describe('graphs made to keep us busy', () => {
  test('authorities that all certify each other end at the budget', () => {
    const keys = Array.from({ length: 8 }, (_, index) => ({ key: newKey(), name: rawName(`node ${index}`) }));
    const base = keys.map(({ key, name }) => rawAuthority(undefined, { key, subject: name }));
    const crossed = base.flatMap((issuer) =>
      base.filter((one) => one !== issuer).map((one) => rawAuthority(issuer, { key: one.key, subject: one.certificate.subject.der })),
    );
    const leaf = rawCertificate(base[0]);
    const result = ask(leaf, { intermediates: crossed.map(({ certificate }) => certificate) });
    expect(result).toMatchObject({ valid: false, anchored: false });
    expect(result.reasons).toContain('work-limit');
    expect(result.spent.signatures).toBeLessThanOrEqual(201);
    expect(result.spent.steps).toBeLessThanOrEqual(1_001);
    expect(result.spent.paths).toBeLessThanOrEqual(101);
  });

  test('the way out of such a graph is found when a key identifier shows it', () => {
    const loop = rawAuthority(undefined, { subject: 'issuing' });
    const noise = Array.from({ length: 60 }, () => rawAuthority(loop, { subject: 'issuing' }).certificate);
    const result = ask(rawCertificate(issuing), { intermediates: [...noise, issuing.certificate] });
    expect(result).toMatchObject({ valid: true });
    expect(result.spent.signatures).toBeLessThanOrEqual(2);
  });

  test('a chain longer than any real one is given up', () => {
    let above = rawAuthority(root, { subject: 'level 0' });
    const all = [above.certificate];
    for (let level = 1; level < 20; level++) {
      above = rawAuthority(above, { subject: `level ${level}` });
      all.push(above.certificate);
    }
    expect(ask(rawCertificate(above), { intermediates: all }).reasons).toContain('work-limit');
  });

  test('an expired cross-certificate does not hide the good one', () => {
    const other = rawAuthority(undefined, { subject: 'other root' });
    const expired = rawAuthority(other, { subject: 'issuing', key: issuing.key, notAfter: new Date('2026-02-01T00:00:00Z') });
    const result = ask(rawCertificate(issuing), {
      intermediates: [expired.certificate, issuing.certificate],
      anchors: [other.certificate, root.certificate],
    });
    expect(result).toMatchObject({ valid: true });
    expect(result.path.at(-1)).toBe(root.certificate);
  });
});

test('a policy constraint, a mapping of any-policy and an unreadable extension are told as what they are', () => {
  const odd = rawCertificate(issuing, { extensions: [{ oid: OID.keyUsage, critical: true, value: integer(1) }] });
  expect(ask(odd).findings[0]).toMatchObject({ reason: 'malformed-extension', detail: OID.keyUsage });
  const mapped = { oid: OID.policyMappings, critical: true, value: sequence(sequence(oid(OID.anyPolicy), oid('1.2.3'))) };
  expect(told(ask(rawCertificate(issuing, { extensions: [mapped] })))).toEqual(['0 malformed-extension']);
  const empty = { oid: OID.policyConstraints, critical: true, value: sequence() };
  expect(told(ask(rawCertificate(issuing, { extensions: [empty] })))).toEqual(['0 malformed-extension']);
});

describe('revocation that is buried', () => {
  const leaf = rawCertificate(issuing);
  const serial = leaf.certificate.serialBytes;
  const stranger = rawAuthority(undefined, { subject: 'issuing', key: newKey() });
  // Without a key identifier nothing tells a forged list from a real one but its signature.
  const forged = Array.from({ length: 250 }, (_, number) =>
    rawCrl(stranger, { number, withoutKeyIdentifier: true, entries: [{ serial }] }),
  );

  test('under forged lists is not mistaken for none: the path is refused when the budget ends', () => {
    const result = ask(leaf, { crls: [...forged, rawCrl(issuing, { entries: [{ serial, reason: 1 }] })] });
    expect(result.valid).toBe(false);
    expect(result.reasons).toContain('work-limit');
  });

  test('under lists that are merely old costs nothing', () => {
    const old = { thisUpdate: new Date('2026-03-01T00:00:00Z'), nextUpdate: new Date('2026-03-08T00:00:00Z') };
    const archive = Array.from({ length: 300 }, (_, number) => rawCrl(issuing, { ...old, number }));
    const result = ask(leaf, { crls: [...archive, rawCrl(issuing, { entries: [{ serial, reason: 1 }] })] });
    expect(result.reasons).toContain('revoked');
    expect(result.spent.signatures).toBeLessThan(5);
  });
});
