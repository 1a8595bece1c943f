import { decodeJwt } from 'jose';
import { beforeEach, expect, test } from 'vitest';
import { inProcessStore } from '#adapters/in-process-store.ts';
import { countLogoutDeliveries, deliverDueLogouts, MAX_ATTEMPTS } from '#oidc/deliver-logouts.ts';
import { endEverySession, endSession } from '#oidc/end-session.ts';
import { logoutReport } from '#oidc/logout-report.ts';
import { registerClient } from '#oidc/register-client.ts';
import { ensureSigningKeys } from '#oidc/signing-keys.ts';
import type { Outbound, OutboundRequest } from '#ports/outbound.ts';
import { Problem } from '#problem.ts';
import { testClock } from '#test/fakes/test-clock.ts';
import { testFields } from '#test/fakes/test-fields.ts';
import { testDatabase } from '#test/test-database.ts';

const { db } = await testDatabase();
const clock = testClock();
let sent: OutboundRequest[] = [];
let answer: (request: OutboundRequest) => { status: number; headers?: Record<string, string> } | Error;
const outbound: Outbound = {
  async request(request) {
    sent.push(request);
    const reply = answer(request);
    if (reply instanceof Error) throw reply;
    return { status: reply.status, headers: new Headers(reply.headers), body: new Uint8Array() };
  },
};
const deps = { db, clock, fields: testFields(), ephemeral: inProcessStore(), outbound, issuer: 'https://id.example/oidc' };
await ensureSigningKeys(deps);

const tokenOf = (request: OutboundRequest | undefined) => new URLSearchParams(String(request?.body)).get('logout_token') ?? '';
let counter = 0;

beforeEach(async () => {
  sent = [];
  answer = () => ({ status: 200 });
  await db.oidcLogoutDelivery.deleteMany();
});

async function app(): Promise<string> {
  const id = `delivery-app-${++counter}`;
  await registerClient(deps, {
    id,
    kind: 'web',
    name: { zh: '应用', en: 'App' },
    operator: { zh: '某局', en: 'Bureau' },
    purpose: { zh: '测试', en: 'Test' },
    redirectUris: [`https://${id}.example/callback`],
    logoutUri: `https://${id}.example/logout`,
    scopes: ['openid'],
    authMethod: 'client_secret_basic',
    by: 'system:test',
  });
  return id;
}

/** A session in which these apps take part. */
async function session(apps: readonly string[], personId = `person-${++counter}`): Promise<{ uid: string; personId: string }> {
  const uid = `session-${++counter}`;
  const at = clock.now();
  await db.oidcSession.create({ data: { uid, personId, payload: {}, createdAt: at, expiresAt: new Date(at.getTime() + 3_600_000) } });
  for (const clientId of apps) {
    await db.oidcParticipation.create({
      data: { sessionUid: uid, clientId, personId, sid: `sid-${++counter}`, firstSeenAt: at, lastSeenAt: at },
    });
  }
  return { uid, personId };
}

const end = async (uid: string) => {
  const ended = await endSession(deps, { uid, reason: 'portal', by: 'system:test' });
  if (!ended) throw new Error('nothing ended');
  return ended.logoutId;
};

test('rows are written with the end of the session, before anything is sent', async () => {
  const { uid } = await session([await app(), await app()]);
  const logoutId = await end(uid);
  expect(sent).toHaveLength(0);
  expect(await countLogoutDeliveries(deps)).toEqual({ pending: 2, failed: 0, oldestPendingSeconds: 0 });
  expect((await logoutReport(deps, logoutId))?.apps.map(({ state }) => state)).toEqual(['pending', 'pending']);
  expect((await db.oidcSession.findUniqueOrThrow({ where: { uid } })).endedAt).toEqual(clock.now());
  expect(await end(uid), 'ending again answers the first log-out').toBe(logoutId);
  expect(await db.oidcLogoutDelivery.count()).toBe(2);
});

test('an app that is down is asked again, later each time, with a fresh token, until it confirms', async () => {
  const { uid } = await session([await app()]);
  const logoutId = await end(uid);
  answer = () => new Problem('outbound-failed');
  expect(await deliverDueLogouts(deps)).toBe(1);
  expect(await deliverDueLogouts(deps), 'not due yet').toBe(0);
  clock.advance(3_000);
  answer = () => ({ status: 503 });
  expect(await deliverDueLogouts(deps)).toBe(1);
  expect(await db.oidcLogoutDelivery.findFirst()).toMatchObject({ state: 'pending', attempts: 2, lastError: 'status 503' });
  clock.advance(6_000);
  answer = () => ({ status: 204 });
  expect(await deliverDueLogouts(deps)).toBe(1);
  expect(await logoutReport(deps, logoutId)).toMatchObject({ done: true, apps: [{ state: 'confirmed', attempts: 3 }] });
  const tokens = sent.map((request) => decodeJwt(tokenOf(request)));
  expect(new Set(tokens.map(({ jti }) => jti)).size).toBe(3);
  expect(tokens.every(({ iat, exp }) => (exp ?? 0) - (iat ?? 0) === 120)).toBe(true);
  expect(tokens[2]?.iat).toBe(Math.floor(clock.now().getTime() / 1000));
});

test('what the app says in Retry-After is respected, up to an hour', async () => {
  const { uid } = await session([await app()]);
  await end(uid);
  answer = () => ({ status: 429, headers: { 'retry-after': '600' } });
  await deliverDueLogouts(deps);
  clock.advance(599_000);
  expect(await deliverDueLogouts(deps)).toBe(0);
  clock.advance(2_000);
  answer = () => ({ status: 429, headers: { 'retry-after': '999999999' } });
  expect(await deliverDueLogouts(deps)).toBe(1);
  clock.advance(3_600_000);
  expect(await deliverDueLogouts(deps)).toBe(1);
});

test('after the last attempt it is failed: kept, reported, counted, and never sent again', async () => {
  const { uid } = await session([await app()]);
  const logoutId = await end(uid);
  answer = () => ({ status: 500 });
  for (let attempt = 0; attempt < MAX_ATTEMPTS + 3; attempt++) {
    await deliverDueLogouts(deps);
    clock.advance(4_000_000);
  }
  expect(sent).toHaveLength(MAX_ATTEMPTS);
  expect(await logoutReport(deps, logoutId)).toMatchObject({ done: true, apps: [{ state: 'failed', attempts: MAX_ATTEMPTS }] });
  expect(await countLogoutDeliveries(deps)).toEqual({ pending: 0, failed: 1, oldestPendingSeconds: 0 });
});

test('many workers share the work: each delivery is sent once', async () => {
  const apps = await Promise.all(Array.from({ length: 30 }, app));
  const { uid } = await session(apps);
  await end(uid);
  const done = await Promise.all(Array.from({ length: 6 }, () => deliverDueLogouts(deps, { limit: 10 })));
  let rest = 0;
  for (let more = 1; more > 0; rest += more) more = await deliverDueLogouts(deps, { limit: 10 });
  expect(done.reduce((sum, count) => sum + count, 0) + rest).toBe(30);
  expect(new Set(sent.map(({ url }) => url)).size).toBe(30);
  expect(sent).toHaveLength(30);
});

test('a worker that dies in the middle leaves its row to the next, once its lease is over', async () => {
  const { uid } = await session([await app()]);
  await end(uid);
  await db.oidcLogoutDelivery.updateMany({ data: { lockedUntil: new Date(clock.now().getTime() + 30_000), attempts: 1 } });
  expect(await deliverDueLogouts(deps)).toBe(0);
  clock.advance(30_001);
  expect(await deliverDueLogouts(deps)).toBe(1);
  expect(sent).toHaveLength(1);
});

test('"everywhere" names every session of the app that insists on session ids', async () => {
  const id = await app();
  const { personId } = await session([id]);
  await session([id], personId);
  await endEverySession(deps, { personId, by: 'system:test' });
  await deliverDueLogouts(deps);
  const sids = sent.map((request) => decodeJwt(tokenOf(request))['sid']);
  expect(new Set(sids).size).toBe(2);
});

test('two log-outs of one person at the same moment lock nobody out and lose nothing', async () => {
  const apps = await Promise.all(Array.from({ length: 3 }, app));
  for (let round = 0; round < 5; round++) {
    const personId = `person-race-${round}`;
    const uids = await Promise.all(Array.from({ length: 4 }, async () => (await session(apps, personId)).uid));
    await Promise.all([
      endEverySession(deps, { personId, by: 'system:test' }),
      ...uids.map((uid) => endSession(deps, { uid, reason: 'portal', by: 'system:test' })),
      endEverySession(deps, { personId, by: 'system:test' }),
    ]);
    expect(await db.oidcLogoutDelivery.count({ where: { personId } })).toBe(12);
  }
});

test('the record of a log-out names apps and counts, nothing about the person', async () => {
  const { uid, personId } = await session([await app()]);
  await end(uid);
  const [event] = await db.auditEvent.findMany({ where: { subject: `person:${personId}` } });
  expect(event).toMatchObject({ kind: 'session-ended', actor: 'system:test', detail: { reason: 'portal', apps: 1 } });
});
