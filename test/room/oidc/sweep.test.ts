import { expect, test } from 'vitest';
import { sweepExpired } from '#oidc/sweep.ts';
import { testClock } from '#test/fakes/test-clock.ts';
import { testDatabase } from '#test/test-database.ts';

const { db } = await testDatabase();
const clock = testClock();
const at = clock.now();
const after = (days: number) => new Date(at.getTime() + days * 86_400_000);

test('what expired goes, what lives stays, and sessions of people are kept for questions about their log-out', async () => {
  const common = { payload: {}, createdAt: at };
  await db.oidcSession.createMany({
    data: [
      { ...common, uid: 'anonymous over', expiresAt: after(-1) },
      { ...common, uid: 'anonymous alive', expiresAt: after(1) },
      { ...common, uid: 'person lately', personId: 'p', expiresAt: after(-29) },
      { ...common, uid: 'person long ago', personId: 'p', expiresAt: after(-31) },
    ],
  });
  const participation = { clientId: 'c', personId: 'p', firstSeenAt: after(-40) };
  await db.oidcParticipation.createMany({
    data: [
      { ...participation, sessionUid: 'person lately', sid: 's1', lastSeenAt: after(-31) },
      { ...participation, sessionUid: 'person long ago', sid: 's2', lastSeenAt: after(-31) },
    ],
  });
  const grant = { ...common, clientId: 'c', personId: 'p', sid: 's' };
  await db.oidcGrant.createMany({
    data: [
      { ...grant, id: 'over', expiresAt: after(-1) },
      { ...grant, id: 'alive', expiresAt: after(1) },
    ],
  });
  const token = { ...common, grantId: 'alive', clientId: 'c', personId: 'p' };
  await db.oidcRefreshToken.createMany({
    data: [
      { ...token, idHash: Uint8Array.of(1), expiresAt: after(-1) },
      { ...token, idHash: Uint8Array.of(2), expiresAt: after(1) },
    ],
  });
  for (const days of [-184, -182]) {
    const logout = await db.oidcLogout.create({ data: { personId: 'p', reason: `${days}`, at: after(days) } });
    const delivery = { logoutId: logout.id, clientId: 'c', personId: 'p', state: 'failed', dueAt: at, createdAt: at };
    await db.oidcLogoutDelivery.createMany({ data: [delivery, delivery] });
  }
  while ((await sweepExpired({ db, clock })) > 0);
  expect((await db.oidcSession.findMany({ orderBy: { uid: 'asc' } })).map(({ uid }) => uid)).toEqual(['anonymous alive', 'person lately']);
  expect((await db.oidcParticipation.findMany()).map(({ sid }) => sid)).toEqual(['s1']);
  expect((await db.oidcGrant.findMany()).map(({ id }) => id)).toEqual(['alive']);
  expect(await db.oidcRefreshToken.count()).toBe(1);
  expect((await db.oidcLogout.findMany()).map(({ reason }) => reason)).toEqual(['-182']);
  expect(await db.oidcLogoutDelivery.count()).toBe(2);
});
