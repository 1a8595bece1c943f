/** What sign-in remembers for minutes or a day outlives a change of the blind-index key: codes, locks, limits. */
import { beforeEach, expect, test } from 'vitest';
import { simulatedSmsGateway } from '#adapters/simulated-sms-gateway.ts';
import { registerPerson } from '#people/register-person.ts';
import { requestSmsCode } from '#sign-in/request-sms-code.ts';
import { setPassword } from '#sign-in/set-password.ts';
import { signInWithPassword } from '#sign-in/sign-in-with-password.ts';
import { signInWithSms } from '#sign-in/sign-in-with-sms.ts';
import { DATA_KEY_LEAD_MS } from '#storage/open-data-keys.ts';
import { memoryEphemeralStore } from '#test/fakes/memory-ephemeral-store.ts';
import { BY, indexKeyWorld, newNumber, newPhone } from './index-key-world.ts';
import { outcomes, PASSWORD } from './sign-in-deps.ts';

let world: Awaited<ReturnType<typeof signInWorld>>;
beforeEach(async () => {
  world = await signInWorld();
});

async function signInWorld() {
  const keys = await indexKeyWorld();
  const sms = simulatedSmsGateway({ clock: keys.clock });
  const ephemeral = memoryEphemeralStore(keys.clock);
  const before = await keys.process();
  const citizenNumber = newNumber();
  const phone = newPhone();
  const { id } = await registerPerson(before.deps, { name: '林晓梅', citizenNumber, phone, by: BY });
  await setPassword({ ...before.deps }, { personId: id, password: PASSWORD, by: BY });
  const as = async () => ({ ...(await keys.process()).deps, sms, ephemeral });
  let addresses = 0;
  return {
    ...{ keys, citizenNumber, phone, id, as },
    before: { ...before.deps, sms, ephemeral },
    ip: () => `10.9.0.${++addresses}`,
    codeOf: (to: string) => /(\d{6})/.exec(sms.messages().find((message) => message.phone === to)?.text ?? '')?.[1] ?? '',
  };
}

test('phone and number sign in with a password at every step', async () => {
  const { keys, citizenNumber, phone, id, ip } = world;
  const signIn = async () => {
    const deps = await world.as();
    for (const login of [phone, citizenNumber]) {
      expect((await signInWithPassword(deps, { login, password: PASSWORD, ip: ip() })).personId).toBe(id);
    }
  };
  await signIn();
  await keys.rotate();
  await signIn();
  keys.clock.advance(DATA_KEY_LEAD_MS);
  await signIn();
  keys.clock.advance(60_000);
  await keys.work({ deps: await world.as() });
  await signIn();
  keys.clock.advance(24 * 3_600_000);
  await keys.work({ deps: await world.as() });
  await signIn();
  keys.clock.advance(DATA_KEY_LEAD_MS);
  await keys.work({ deps: await world.as() });
  await signIn();
});

test('a code sent before the change signs in after it', async () => {
  const { keys, phone, before, id } = world;
  await keys.rotate();
  keys.clock.advance(DATA_KEY_LEAD_MS - 1_000);
  const { challenge } = await requestSmsCode(before, { phone, ip: world.ip() });
  keys.clock.advance(1_000);
  const after = await world.as();
  expect(after.fields.indexVersions).toEqual([2, 1]);
  const code = world.codeOf(phone);
  const wrong = String((Number(code) + 1) % 1_000_000).padStart(6, '0');
  expect(await outcomes([signInWithSms(after, { challenge, code: wrong })])).toEqual({ 'sms-code-wrong': 1 });
  expect(await signInWithSms(after, { challenge, code })).toMatchObject({ status: 'signed-in', proof: { personId: id } });
});

test('a locked account stays locked, and tries begun before count on: whichever process counts them', async () => {
  const { keys, phone } = world;
  const fail = (deps: Awaited<ReturnType<typeof world.as>>) =>
    outcomes([signInWithPassword(deps, { login: phone, password: 'wrong', ip: world.ip() })]);
  await keys.rotate();
  const old = await world.as();
  keys.clock.advance(DATA_KEY_LEAD_MS);
  const fresh = await world.as();
  expect(old.fields.indexVersions).toEqual([1, 2]);
  for (const deps of [old, fresh, old, fresh, old]) expect(await fail(deps)).toEqual({ 'sign-in-failed': 1 });
  expect(await fail(old)).toEqual({ 'sign-in-locked': 1 });
  expect(await fail(fresh)).toEqual({ 'sign-in-locked': 1 });
  expect(await fail(old)).toEqual({ 'sign-in-locked': 1 });
  keys.clock.advance(301_000);
  const input = { login: phone, password: PASSWORD, ip: world.ip() };
  expect(await outcomes([signInWithPassword(fresh, input)])).toEqual({ ok: 1 });
});

test('of forty guesses at once in processes before and after the change five are judged', async () => {
  const { keys, phone } = world;
  await keys.rotate();
  const old = await world.as();
  keys.clock.advance(DATA_KEY_LEAD_MS);
  const fresh = await world.as();
  const guesses = Array.from({ length: 40 }, (_, turn) =>
    signInWithPassword(turn % 2 ? old : fresh, { login: phone, password: `wrong ${turn}`, ip: world.ip() }),
  );
  expect(await outcomes(guesses)).toEqual({ 'sign-in-failed': 5, 'sign-in-locked': 35 });
  const later = await outcomes([
    signInWithPassword(old, { login: phone, password: 'wrong', ip: world.ip() }),
    signInWithPassword(fresh, { login: phone, password: 'wrong', ip: world.ip() }),
  ]);
  expect(later).toEqual({ 'sign-in-locked': 2 });
});

test('a phone that had its codes for the hour gets none after the change either', async () => {
  const { keys, before } = world;
  const phone = newPhone();
  for (let sent = 0; sent < 5; sent++) await requestSmsCode(before, { phone, ip: world.ip() });
  const ip = world.ip();
  expect(await outcomes([requestSmsCode(before, { phone, ip })])).toEqual({ 'too-many-requests': 1 });
  await keys.rotate();
  keys.clock.advance(DATA_KEY_LEAD_MS);
  const after = await world.as();
  expect(after.fields.indexVersions).toEqual([2, 1]);
  expect(await outcomes([requestSmsCode(after, { phone, ip: world.ip() })])).toEqual({ 'too-many-requests': 1 });
  expect(await outcomes([requestSmsCode(after, { phone: newPhone(), ip: world.ip() })])).toEqual({ ok: 1 });
});
