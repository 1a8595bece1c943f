import { describe, expect, test } from 'vitest';
import { canonicalJson, payloadDigest } from '#access/approval.ts';
import { areRolesCompatible, type Role } from '#access/staff.ts';

const position = (organisationId: string, ...roles: Role[]) => ({ organisationId, roles });

describe('separation of duties', () => {
  test.each([
    ['counter and issuer in one office', [position('a', 'counter', 'issuer')], true],
    ['seal-admin and approver: it is the request that needs two persons', [position('a', 'seal-admin', 'approver')], true],
    ['operator and auditor in one office', [position('a', 'operator', 'auditor')], false],
    ['operator here, auditor there', [position('a', 'operator'), position('b', 'auditor')], false],
    ['auditor with a duty in the office audited', [position('a', 'auditor', 'counter')], false],
    ['auditor here, counter there', [position('a', 'auditor'), position('b', 'counter')], true],
  ])('%s is allowed: %s', (_what, positions, allowed) => {
    expect(areRolesCompatible(positions)).toBe(allowed);
  });
});

describe('the digest of what is approved', () => {
  test('does not depend on the order of members, nor on absent ones', () => {
    const one = { b: [1, { y: 2, x: 1 }], a: 'ä', nothing: undefined };
    const other = { a: 'ä', b: [1, { x: 1, y: 2 }] };
    expect(canonicalJson(one)).toBe('{"a":"ä","b":[1,{"x":1,"y":2}]}');
    expect(payloadDigest(one)).toEqual(payloadDigest(other));
  });
  test.each([
    [{ a: 1 }, { a: '1' }],
    [{ a: [1, 2] }, { a: [2, 1] }],
    [{ a: null }, {}],
    [{ 'a":1,"b': 1 }, { a: 1, b: 1 }],
  ])('%j and %j differ', (one, other) => {
    expect(payloadDigest(one)).not.toEqual(payloadDigest(other));
  });
});
