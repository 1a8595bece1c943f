import { expect, test } from 'vitest';
import { mergeAnswer } from '#oidc/consents.ts';
import { decideContent } from '#oidc/load-grant.ts';

const answer = { personId: 'p', clientId: 'c', scopes: ['openid', 'profile', 'phone'], claims: [], shown: ['name', 'phone_number'] };

test('a scope is agreed to when something of it was, and refused when nothing was', () => {
  const content = mergeAnswer(undefined, { ...answer, accepted: ['name'] });
  expect(content).toEqual({
    scopes: ['openid', 'profile'],
    rejectedScopes: ['phone'],
    claims: [],
    rejectedClaims: ['phone_number', 'phone_number_verified'],
  });
});

test('a later yes overrides an earlier no, and the other way round', () => {
  const before = mergeAnswer(undefined, { ...answer, accepted: ['name'] });
  const yes = mergeAnswer(before, { ...answer, shown: ['phone_number'], accepted: ['phone_number'] });
  expect(yes).toMatchObject({ scopes: ['openid', 'profile', 'phone'], rejectedScopes: [], rejectedClaims: [] });
  const no = mergeAnswer(yes, { ...answer, accepted: [] });
  expect(no).toMatchObject({ scopes: ['openid'], rejectedScopes: ['profile', 'phone'] });
});

test('what was not on the page stays as it was', () => {
  const before = mergeAnswer(undefined, { ...answer, accepted: ['name', 'phone_number'] });
  const after = mergeAnswer(before, {
    ...answer,
    scopes: ['openid', 'identity'],
    shown: ['citizen_number_masked', 'assurance_level'],
    accepted: ['assurance_level'],
  });
  expect(after.scopes).toEqual(['openid', 'profile', 'phone', 'identity']);
  expect(after.rejectedClaims).toEqual(['citizen_number_masked']);
});

test('an app of the city gets what it asks for without a page, but nothing sensitive', () => {
  const content = decideContent({
    consent: undefined,
    asked: { scopes: ['openid', 'profile', 'citizen_number'], claims: ['citizen_number', 'assurance_level'] },
    firstParty: true,
    before: undefined,
  });
  expect(content).toEqual({ scopes: ['openid', 'profile'], claims: ['assurance_level'], rejectedScopes: [], rejectedClaims: [] });
});

test('another app gets exactly what was agreed to, whatever it asks for', () => {
  const consent = { scopes: ['openid'], claims: [], rejectedScopes: ['profile'], rejectedClaims: ['name'] };
  const asked = { scopes: ['openid', 'profile', 'phone'], claims: ['name'] };
  expect(decideContent({ consent, asked, firstParty: false, before: undefined })).toEqual(consent);
  expect(decideContent({ consent: undefined, asked, firstParty: false, before: undefined }).scopes).toEqual([]);
});
