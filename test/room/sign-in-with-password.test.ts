import { hash } from '@node-rs/argon2';
import { beforeAll, describe, expect, test } from 'vitest';
import { passwordPlace } from '#sign-in/is-right-password.ts';
import { rememberDevice } from '#sign-in/known-devices.ts';
import { ARGON2, needsRehash } from '#sign-in/password-hash.ts';
import { findSession, openSession } from '#sign-in/sessions.ts';
import { changePassword, setPassword } from '#sign-in/set-password.ts';
import { signInWithPassword } from '#sign-in/sign-in-with-password.ts';
import { outcomes, PASSWORD, signInDeps } from './sign-in-deps.ts';

let world: Awaited<ReturnType<typeof signInDeps>>;
beforeAll(async () => {
  world = await signInDeps();
});
let lastIp = 0;
const newIp = () => `10.1.${lastIp >> 8}.${lastIp++ & 255}`;
const failure = async (work: Promise<unknown>) =>
  work.then(
    () => ({ code: 'ok', retryAfterSeconds: undefined }),
    (problem) => problem,
  );

describe('signing in with a password', () => {
  test('a person signs in with the phone as they like to write it', async () => {
    const { deps, person, clock } = world;
    const { id, phone } = await person();
    const spaced = `0086 ${phone.slice(3, 6)} ${phone.slice(6, 10)} ${phone.slice(10)}`;
    const proof = await signInWithPassword(deps, { login: spaced, password: PASSWORD, ip: newIp() });
    expect(proof).toEqual({ personId: id, acr: 'urn:tongren:acr:2', amr: ['pwd'], at: clock.now() });
    const events = await deps.db.auditEvent.findMany({ where: { subject: `person:${id}`, kind: 'signed-in' } });
    expect(events).toHaveLength(1);
  });

  test.each([
    ['a wrong password', (phone: string) => ({ login: phone, password: 'Wrong-Tree-37' })],
    ['an unknown phone', () => ({ login: '+8613888888888', password: PASSWORD })],
    ['an unknown citizen number', () => ({ login: '11010519491231002X', password: PASSWORD })],
    ['a login that is neither', () => ({ login: 'admin', password: PASSWORD })],
    ['an empty password', (phone: string) => ({ login: phone, password: '' })],
    ['a password of a megabyte', (phone: string) => ({ login: phone, password: 'x'.repeat(1_000_000) })],
  ])('%s is refused with the same words', async (_what, input) => {
    const { phone } = await world.person();
    const problem = await failure(signInWithPassword(world.deps, { ...input(phone), ip: newIp() }));
    expect([problem.code, problem.detail]).toEqual(['sign-in-failed', undefined]);
  });

  test('an unknown account costs as much time as a known one', async () => {
    const { deps, person } = world;
    const time = async (login: string) => {
      const start = performance.now();
      await failure(signInWithPassword(deps, { login, password: 'Wrong-Tree-37', ip: newIp() }));
      return performance.now() - start;
    };
    const [known, unknown]: [number[], number[]] = [[], []];
    for (let round = 0; round < 12; round++) {
      known.push(await time((await person()).phone));
      unknown.push(await time(`+8613700000${String(round).padStart(3, '0')}`));
    }
    const median = (times: number[]) => times.sort((a, b) => a - b)[times.length >> 1] as number;
    expect(median(unknown)).toBeGreaterThan(median(known) * 0.5);
    expect(median(unknown)).toBeLessThan(median(known) * 2);
  });

  test('a hash made with weaker parameters is renewed at the next sign-in', async () => {
    const { deps, person } = world;
    const { id, phone } = await person();
    const weak = await hash(PASSWORD, { ...ARGON2, memoryCost: 4096 });
    await deps.db.passwordCredential.update({ where: { personId: id }, data: { hash: deps.fields.seal(passwordPlace(id), weak) } });
    await signInWithPassword(deps, { login: phone, password: PASSWORD, ip: newIp() });
    const stored = await deps.db.passwordCredential.findUniqueOrThrow({ where: { personId: id } });
    expect(needsRehash(deps.fields.openText(passwordPlace(id), stored.hash))).toBe(false);
    await signInWithPassword(deps, { login: phone, password: PASSWORD, ip: newIp() });
  });
});

describe('lockout', () => {
  test('after five failures the account is locked, also for the right password, and opens again to the second', async () => {
    const { deps, person, clock } = world;
    const { phone } = await person();
    const tryOnce = (password: string) => failure(signInWithPassword(deps, { login: phone, password, ip: newIp() }));
    for (let round = 0; round < 5; round++) expect((await tryOnce('Wrong-Tree-37')).code).toBe('sign-in-failed');
    const locked = await tryOnce(PASSWORD);
    expect([locked.code, locked.retryAfterSeconds]).toEqual(['sign-in-locked', 300]);
    clock.advance(299_999);
    expect((await tryOnce(PASSWORD)).code).toBe('sign-in-locked');
    clock.advance(1);
    expect((await tryOnce(PASSWORD)).code).toBe('ok');
  });

  test('each further failure locks for longer, up to half an hour', async () => {
    const { deps, person, clock } = world;
    const { phone } = await person();
    const tryOnce = (password: string) => failure(signInWithPassword(deps, { login: phone, password, ip: newIp() }));
    for (let round = 0; round < 5; round++) await tryOnce('Wrong-Tree-37');
    const waits: number[] = [];
    for (let round = 0; round < 4; round++) {
      const { retryAfterSeconds } = await tryOnce(PASSWORD);
      waits.push(retryAfterSeconds as number);
      clock.advance((retryAfterSeconds as number) * 1000);
      expect((await tryOnce('Wrong-Tree-37')).code).toBe('sign-in-failed');
    }
    expect(waits).toEqual([300, 900, 1800, 1800]);
  });

  test('forty tries at the same instant reach the hash five times at most', async () => {
    const { deps, person } = world;
    const { phone, id } = await person();
    const tries = Array.from({ length: 40 }, () => signInWithPassword(deps, { login: phone, password: 'Wrong-Tree-37', ip: newIp() }));
    expect(await outcomes(tries)).toEqual({ 'sign-in-failed': 5, 'sign-in-locked': 35 });
    expect(await deps.db.auditEvent.count({ where: { subject: `person:${id}`, kind: 'sign-in-locked' } })).toBe(1);
  });

  test('an unknown account locks just like a known one', async () => {
    const tries = Array.from({ length: 8 }, () =>
      signInWithPassword(world.deps, { login: '13711112222', password: PASSWORD, ip: newIp() }),
    );
    expect(await outcomes(tries)).toEqual({ 'sign-in-failed': 5, 'sign-in-locked': 3 });
  });

  test('a success starts the count anew', async () => {
    const { deps, person } = world;
    const { phone } = await person();
    const tryOnce = (password: string) => failure(signInWithPassword(deps, { login: phone, password, ip: newIp() }));
    for (let round = 0; round < 3; round++) {
      for (let wrong = 0; wrong < 4; wrong++) expect((await tryOnce('Wrong-Tree-37')).code).toBe('sign-in-failed');
      expect((await tryOnce(PASSWORD)).code).toBe('ok');
    }
  });

  test('an outsider who locks the account does not lock the browser the person already used', async () => {
    const { deps, person } = world;
    const { id, phone } = await person();
    const device = await rememberDevice(deps, id);
    for (let round = 0; round < 6; round++)
      await failure(signInWithPassword(deps, { login: phone, password: 'Wrong-Tree-37', ip: newIp() }));
    expect((await failure(signInWithPassword(deps, { login: phone, password: PASSWORD, ip: newIp() }))).code).toBe('sign-in-locked');
    expect((await signInWithPassword(deps, { login: phone, password: PASSWORD, ip: newIp(), device })).personId).toBe(id);
  });

  test("another person's device cookie does not help", async () => {
    const { deps, person } = world;
    const [victim, other] = [await person(), await person()];
    const device = await rememberDevice(deps, other.id);
    const tries = Array.from({ length: 8 }, () =>
      signInWithPassword(deps, { login: victim.phone, password: 'Wrong-Tree-37', ip: newIp(), device }),
    );
    expect(await outcomes(tries)).toEqual({ 'sign-in-failed': 5, 'sign-in-locked': 3 });
  });

  test('an address that fails at fifty accounts is refused, and a success in between does not wash it', async () => {
    const { deps, person } = world;
    const own = await person();
    const ip = '192.0.2.77';
    for (let round = 0; round < 49; round++) {
      const login = `+861381111${String(round).padStart(4, '0')}`;
      expect((await failure(signInWithPassword(deps, { login, password: PASSWORD, ip }))).code).toBe('sign-in-failed');
    }
    expect((await failure(signInWithPassword(deps, { login: own.phone, password: PASSWORD, ip }))).code).toBe('ok');
    expect((await failure(signInWithPassword(deps, { login: '+8613822220000', password: PASSWORD, ip }))).code).toBe('sign-in-failed');
    const refused = await failure(signInWithPassword(deps, { login: own.phone, password: PASSWORD, ip }));
    expect([refused.code, refused.retryAfterSeconds]).toEqual(['too-many-requests', 300]);
    const device = await rememberDevice(deps, own.id);
    expect((await failure(signInWithPassword(deps, { login: own.phone, password: PASSWORD, ip, device }))).code).toBe('ok');
    expect((await failure(signInWithPassword(deps, { login: own.phone, password: PASSWORD, ip: newIp() }))).code).toBe('ok');
  });
});

describe('setting and changing', () => {
  test.each(['short1A', 'alllowercase', 'Password1', '12345678', 'Aa1!Aa1!Aa1!', 'A1!x'])(
    '%s is refused as a password',
    async (password) => {
      const { id } = await world.person();
      const problem = await failure(setPassword(world.deps, { personId: id, password, by: 'system:test' }));
      expect([problem.code, problem.errors[0].pointer]).toEqual(['invalid-input', '/password']);
    },
  );

  test("the person's own phone inside a password is refused", async () => {
    const { id, phone } = await world.person();
    const problem = await failure(setPassword(world.deps, { personId: id, password: `Ab-${phone.slice(3)}`, by: 'system:test' }));
    expect(problem.code).toBe('invalid-input');
  });

  test('a change asks for the old password, ends the other sessions and keeps this one', async () => {
    const { deps, person } = world;
    const { id, phone } = await person();
    const here = await openSession(deps, { personId: id, acr: 'urn:tongren:acr:2', amr: ['pwd'] });
    const elsewhere = await openSession(deps, { personId: id, acr: 'urn:tongren:acr:2', amr: ['pwd'] });
    const next = 'River-Crossing-82';
    expect((await failure(changePassword(deps, { personId: id, current: 'Wrong-Tree-37', next }))).code).toBe('sign-in-failed');
    await changePassword(deps, { personId: id, current: PASSWORD, next, keepSessionId: here.session.id });
    expect(await findSession(deps, here.token)).toBeDefined();
    expect(await findSession(deps, elsewhere.token)).toBeUndefined();
    expect((await failure(signInWithPassword(deps, { login: phone, password: PASSWORD, ip: newIp() }))).code).toBe('sign-in-failed');
    expect((await failure(signInWithPassword(deps, { login: phone, password: next, ip: newIp() }))).code).toBe('ok');
  });

  test('the table holds neither the password nor a hash that could be guessed against', async () => {
    const { id } = await world.person();
    const row = await world.deps.db.passwordCredential.findUniqueOrThrow({ where: { personId: id } });
    expect(Buffer.from(row.hash).toString('latin1')).not.toContain('$argon2');
  });
});
