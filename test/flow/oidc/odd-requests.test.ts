import fc from 'fast-check';
import { expect, test } from 'vitest';
import { testDatabase } from '#test/test-database.ts';
import { authorizationUrl, testApp } from './test-app.ts';
import { TestBrowser } from './test-browser.ts';
import { testProvider } from './test-provider.ts';

const { db } = await testDatabase();

const NAMES = [
  'client_id',
  'redirect_uri',
  'scope',
  'state',
  'nonce',
  'claims',
  'acr_values',
  'max_age',
  'prompt',
  'resource',
  'id_token_hint',
  'request',
  'request_uri',
  'response_mode',
  'code_challenge',
];
const oddValue = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom(
    '',
    '\0',
    '%',
    '{"userinfo":{"name":[]}}',
    '{"id_token":{"acr":{"essential":true,"values":"x"}}}',
    '{"id_token":{"acr":{"value":7}}}',
    '-1',
    '9'.repeat(40),
    '__proto__',
    'constructor',
    'none',
    'none none',
    'urn:ietf:params:oauth:request_uri:x',
    'a '.repeat(500),
    '身份证',
  ),
  fc.json({ maxDepth: 3 }),
);

test('no parameter, however odd, brings the authorization endpoint down or leads away from the app', async () => {
  const provider = await testProvider(db);
  const app = await testApp(provider, 'odd-app', { firstParty: false });
  const request = await authorizationUrl(app);
  const browser = new TestBrowser();
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.constantFrom(...NAMES), oddValue, { minKeys: 1, maxKeys: 4 }), async (changes) => {
      const url = new URL(request.url);
      for (const [name, value] of Object.entries(changes)) url.searchParams.set(name, value);
      const visit = await browser.send(url);
      expect(visit.status, url.href).toBeLessThan(500);
      const location = visit.headers.get('location');
      if (location) expect([provider.origin, new URL(app.redirectUri).origin]).toContain(new URL(location, provider.origin).origin);
    }),
    { seed: 20261121, numRuns: 250 },
  );
});

test('no body, however odd, brings the token, revocation or log-out endpoint down', async () => {
  const provider = await testProvider(db);
  const app = await testApp(provider, 'odd-token-app');
  const authorization = `Basic ${Buffer.from(`${app.id}:${app.secret}`).toString('base64')}`;
  const names = [
    'grant_type',
    'code',
    'redirect_uri',
    'code_verifier',
    'refresh_token',
    'token',
    'token_type_hint',
    'client_assertion',
    'client_assertion_type',
    'logout',
    'xsrf',
  ];
  const paths = [
    'token',
    'token/revocation',
    'token/introspection',
    'request',
    'session/end',
    'session/end/confirm',
    'me',
    'nowhere',
    '../admin',
    '%2e%2e/x',
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...paths),
      fc.dictionary(
        fc.constantFrom(...names),
        fc.oneof(oddValue, fc.constantFrom('authorization_code', 'refresh_token', 'client_credentials')),
        { maxKeys: 5 },
      ),
      fc.constantFrom('application/x-www-form-urlencoded', 'application/json', 'text/plain', ''),
      async (path, body, type) => {
        const headers = { authorization, ...(type ? { 'content-type': type } : {}) };
        const reply = await fetch(`${provider.oidc.issuer}/${path}`, {
          method: 'POST',
          headers,
          body: new URLSearchParams(body).toString(),
          redirect: 'manual',
        });
        expect(reply.status, `${path} ${JSON.stringify(body)}`).toBeLessThan(500);
        await reply.text();
      },
    ),
    { seed: 20261121, numRuns: 250 },
  );
});
