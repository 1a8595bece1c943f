import { expect, test } from 'vitest';
import { Pkcs11Error, type Pkcs11Module } from '#adapters/pkcs11-module.ts';
import { openPkcs11Sessions } from '#adapters/pkcs11-sessions.ts';

const SESSION_INVALID = 0xb3;
const PIN_INCORRECT = 0xa0;

/** A token that does as it is told, and counts. */
function fakeToken(change: Partial<Pkcs11Module> = {}, maxSessions?: number) {
  const counts = { logins: 0, opened: 0, closed: 0, now: 0, most: 0 };
  const module = {
    initialise: async () => undefined,
    findToken: async () => ({ slot: 1n, ...(maxSessions ? { maxSessions } : {}) }),
    mechanisms: async () => new Set<number>(),
    openSession: async () => BigInt(++counts.opened),
    closeSession: async () => void counts.closed++,
    login: async () => void counts.logins++,
    ...change,
  } as unknown as Pkcs11Module;
  const work = async () => {
    counts.most = Math.max(counts.most, ++counts.now);
    await new Promise((done) => setTimeout(done, 2));
    counts.now--;
    return 'done';
  };
  return { counts, work, load: async () => module };
}
const options = { modulePath: 'm', token: 't', pin: '1234' };
const lost = () => Promise.reject(new Pkcs11Error('sign', SESSION_INVALID));

test.each([
  ['as many calls at once as there are sessions', undefined, 4],
  ['no more calls at once than the token has sessions', 2, 2],
])('%s, each with a session of its own', async (_what, maxSessions, most) => {
  const { counts, work, load } = fakeToken({}, maxSessions);
  const sessions = await openPkcs11Sessions({ ...options, sessions: 4 }, load);
  const inUse = new Set<bigint>();
  await Promise.all(
    Array.from({ length: 40 }, () =>
      sessions.use(async (_module, session) => {
        expect(inUse.has(session)).toBe(false);
        inUse.add(session);
        await work();
        inUse.delete(session);
      }),
    ),
  );
  expect(counts).toMatchObject({ most, opened: most, logins: 1 });
});

test('when sessions are lost, all callers go on after one new login', async () => {
  const { counts, work, load } = fakeToken();
  const sessions = await openPkcs11Sessions({ ...options, sessions: 4 }, load);
  let isLost = true;
  const outcomes = await Promise.all(
    Array.from({ length: 12 }, () => sessions.use(async () => (isLost && counts.logins === 1 ? lost() : work()))),
  );
  isLost = false;
  expect(outcomes.every((outcome) => outcome === 'done')).toBe(true);
  expect(counts.logins).toBe(2);
});

test('a token that stays away is unavailable after the second try, and works again when it is back', async () => {
  const { work, load } = fakeToken();
  const sessions = await openPkcs11Sessions(options, load);
  let tries = 0;
  const failing = sessions.use(async () => {
    tries++;
    return lost();
  });
  await expect(failing).rejects.toMatchObject({ code: 'key-store-unavailable' });
  expect(tries).toBe(2);
  expect(await sessions.use(work)).toBe('done');
});

test('a call that does not return is given up, and its session is not used again', async () => {
  const { counts, work, load } = fakeToken();
  const sessions = await openPkcs11Sessions({ ...options, timeoutMs: 20 }, load);
  const used: bigint[] = [];
  const hanging = sessions.use((_module, session) => {
    used.push(session);
    return new Promise<never>(() => undefined);
  });
  await expect(hanging).rejects.toMatchObject({ code: 'key-store-unavailable' });
  await sessions.use(async (_module, session) => {
    used.push(session);
    return work();
  });
  expect(used).toEqual([1n, 2n]);
  expect(counts.closed).toBe(0);
});

test('a PIN that is refused after a loss is not tried again', async () => {
  let logins = 0;
  const { load } = fakeToken({
    login: async () => {
      if (++logins > 1) throw new Pkcs11Error('login', PIN_INCORRECT);
    },
  });
  const sessions = await openPkcs11Sessions(options, load);
  for (let round = 0; round < 5; round++) await expect(sessions.use(lost)).rejects.toMatchObject({ code: 'key-store-unavailable' });
  expect(logins).toBe(2);
});
