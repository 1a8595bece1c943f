/** Many at the same moment: what a plain adapter gets wrong (a code used nine times, a session that forgets six apps of seven). */
import * as client from 'openid-client';
import { describe, expect, test } from 'vitest';
import { inProcessStore } from '#adapters/in-process-store.ts';
import { openRedisStore } from '#adapters/redis-store.ts';
import { deliverDueLogouts } from '#oidc/deliver-logouts.ts';
import { redisForTests } from '#test/redis-for-tests.ts';
import { testDatabase } from '#test/test-database.ts';
import { authorizationUrl, authorize, exchange, type TestApp, testApp } from './test-app.ts';
import { TestBrowser } from './test-browser.ts';
import { type TestProvider, testProvider } from './test-provider.ts';

const { db } = await testDatabase();
const redis = await redisForTests();

const tokenRequest = (provider: TestProvider, app: TestApp, body: Record<string, string>) =>
  fetch(`${provider.oidc.issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${app.id}:${app.secret}`).toString('base64')}` },
    body: new URLSearchParams(body),
  });

const stores = [
  { kind: 'in-process', open: async () => inProcessStore(), missing: false },
  { kind: 'redis', open: () => openRedisStore({ url: redis?.url ?? '', prefix: `t${Math.random()}:` }), missing: !redis },
];

describe.each(stores)('with the $kind store', ({ kind, open, missing }) => {
  if (missing) {
    test.skip('no Redis here');
    return;
  }

  test('of ten parallel redemptions of one code exactly one succeeds, and nine are told invalid_grant', async () => {
    const provider = await testProvider(db, { ephemeral: await open() });
    const app = await testApp(provider, `${kind}-race-code`);
    for (let round = 0; round < 3; round++) {
      const flow = await authorize(new TestBrowser(), app);
      const body = {
        grant_type: 'authorization_code',
        code: flow.callback.searchParams.get('code') ?? '',
        redirect_uri: app.redirectUri,
        code_verifier: flow.verifier,
      };
      const replies = await Promise.all(Array.from({ length: 10 }, () => tokenRequest(provider, app, body)));
      expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
      const refused = replies.filter(({ status }) => status !== 200);
      expect(refused.map(({ status }) => status)).toEqual(Array.from({ length: 9 }, () => 400));
      for (const reply of refused) expect(((await reply.json()) as { error: string }).error).toBe('invalid_grant');
    }
  });

  test('of ten parallel uses of one refresh token one wins, and the family is revoked', async () => {
    const provider = await testProvider(db, { ephemeral: await open() });
    const app = await testApp(provider, `${kind}-race-refresh`);
    const tokens = await exchange(app, await authorize(new TestBrowser(), app));
    const body = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '' };
    const replies = await Promise.all(Array.from({ length: 10 }, () => tokenRequest(provider, app, body)));
    const won = replies.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    expect(replies.filter(({ status }) => status === 400)).toHaveLength(9);
    const winner = (await won[0]?.json()) as { refresh_token: string; access_token: string };
    expect((await tokenRequest(provider, app, { grant_type: 'refresh_token', refresh_token: winner.refresh_token })).status).toBe(400);
    await expect(client.fetchUserInfo(app.config, winner.access_token, tokens.claims()?.sub ?? '')).rejects.toThrow();
    expect(await db.oidcRefreshToken.count({ where: { clientId: app.id, consumedAt: null } })).toBeLessThanOrEqual(1);
  });

  test('a browser that starts at seven apps at once gets seven codes, all redeem, and one log-out reaches all seven', async () => {
    const provider = await testProvider(db, { ephemeral: await open() });
    const entrance = await testApp(provider, `${kind}-race-entrance`);
    const apps = await Promise.all(Array.from({ length: 7 }, (_, index) => testApp(provider, `${kind}-race-app-${index}`)));
    const browser = new TestBrowser();
    await exchange(entrance, await authorize(browser, entrance));

    const requests = await Promise.all(apps.map((app) => authorizationUrl(app)));
    const visits = await Promise.all(requests.map(({ url }) => browser.send(url)));
    const callbacks = visits.map((visit) => new URL(visit.headers.get('location') ?? 'about:blank'));
    expect(callbacks.filter((callback) => callback.searchParams.has('code'))).toHaveLength(7);

    const tokens = await Promise.all(
      apps.map((app, index) => {
        const request = requests[index] as (typeof requests)[0];
        return exchange(app, { ...request, callback: callbacks[index] as URL, visit: visits[index] as (typeof visits)[0] });
      }),
    );
    expect(new Set(tokens.map((set) => set.claims()?.['sid'])).size).toBe(7);
    const infos = await Promise.all(
      apps.map((app, index) => client.fetchUserInfo(app.config, tokens[index]?.access_token ?? '', tokens[index]?.claims()?.sub ?? '')),
    );
    expect(infos.map(({ name }) => name)).toEqual(Array.from({ length: 7 }, () => '林小满'));

    await browser.go(`${provider.origin}/logout`, { method: 'POST' });
    await deliverDueLogouts(provider.deps);
    for (const [index, app] of apps.entries()) {
      expect(app.logoutTokens, app.id).toHaveLength(1);
      const claims = JSON.parse(Buffer.from(app.logoutTokens[0]?.split('.')[1] ?? '', 'base64url').toString()) as {
        sid: string;
        sub: string;
      };
      expect(claims).toMatchObject({ sid: tokens[index]?.claims()?.['sid'], sub: tokens[index]?.claims()?.sub });
    }
    expect(entrance.logoutTokens).toHaveLength(1);
    const report = await provider.oidc.logoutReport(browser.cookie('tongren_logout') ?? '');
    expect(report?.apps).toHaveLength(8);
    expect(report?.done).toBe(true);
  });

  test('two tabs that open one app at the same moment both get in', async () => {
    const provider = await testProvider(db, { ephemeral: await open() });
    const [entrance, app] = [await testApp(provider, `${kind}-tabs-entrance`), await testApp(provider, `${kind}-tabs-app`)];
    const browser = new TestBrowser();
    await exchange(entrance, await authorize(browser, entrance));
    const requests = await Promise.all(Array.from({ length: 4 }, () => authorizationUrl(app)));
    const visits = await Promise.all(requests.map(({ url }) => browser.send(url)));
    const tokens = await Promise.all(
      requests.map((request, index) => {
        const visit = visits[index] as (typeof visits)[0];
        return exchange(app, { ...request, callback: new URL(visit.headers.get('location') ?? ''), visit });
      }),
    );
    expect(new Set(tokens.map((set) => set.claims()?.['sid'])).size).toBe(1);
    expect(await db.oidcGrant.count({ where: { clientId: app.id } })).toBe(1);
  });

  test('an app that joins while the person logs out is either told or turned away, never left behind', async () => {
    const provider = await testProvider(db, { ephemeral: await open() });
    const entrance = await testApp(provider, `${kind}-join-entrance`);
    const apps = await Promise.all(Array.from({ length: 5 }, (_, index) => testApp(provider, `${kind}-join-app-${index}`)));
    const browser = new TestBrowser();
    await exchange(entrance, await authorize(browser, entrance));
    const requests = await Promise.all(apps.map((app) => authorizationUrl(app)));
    const [, ...visits] = await Promise.all([
      browser.send(`${provider.origin}/logout`, { method: 'POST' }),
      ...requests.map(({ url }) => browser.send(url)),
    ]);
    await deliverDueLogouts(provider.deps);
    for (const [index, app] of apps.entries()) {
      const location = visits[index]?.headers.get('location') ?? '';
      const gotCode = location.startsWith(app.redirectUri) && location.includes('code=');
      expect(gotCode ? app.logoutTokens.length : 0, `${app.id} ${location}`).toBe(gotCode ? 1 : 0);
    }
  });

  test('of ten parallel uses of one pushed request one gets a code', async () => {
    const provider = await testProvider(db, { ephemeral: await open() });
    const app = await testApp(provider, `${kind}-race-par`);
    const browser = new TestBrowser();
    await exchange(app, await authorize(browser, app));
    const { parameters } = await authorizationUrl(app);
    const url = await client.buildAuthorizationUrlWithPAR(app.config, parameters);
    const visits = await Promise.all(Array.from({ length: 10 }, () => browser.send(url)));
    expect(visits.filter((visit) => visit.headers.get('location')?.includes('code='))).toHaveLength(1);
  });
});
