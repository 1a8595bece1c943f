import { describe, expect, test } from 'vitest';
import { DEFAULT_WORK } from '#pki/build-chains.ts';
import { judgeRevocation, type RevocationQuestion } from '#pki/judge-revocation.ts';
import { validatePath } from '#pki/validate-path.ts';
import { distributionPoints, newKey, type RawCrl, rawAuthority, rawCertificate, rawCrl, rawName, uriName } from '../../fakes/raw-pki.ts';

const at = new Date('2026-06-01T08:00:00Z');
const later = new Date('2026-06-02T00:00:00Z');
const root = rawAuthority(undefined, { subject: 'root' });
const issuing = rawAuthority(root, { subject: 'issuing' });
const leaf = rawCertificate(issuing, { subject: 'leaf' });
const { serialBytes: serial } = leaf.certificate;
const [HOLD, REMOVE, COMPROMISE, SUPERSEDED] = [6, 8, 1, 4];

const list = (options: RawCrl = {}) => rawCrl(issuing, options);
const ask = (lists: RawCrl[], change: Partial<RevocationQuestion> = {}) =>
  judgeRevocation({ certificate: leaf.certificate, issuer: issuing.certificate, crls: lists.map(list), at, ...change });

describe('complete lists', () => {
  test('a fresh list without the certificate says good, with it revoked', () => {
    expect(ask([{}])).toEqual({ status: 'good', asOf: new Date('2026-05-30T00:00:00Z') });
    expect(ask([{ entries: [{ serial, reason: COMPROMISE }] }])).toMatchObject({ status: 'revoked', reason: 'key-compromise' });
  });

  test('a revocation that begins after the time asked about says nothing against it', () => {
    expect(ask([{ entries: [{ serial, revokedAt: later }] }]).status).toBe('good');
  });

  test('an old list still revokes but says nothing good', () => {
    const old = { thisUpdate: new Date('2026-04-01T00:00:00Z'), nextUpdate: new Date('2026-04-08T00:00:00Z') };
    expect(ask([old])).toEqual({ status: 'unknown', faults: ['crl-stale'] });
    expect(ask([{ ...old, entries: [{ serial, revokedAt: new Date('2026-03-01T00:00:00Z') }] }]).status).toBe('revoked');
  });

  test('the caller may want it fresher than the list promises', () => {
    const hours = (count: number) => ({ freshness: { maximumAgeMs: count * 3_600_000 } });
    expect(ask([{}], hours(56)).status).toBe('good');
    expect(ask([{}], hours(55)).status).toBe('unknown');
  });

  test('a newer list lifts a hold, an older one does not', () => {
    const held = { thisUpdate: new Date('2026-05-30T00:00:00Z'), entries: [{ serial, reason: HOLD }] };
    expect(ask([held])).toMatchObject({ status: 'revoked', reason: 'certificate-hold' });
    expect(ask([held, { thisUpdate: new Date('2026-05-31T00:00:00Z') }]).status).toBe('good');
    expect(ask([held, { thisUpdate: new Date('2026-05-29T00:00:00Z') }]).status).toBe('revoked');
    expect(ask([held, { thisUpdate: new Date('2026-05-31T00:00:00Z'), nextUpdate: new Date('2026-05-31T01:00:00Z') }]).status).toBe(
      'revoked',
    );
  });

  test('a final revocation is not lifted by a newer list', () => {
    const gone = { thisUpdate: new Date('2026-05-29T00:00:00Z'), entries: [{ serial, reason: SUPERSEDED }] };
    expect(ask([gone, { thisUpdate: new Date('2026-05-31T00:00:00Z') }])).toMatchObject({ status: 'revoked', reason: 'superseded' });
  });

  test('lists of another, lists with something unknown, and badly signed ones count for nothing', () => {
    const stranger = rawAuthority(undefined, { subject: 'issuing' });
    const forged = rawCrl(stranger, { entries: [{ serial }] });
    expect(ask([], { crls: [forged] })).toEqual({ status: 'unknown', faults: ['crl-signer-unknown'] });
    const odd = list({ extensions: [{ oid: '1.2.3.4', critical: true, value: Uint8Array.of(5, 0) }] });
    expect(ask([], { crls: [odd] })).toEqual({ status: 'unknown', faults: ['crl-not-understood'] });
    const mute = rawAuthority(root, { subject: 'issuing', key: issuing.key, keyUsage: ['key-cert-sign'] });
    expect(ask([{}], { issuer: mute.certificate }).status).toBe('unknown');
  });
});

describe('delta lists', () => {
  const base: RawCrl = { number: 5, thisUpdate: new Date('2026-05-29T00:00:00Z'), nextUpdate: new Date('2026-06-05T00:00:00Z') };
  const delta: RawCrl = {
    number: 7,
    baseNumber: 5,
    thisUpdate: new Date('2026-06-01T00:00:00Z'),
    nextUpdate: new Date('2026-06-02T00:00:00Z'),
  };

  test('brings a complete list up to date: newly revoked, newly held, released', () => {
    expect(ask([base, delta])).toEqual({ status: 'good', asOf: delta.thisUpdate });
    expect(ask([base, { ...delta, entries: [{ serial, reason: COMPROMISE }] }]).status).toBe('revoked');
    expect(ask([base, { ...delta, entries: [{ serial, reason: HOLD }] }])).toMatchObject({ status: 'revoked', reason: 'certificate-hold' });
    const held = { ...base, entries: [{ serial, reason: HOLD }] };
    expect(ask([held, delta])).toMatchObject({ status: 'revoked', asOf: delta.thisUpdate });
    expect(ask([held, { ...delta, entries: [{ serial, reason: REMOVE }] }])).toEqual({ status: 'good', asOf: delta.thisUpdate });
  });

  test('keeps an overdue complete list fresh', () => {
    const overdue = { ...base, nextUpdate: new Date('2026-05-30T00:00:00Z') };
    expect(ask([overdue]).status).toBe('unknown');
    expect(ask([overdue, delta]).status).toBe('good');
  });

  test('does not take back what is final', () => {
    const gone = { ...base, entries: [{ serial, reason: COMPROMISE }] };
    expect(ask([gone, { ...delta, entries: [{ serial, reason: REMOVE }] }]).status).toBe('revoked');
  });

  test('says nothing good alone, or on a complete list older than its base', () => {
    expect(ask([delta]).status).toBe('unknown');
    const tooOld = { ...base, number: 4, nextUpdate: new Date('2026-05-30T00:00:00Z') };
    expect(ask([tooOld, delta]).status).toBe('unknown');
  });

  test('of another scope does not combine', () => {
    expect(
      ask([
        { ...base, nextUpdate: new Date('2026-05-30T00:00:00Z') },
        { ...delta, scope: { onlyUser: true } },
      ]).status,
    ).toBe('unknown');
  });
});

describe('partitions', () => {
  const [first, second] = [uriName('http://ca.example.cn/1.crl'), uriName('http://ca.example.cn/2.crl')];
  const pointing = rawCertificate(issuing, { extensions: [distributionPoints({ names: [first] })] });
  const askPointing = (...lists: RawCrl[]) => ask(lists, { certificate: pointing.certificate });

  test('the one the certificate points to counts, another does not', () => {
    expect(askPointing({ scope: { names: [first] } }).status).toBe('good');
    expect(askPointing({ scope: { names: [second] } }).status).toBe('unknown');
    expect(askPointing({ scope: { names: [second, first] } }).status).toBe('good');
    expect(askPointing({}).status).toBe('good');
  });

  test('lists for users and for authorities speak about those alone', () => {
    expect(ask([{ scope: { onlyUser: true } }]).status).toBe('good');
    expect(ask([{ scope: { onlyCa: true } }]).status).toBe('unknown');
    const about = (options: RawCrl) =>
      judgeRevocation({ certificate: issuing.certificate, issuer: root.certificate, crls: [rawCrl(root, options)], at }).status;
    expect(about({ scope: { onlyUser: true } })).toBe('unknown');
    expect(about({ scope: { onlyCa: true } })).toBe('good');
  });

  test('lists for some reasons say good only together', () => {
    const some = { scope: { reasons: [1, 2] } };
    const others = { scope: { reasons: [3, 4, 5, 6, 7, 8] } };
    expect(ask([some])).toEqual({ status: 'unknown', faults: ['crl-reasons-missing'] });
    expect(ask([some, others]).status).toBe('good');
    expect(ask([{ ...some, entries: [{ serial, reason: COMPROMISE }] }, others]).status).toBe('revoked');
  });

  test('a point for some reasons narrows the list it names', () => {
    const split = rawCertificate(issuing, {
      extensions: [distributionPoints({ names: [first], reasons: [1, 2] }, { names: [second], reasons: [3, 4, 5, 6, 7, 8] })],
    });
    const askSplit = (...lists: RawCrl[]) => ask(lists, { certificate: split.certificate }).status;
    expect(askSplit({ scope: { names: [first] } })).toBe('unknown');
    expect(askSplit({ scope: { names: [first] } }, { scope: { names: [second] } })).toBe('good');
  });
});

describe('lists signed by others', () => {
  const question = (change: object) =>
    validatePath({
      leaf: leaf.certificate,
      intermediates: [issuing.certificate],
      anchors: [root.certificate],
      at,
      requireRevocation: true,
      ...change,
    });
  const rootList = rawCrl(root);

  test('a second key of the issuer may sign, when its certificate has a path to the same anchor', () => {
    const rolled = rawAuthority(root, { subject: 'issuing', keyUsage: ['crl-sign'] });
    const crls = [rootList, rawCrl(rolled)];
    const both = [issuing.certificate, rolled.certificate];
    expect(question({ crls, intermediates: both })).toMatchObject({ valid: true, reasons: [] });
    expect(question({ crls }).reasons).toEqual(['revocation-unknown']);
    const stranger = rawAuthority(undefined, { subject: 'issuing' });
    expect(question({ crls: [rootList, rawCrl(stranger)], intermediates: [...both, stranger.certificate] }).valid).toBe(false);
  });

  test('and not when that certificate was revoked, or may not sign lists', () => {
    const rolled = rawAuthority(root, { subject: 'issuing', keyUsage: ['crl-sign'] });
    const revoking = rawCrl(root, { entries: [{ serial: rolled.certificate.serialBytes }] });
    const intermediates = [issuing.certificate, rolled.certificate];
    expect(question({ crls: [revoking, rawCrl(rolled)], intermediates }).reasons).toEqual(['revocation-unknown']);
    const mute = rawAuthority(root, { subject: 'issuing', keyUsage: ['key-cert-sign'] });
    expect(question({ crls: [rootList, rawCrl(mute)], intermediates: [issuing.certificate, mute.certificate] }).valid).toBe(false);
  });

  test('an indirect list speaks for the issuers it names, and only where the certificate points to it', () => {
    const teller = rawAuthority(root, { subject: 'teller', keyUsage: ['crl-sign'] });
    const name = teller.certificate.subject.der;
    const pointing = rawCertificate(issuing, { extensions: [distributionPoints({ crlIssuer: name })] });
    const own = pointing.certificate.serialBytes;
    const askIndirect = (options: RawCrl, asked = pointing) =>
      question({
        leaf: asked.certificate,
        intermediates: [issuing.certificate, teller.certificate],
        crls: [rootList, rawCrl(teller, options)],
      });
    const scope = { indirect: true };
    const ours = issuing.certificate.subject.der;
    expect(askIndirect({ scope })).toMatchObject({ valid: true, reasons: [] });
    expect(askIndirect({ scope, entries: [{ serial: own, issuer: ours }] }).reasons).toEqual(['revoked']);
    // The same serial of the list's own issuer, and of a third one, is another certificate.
    expect(askIndirect({ scope, entries: [{ serial: own }, { serial: own, issuer: rawName('third') }] }).valid).toBe(true);
    // An issuer named once holds for the entries after it.
    const follows = [{ serial: Uint8Array.of(1), issuer: ours }, { serial: own }];
    expect(askIndirect({ scope, entries: follows }).reasons).toEqual(['revoked']);
    expect(askIndirect({}).reasons).toEqual(['revocation-unknown']);
    expect(askIndirect({ scope }, leaf).reasons).toEqual(['revocation-unknown']);
  });

  test('lists that vouch for each other’s signers end in no answer, not in a loop', () => {
    const [a, b] = [1, 2].map((n) =>
      rawAuthority(root, { subject: 'issuing', key: newKey(), keyUsage: ['crl-sign'], serial: Uint8Array.of(n) }),
    );
    if (!a || !b) throw new Error('two keys');
    const crls = Array.from({ length: 40 }, (_, number) => rawCrl(number % 2 ? a : b, { number }));
    const result = question({ crls, intermediates: [issuing.certificate, a.certificate, b.certificate] });
    expect(result.spent.signatures).toBeLessThanOrEqual(DEFAULT_WORK.signatures + 1);
  });
});
