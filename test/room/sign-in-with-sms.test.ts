import { beforeAll, describe, expect, test } from 'vitest';
import { requirePerson } from '#people/find-person.ts';
import { rememberDevice } from '#sign-in/known-devices.ts';
import { registerWithPhone } from '#sign-in/register-with-phone.ts';
import { requestSmsCode } from '#sign-in/request-sms-code.ts';
import { signInWithPassword } from '#sign-in/sign-in-with-password.ts';
import { signInWithSms } from '#sign-in/sign-in-with-sms.ts';
import { findPhoneOfChallenge, takeSmsCode } from '#sign-in/sms-code.ts';
import { outcomes, signInDeps } from './sign-in-deps.ts';

let world: Awaited<ReturnType<typeof signInDeps>>;
beforeAll(async () => {
  world = await signInDeps();
});
let addresses = 0;
const newIp = () => `10.2.${addresses >> 8}.${addresses++ & 255}`;
let strangers = 0;
const newPhone = () => `+86137${String(++strangers).padStart(8, '0')}`;
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'ok',
    (problem) => problem.code,
  );
const wrong = (code: string) => String((Number(code) + 1) % 1_000_000).padStart(6, '0');

async function asked(phone: string) {
  const { challenge } = await requestSmsCode(world.deps, { phone, ip: newIp() });
  return { challenge, code: world.lastCode(phone) };
}

describe('a code by SMS', () => {
  test('signs the person in, once', async () => {
    const { deps, person, clock } = world;
    const { id, phone } = await person();
    const { challenge, code } = await asked(phone);
    expect(code).toMatch(/^\d{6}$/);
    const spaced = `${code.slice(0, 3)} ${code.slice(3)}`;
    expect(await signInWithSms(deps, { challenge, code: spaced })).toEqual({
      status: 'signed-in',
      proof: { personId: id, acr: 'urn:tongren:acr:2', amr: ['sms'], at: clock.now() },
    });
    expect(await codeOf(signInWithSms(deps, { challenge, code }))).toBe('sms-code-expired');
  });

  test('the message names us and says what the code is for, and warns', async () => {
    const { phone } = await world.person();
    const { code } = await asked(phone);
    expect(world.sms.messages()[0]).toMatchObject({ phone, text: expect.stringMatching(`【通认】.*登录.*${code}.*5分钟.*请勿告诉他人`) });
  });

  test('of twenty uses of the right code at the same instant one succeeds', async () => {
    const { phone } = await world.person();
    const { challenge, code } = await asked(phone);
    const counts = await outcomes(Array.from({ length: 20 }, () => signInWithSms(world.deps, { challenge, code })));
    expect(counts).toEqual({ ok: 1, 'sms-code-expired': 19 });
  });

  test('of twenty guesses at the same instant five are judged, and the right one is worthless afterwards', async () => {
    const { phone } = await world.person();
    const { challenge, code } = await asked(phone);
    const counts = await outcomes(Array.from({ length: 20 }, () => signInWithSms(world.deps, { challenge, code: wrong(code) })));
    expect(counts).toEqual({ 'sms-code-wrong': 5, 'sms-code-expired': 15 });
    expect(await codeOf(signInWithSms(world.deps, { challenge, code }))).toBe('sms-code-expired');
  });

  test('the fifth try may still be right', async () => {
    const { phone } = await world.person();
    const { challenge, code } = await asked(phone);
    for (let round = 0; round < 4; round++)
      expect(await codeOf(signInWithSms(world.deps, { challenge, code: wrong(code) }))).toBe('sms-code-wrong');
    expect(await codeOf(signInWithSms(world.deps, { challenge, code }))).toBe('ok');
  });

  test.each([
    ['a millisecond before five minutes', 299_999, 'ok'],
    ['at five minutes', 300_000, 'sms-code-expired'],
  ])('%s after sending (%s ms) the answer is %s', async (_when, ms, outcome) => {
    const { phone } = await world.person();
    const { challenge, code } = await asked(phone);
    world.clock.advance(ms);
    expect(await codeOf(signInWithSms(world.deps, { challenge, code }))).toBe(outcome);
  });

  test('a code for one purpose does not serve another', async () => {
    const { phone } = await world.person();
    const { challenge, code } = await asked(phone);
    expect(await codeOf(takeSmsCode(world.deps, { challenge, code, purpose: 'change-phone' }))).toBe('sms-code-expired');
  });

  test.each(['', 'x', '../../etc', 'a'.repeat(22), '字'.repeat(22)])(
    'the made-up challenge %j is refused like an expired one',
    async (challenge) => {
      expect(await codeOf(signInWithSms(world.deps, { challenge, code: '000000' }))).toBe('sms-code-expired');
    },
  );

  test('the store of short-lived things holds neither phone nor code', async () => {
    const { phone } = await world.person();
    const { challenge, code } = await asked(phone);
    const stored = (await world.deps.ephemeral.get(`sms-challenge:${challenge}`)) ?? '';
    expect(stored).not.toContain(phone.slice(3));
    expect(stored).not.toContain(`"${code}"`);
    expect(await findPhoneOfChallenge(world.deps, challenge)).toBe(phone);
  });
});

describe('strangers', () => {
  test("asking for a code to somebody's phone and guessing at it leaves that person's own code alone", async () => {
    const { phone } = await world.person();
    const own = await asked(phone);
    const { challenge } = await requestSmsCode(world.deps, { phone, ip: newIp() });
    for (let round = 0; round < 8; round++) await codeOf(signInWithSms(world.deps, { challenge, code: '000000' }));
    expect(await codeOf(signInWithSms(world.deps, { ...own }))).toBe('ok');
  });

  test('a locked password leaves the SMS way open', async () => {
    const { deps, person } = world;
    const { phone } = await person();
    for (let round = 0; round < 6; round++)
      await codeOf(signInWithPassword(deps, { login: phone, password: 'Wrong-Tree-37', ip: newIp() }));
    expect(await codeOf(signInWithPassword(deps, { login: phone, password: 'Wrong-Tree-37', ip: newIp() }))).toBe('sign-in-locked');
    const { challenge, code } = await asked(phone);
    expect(await codeOf(signInWithSms(deps, { challenge, code }))).toBe('ok');
  });

  test("strangers who use up a phone's codes do not use up those of the person's own browser", async () => {
    const { deps, person } = world;
    const { id, phone } = await person();
    const device = await rememberDevice(deps, id);
    for (let round = 0; round < 5; round++) expect(await codeOf(requestSmsCode(deps, { phone, ip: newIp() }))).toBe('ok');
    expect(await codeOf(requestSmsCode(deps, { phone, ip: newIp() }))).toBe('too-many-requests');
    expect(await codeOf(requestSmsCode(deps, { phone, ip: newIp(), device }))).toBe('ok');
  });

  test('an address that asked too often still gets codes for browsers known there', async () => {
    const { deps, person } = world;
    const { id, phone } = await person();
    const [ip, device] = [newIp(), await rememberDevice(deps, id)];
    await outcomes(Array.from({ length: 61 }, () => requestSmsCode(deps, { phone: newPhone(), ip })));
    expect(await codeOf(requestSmsCode(deps, { phone: (await person()).phone, ip }))).toBe('too-many-requests');
    expect(await codeOf(requestSmsCode(deps, { phone, ip, device }))).toBe('ok');
  });

  test('nobody learns from asking whether a phone has an account', async () => {
    const known = (await world.person()).phone;
    const [one, other] = [
      await requestSmsCode(world.deps, { phone: known, ip: newIp() }),
      await requestSmsCode(world.deps, { phone: newPhone(), ip: newIp() }),
    ];
    expect(Object.keys(one)).toEqual(Object.keys(other));
    expect(one.challenge).toHaveLength(other.challenge.length);
  });
});

describe('limits on sending', () => {
  test('the same browser waits a minute, to the millisecond', async () => {
    const { deps, clock } = world;
    const [phone, ip] = [newPhone(), newIp()];
    await requestSmsCode(deps, { phone, ip });
    clock.advance(59_999);
    const refused = await requestSmsCode(deps, { phone, ip }).catch((problem) => problem);
    expect([refused.code, refused.retryAfterSeconds]).toEqual(['too-many-requests', 60]);
    clock.advance(1);
    expect(await codeOf(requestSmsCode(deps, { phone, ip }))).toBe('ok');
  });

  test('of thirty requests for one phone from thirty addresses at the same instant five are sent', async () => {
    const { deps, sms } = world;
    const phone = newPhone();
    const counts = await outcomes(Array.from({ length: 30 }, () => requestSmsCode(deps, { phone, ip: newIp() })));
    expect(counts).toEqual({ ok: 5, 'too-many-requests': 25 });
    expect(sms.messages().filter((message) => message.phone === phone)).toHaveLength(5);
  });

  test('one address gets sixty codes an hour', async () => {
    const { deps, clock } = world;
    const ip = newIp();
    const counts = await outcomes(Array.from({ length: 70 }, () => requestSmsCode(deps, { phone: newPhone(), ip })));
    expect(counts).toEqual({ ok: 60, 'too-many-requests': 10 });
    clock.advance(3_600_000);
    expect(await codeOf(requestSmsCode(deps, { phone: newPhone(), ip }))).toBe('ok');
  });

  test('when the gateway fails the person is told, and the code is void', async () => {
    const { deps } = world;
    const broken = { simulator: true, send: async () => Promise.reject(new Error('no route to host')) };
    expect(await codeOf(requestSmsCode({ ...deps, sms: broken }, { phone: newPhone(), ip: newIp() }))).toBe('sms-not-sent');
  });

  test.each(['12345', '', '+1 202 555 0100', '1390000000x'])('%j is refused at its field', async (phone) => {
    const problem = await requestSmsCode(world.deps, { phone, ip: newIp() }).catch((error) => error);
    expect([problem.code, problem.errors[0].pointer]).toEqual(['invalid-input', '/phone']);
  });
});

describe('a phone without an account', () => {
  async function ticketFor(phone: string) {
    const result = await signInWithSms(world.deps, { ...(await asked(phone)) });
    if (result.status !== 'no-account') throw new Error('has an account');
    return result.ticket;
  }

  test('registers at level 1, or 2 with a name, and then signs in', async () => {
    const { deps } = world;
    const [nameless, named] = [newPhone(), newPhone()];
    const first = await registerWithPhone(deps, { ticket: await ticketFor(nameless), name: ' ' });
    expect(first).toMatchObject({ acr: 'urn:tongren:acr:1', amr: ['sms'] });
    const second = await registerWithPhone(deps, { ticket: await ticketFor(named), name: '钱思远' });
    expect(await requirePerson(deps, second.personId)).toMatchObject({ name: '钱思远', phone: named, assuranceLevel: 2 });
    world.clock.advance(60_000);
    const again = await signInWithSms(deps, { ...(await asked(nameless)) });
    expect(again).toMatchObject({ status: 'signed-in', proof: { personId: first.personId } });
  });

  test('ten uses of one ticket at the same instant make one account', async () => {
    const ticket = await ticketFor(newPhone());
    const counts = await outcomes(Array.from({ length: 10 }, () => registerWithPhone(world.deps, { ticket })));
    expect(counts).toEqual({ ok: 1, 'registration-expired': 9 });
  });

  test('two tickets for one phone make one account', async () => {
    const phone = newPhone();
    const tickets = [await ticketFor(phone), await ticketFor(phone)];
    const counts = await outcomes(tickets.map((ticket) => registerWithPhone(world.deps, { ticket })));
    expect(counts).toEqual({ ok: 1, 'phone-taken': 1 });
  });

  test('a mistyped name does not cost the ticket, ten minutes do', async () => {
    const ticket = await ticketFor(newPhone());
    expect(await codeOf(registerWithPhone(world.deps, { ticket, name: '<>' }))).toBe('invalid-input');
    world.clock.advance(600_000);
    expect(await codeOf(registerWithPhone(world.deps, { ticket, name: '钱思远' }))).toBe('registration-expired');
  });
});

test('the audit tells of every act and holds no phone, no name and no code', async () => {
  const { deps, sms } = world;
  const events = await deps.db.auditEvent.findMany();
  const kinds = new Set(events.map(({ kind }) => kind));
  for (const kind of [
    'sms-code-sent',
    'signed-in',
    'person-registered',
    'sign-in-failed',
    'sign-in-locked',
    'password-set',
    'sms-code-refused',
  ]) {
    expect(kinds).toContain(kind);
  }
  const text = JSON.stringify(events.map(({ kind, actor, subject, detail }) => ({ kind, actor, subject, detail })));
  for (const { phone } of sms.messages()) expect(text).not.toContain(phone.slice(3));
  expect(text).not.toContain('钱思远');
});
