import { decodeProtectedHeader } from 'jose';
import * as client from 'openid-client';
import { expect, test } from 'vitest';
import { replaceableFieldCipher } from '#crypto/field-cipher.ts';
import { promoteSigningKey, rotateSigningKey } from '#oidc/signing-keys.ts';
import { testDatabase } from '#test/test-database.ts';
import { authorizationUrl, authorize, discover, exchange, testApp } from './test-app.ts';
import { TestBrowser } from './test-browser.ts';
import { testProvider } from './test-provider.ts';

const { db } = await testDatabase();

test('a token key is replaced under live sessions: nobody is signed out, old hints still count', async () => {
  const provider = await testProvider(db);
  const app = await testApp(provider, 'key-app');
  const browser = new TestBrowser();
  const before = await exchange(app, await authorize(browser, app));
  const kids = async () =>
    ((await (await fetch(`${provider.oidc.issuer}/jwks`)).json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
  const old = decodeProtectedHeader(before.id_token ?? '').kid;

  const kid = await rotateSigningKey(provider.deps, { alg: 'ES256', by: 'staff:test' });
  await provider.oidc.reloadKeys();
  expect(await kids()).toEqual([old, kid, expect.any(String)]);
  await promoteSigningKey(provider.deps, { kid, by: 'staff:test' });
  await provider.oidc.reloadKeys();
  expect(await kids()).toEqual([kid, old, expect.any(String)]);

  app.config = await discover(provider, app.id, client.ClientSecretBasic(app.secret));
  const request = await authorizationUrl(app, { prompt: 'none', id_token_hint: before.id_token ?? '' });
  const visit = await browser.send(request.url);
  const after = await exchange(app, { ...request, callback: new URL(visit.headers.get('location') ?? ''), visit });
  expect(decodeProtectedHeader(after.id_token ?? '').kid).toBe(kid);
  expect(after.claims()?.sub).toBe(before.claims()?.sub);
  expect((await client.refreshTokenGrant(app.config, before.refresh_token ?? '')).access_token).toBeTruthy();
});

test('the key of cookies follows the blind-index key: who is signed in stays so while both count, and after if they came by', async () => {
  const key = (version: number) => ({ version, key: new Uint8Array(32).fill(version) });
  const others = { fieldKeys: [{ version: 1, key: new Uint8Array(32).fill(7) }], identifierKey: new Uint8Array(32).fill(11) };
  const fields = replaceableFieldCipher({ ...others, indexKeys: [key(1)] });
  const provider = await testProvider(db, { fields });
  const app = await testApp(provider, 'cookie-app');
  const [regular, rare] = [new TestBrowser(), new TestBrowser()];
  const signedIn = async (browser: TestBrowser) => {
    const request = await authorizationUrl(app, { prompt: 'none' });
    const visit = await browser.send(request.url);
    const callback = new URL(visit.headers.get('location') ?? '');
    if (callback.searchParams.has('error')) return callback.searchParams.get('error');
    return (await exchange(app, { ...request, callback, visit })).claims()?.sub;
  };
  const follow = async (...versions: number[]) => {
    fields.replaceKeys({ ...others, indexKeys: versions.map(key) });
    await provider.oidc.reloadKeys();
  };
  const subject = (await exchange(app, await authorize(regular, app))).claims()?.sub;
  expect((await exchange(app, await authorize(rare, app))).claims()?.sub).toBe(subject);
  for (const versions of [[1], [1, 2], [2, 1]]) {
    await follow(...versions);
    expect(await signedIn(regular)).toBe(subject);
  }
  await follow(2);
  expect(await signedIn(regular)).toBe(subject);
  expect(await signedIn(rare)).toBe('login_required');
  // Signing in again, the app knows them as before.
  expect((await exchange(app, await authorize(rare, app))).claims()?.sub).toBe(subject);
});
