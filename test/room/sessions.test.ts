import { beforeAll, describe, expect, test } from 'vitest';
import { raiseAssurance } from '#people/raise-assurance.ts';
import { findDeviceOf, rememberDevice } from '#sign-in/known-devices.ts';
import { endSession, endSessionsOf, findSession, listSessions, openSession, stepUpSession, sweepSessions } from '#sign-in/sessions.ts';
import { outcomes, signInDeps } from './sign-in-deps.ts';

let world: Awaited<ReturnType<typeof signInDeps>>;
beforeAll(async () => {
  world = await signInDeps();
});
const minutes = (count: number) => count * 60_000;
const open = async (personId?: string) => {
  const id = personId ?? (await world.person()).id;
  return {
    id,
    ...(await openSession(world.deps, { personId: id, acr: 'urn:tongren:acr:2', amr: ['pwd'], userAgent: 'Firefox on Linux' })),
  };
};

describe('a browser session', () => {
  test('is found by its token and by nothing else, and the table does not hold the token', async () => {
    const { deps } = world;
    const { id, token, session } = await open();
    expect(Buffer.from(token, 'base64url')).toHaveLength(32);
    expect(await findSession(deps, token)).toEqual(session);
    expect(session).toMatchObject({ personId: id, amr: ['pwd'], userAgent: 'Firefox on Linux' });
    for (const other of [token.slice(0, -1), `${token}x`, token.toLowerCase(), '', "' OR 1=1"])
      expect(await findSession(deps, other)).toBeUndefined();
    const row = await deps.db.browserSession.findUniqueOrThrow({ where: { id: session.id } });
    expect(JSON.stringify(row)).not.toContain(token);
    expect(Buffer.from(row.userAgent ?? []).toString('latin1')).not.toContain('Firefox');
  });

  test.each([
    ['a millisecond before half an hour of rest', minutes(30) - 1, true],
    ['after half an hour of rest', minutes(30), false],
  ])('%s it lives: %s ms, %s', async (_when, ms, lives) => {
    const { token } = await open();
    world.clock.advance(ms);
    expect((await findSession(world.deps, token)) !== undefined).toBe(lives);
  });

  test('use keeps it alive for twelve hours and not a millisecond longer', async () => {
    const { deps, clock } = world;
    const { token, session } = await open();
    for (let at = 20; at < 720; at += 20) {
      clock.advance(minutes(20));
      expect(await findSession(deps, token)).toBeDefined();
    }
    clock.set(new Date(session.expiresAt.getTime() - 1));
    expect(await findSession(deps, token)).toBeDefined();
    clock.set(session.expiresAt);
    expect(await findSession(deps, token)).toBeUndefined();
  });

  test('ends once, also when asked ten times at the same instant', async () => {
    const { deps } = world;
    const { token, session } = await open();
    const answers = await Promise.all(Array.from({ length: 10 }, () => endSession(deps, token)));
    expect(answers.filter(Boolean)).toHaveLength(1);
    expect(await findSession(deps, token)).toBeUndefined();
    expect(await deps.db.auditEvent.count({ where: { kind: 'session-ended', subject: `session:${session.id}` } })).toBe(1);
  });

  test('the person sees their own and ends one, all others, or all; nobody else can', async () => {
    const { deps } = world;
    const { id, token, session } = await open();
    const [second, third] = [await open(id), await open(id)];
    const stranger = await open();
    expect((await listSessions(deps, id)).map((one) => one.id).sort()).toEqual([session.id, second.session.id, third.session.id].sort());
    expect(await endSession(deps, { sessionId: second.session.id, personId: stranger.id, by: `person:${stranger.id}` })).toBe(false);
    expect(await endSession(deps, { sessionId: second.session.id, personId: id, by: `person:${id}` })).toBe(true);
    expect(await endSessionsOf(deps, { personId: id, except: session.id, by: `person:${id}` })).toBe(1);
    expect(await findSession(deps, third.token)).toBeUndefined();
    expect(await findSession(deps, token)).toBeDefined();
    expect(await endSessionsOf(deps, { personId: id, by: `person:${id}` })).toBe(1);
    expect(await listSessions(deps, id)).toEqual([]);
    expect(await findSession(deps, stranger.token)).toBeDefined();
  });

  test('a second factor lifts it under a new token; the old one is dead', async () => {
    const { deps, clock } = world;
    const { id, token, session } = await open();
    await raiseAssurance(deps, { personId: id, method: 'counter', source: 'desk', by: 'system:test' });
    clock.advance(minutes(1));
    const proof = { personId: id, acr: 'urn:tongren:acr:3', amr: ['sms'], at: clock.now() };
    const lifted = await stepUpSession(deps, { token, proof });
    expect(lifted.session).toMatchObject({ id: session.id, acr: 'urn:tongren:acr:4', amr: ['pwd', 'sms', 'mfa'], authTime: proof.at });
    expect(await findSession(deps, token)).toBeUndefined();
    expect(await findSession(deps, lifted.token)).toBeDefined();
  });

  test("another person's proof does not lift it, and of five steps at the same instant one counts", async () => {
    const { deps, clock, person } = world;
    const { id, token } = await open();
    const other = await person();
    const proof = { personId: id, acr: 'urn:tongren:acr:2', amr: ['sms'], at: clock.now() };
    await expect(stepUpSession(deps, { token, proof: { ...proof, personId: other.id } })).rejects.toMatchObject({ code: 'not-signed-in' });
    const counts = await outcomes(Array.from({ length: 5 }, () => stepUpSession(deps, { token, proof })));
    expect(counts).toEqual({ ok: 1, 'not-signed-in': 4 });
  });

  test('the dead are swept after a week, the living stay', async () => {
    const { deps, clock } = world;
    const dead = await open();
    clock.advance(minutes(60 * 24 * 7 + 60 * 12) + 1);
    const living = await open();
    expect(await sweepSessions(deps)).toBeGreaterThan(0);
    expect(await deps.db.browserSession.count({ where: { id: dead.session.id } })).toBe(0);
    expect(await findSession(deps, living.token)).toBeDefined();
  });
});

describe('a known device', () => {
  test("is the person's own, for half a year", async () => {
    const { deps, clock, person } = world;
    const [one, other] = [await person(), await person()];
    const token = await rememberDevice(deps, one.id);
    expect(await findDeviceOf(deps, one.id, token)).toBeDefined();
    expect(await findDeviceOf(deps, other.id, token)).toBeUndefined();
    expect(await findDeviceOf(deps, one.id, 'made-up')).toBeUndefined();
    clock.advance(180 * 86_400_000);
    expect(await findDeviceOf(deps, one.id, token)).toBeUndefined();
  });

  test('the twenty newest are kept', async () => {
    const { deps, clock, person } = world;
    const { id } = await person();
    const tokens: string[] = [];
    for (let round = 0; round < 22; round++) {
      tokens.push(await rememberDevice(deps, id));
      clock.advance(1000);
    }
    expect(await deps.db.knownDevice.count({ where: { personId: id } })).toBe(20);
    expect(await findDeviceOf(deps, id, tokens[1])).toBeUndefined();
    expect(await findDeviceOf(deps, id, tokens[2])).toBeDefined();
  });
});
