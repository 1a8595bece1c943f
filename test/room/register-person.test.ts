import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { simulatedPopulationRegistry } from '#adapters/simulated-population-registry.ts';
import { fieldCipher } from '#crypto/field-cipher.ts';
import { citizenCheckCharacter } from '#documents/check-characters.ts';
import { changePhone } from '#people/change-phone.ts';
import { findPerson, findPersonByCitizenNumber, findPersonByPhone, requireMaskedPerson, requirePerson } from '#people/find-person.ts';
import { findOrganisationByCode, registerOrganisation, requireOrganisation } from '#people/organisations.ts';
import { proveRealName } from '#people/prove-real-name.ts';
import { raiseAssurance } from '#people/raise-assurance.ts';
import { registerPerson } from '#people/register-person.ts';
import { memoryEphemeralStore } from '#test/fakes/memory-ephemeral-store.ts';
import { testClock } from '#test/fakes/test-clock.ts';
import { testDatabase } from '#test/test-database.ts';
import { outcomes } from './sign-in-deps.ts';

const oldKey = { version: 1, key: randomBytes(32) };
const others = { indexKeys: [{ version: 1, key: randomBytes(32) }], identifierKey: randomBytes(32) };
const clock = testClock();
let deps: { db: Awaited<ReturnType<typeof testDatabase>>['db']; clock: typeof clock; fields: ReturnType<typeof fieldCipher> };
beforeAll(async () => {
  const { db } = await testDatabase();
  deps = { db, clock, fields: fieldCipher({ fieldKeys: [oldKey], ...others }) };
});

let serial = 0;
function newNumber(): string {
  const first17 = `35019919900307${String(++serial).padStart(3, '0')}`;
  return first17 + citizenCheckCharacter(first17);
}
let phones = 0;
const newPhone = () => `138${String(++phones).padStart(8, '0')}`;
const by = 'system:test';
const registryMatch = { method: 'registry-match', source: 'register' } as const;
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'ok',
    (problem) => problem.code,
  );

describe('registering a person', () => {
  test('what went in comes out, normalised, and is found by number and by phone however they are written', async () => {
    const number = newNumber();
    const phone = newPhone();
    const made = await registerPerson(deps, {
      name: ' 林晓梅 ',
      citizenNumber: ` ${number.toLowerCase()}`,
      phone,
      evidence: registryMatch,
      by,
    });
    expect(made).toMatchObject({ name: '林晓梅', citizenNumber: number, phone: `+86${phone}`, birthDate: '1990-03-07', assuranceLevel: 3 });
    expect(await requirePerson(deps, made.id)).toEqual(made);
    expect((await findPersonByCitizenNumber(deps, number.replace(/(.{6})(.{8})/, '$1 $2 ')))?.id).toBe(made.id);
    expect((await findPersonByPhone(deps, `+86 ${phone}`))?.id).toBe(made.id);
    expect(await requireMaskedPerson(deps, made.id)).toEqual({
      id: made.id,
      displayName: '林*梅',
      name: '林*梅',
      citizenNumber: `3501**********${number.slice(-4)}`,
      phone: `138****${phone.slice(-4)}`,
      assuranceLevel: 3,
    });
  });

  test('no row holds name, number or phone in clear, and equal names look different', async () => {
    const [one, other] = [
      await registerPerson(deps, { name: '王建国', citizenNumber: newNumber(), by }),
      await registerPerson(deps, { name: '王建国', citizenNumber: newNumber(), by }),
    ];
    const rows = await deps.db.person.findMany({ where: { id: { in: [one.id, other.id] } } });
    expect(Buffer.from(rows[0]?.name ?? []).equals(Buffer.from(rows[1]?.name ?? []))).toBe(false);
    for (const table of ['person', 'assurance_evidence', 'audit_event']) {
      const all = await deps.db.$queryRawUnsafe<object[]>(`SELECT * FROM "${table}"`);
      const dump = JSON.stringify(all, (_key, value) => (value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value));
      for (const secret of ['王建国', Buffer.from('王建国').toString('latin1'), one.citizenNumber as string])
        expect(dump).not.toContain(secret);
    }
  });

  test('a ciphertext moved to another person does not open', async () => {
    const [one, other] = [
      await registerPerson(deps, { name: '甲', phone: newPhone(), by }),
      await registerPerson(deps, { name: '乙', phone: newPhone(), by }),
    ];
    const stolen = await deps.db.person.findUniqueOrThrow({ where: { id: one.id } });
    await deps.db.person.update({ where: { id: other.id }, data: { name: stolen.name } });
    await expect(findPerson(deps, other.id)).rejects.toThrow('changed, or not from this place');
  });

  test('of twenty registrations of one number at the same instant one wins', async () => {
    const citizenNumber = newNumber();
    const works = Array.from({ length: 20 }, () => registerPerson(deps, { name: '林晓梅', citizenNumber, phone: newPhone(), by }));
    expect(await outcomes(works)).toEqual({ ok: 1, 'citizen-number-taken': 19 });
  });

  test('of twenty registrations of one phone at the same instant one wins, and the refused leave nothing behind', async () => {
    const phone = newPhone();
    const before = await deps.db.auditEvent.count();
    const works = Array.from({ length: 20 }, () => registerPerson(deps, { name: '林晓梅', citizenNumber: newNumber(), phone, by }));
    expect(await outcomes(works)).toEqual({ ok: 1, 'phone-taken': 19 });
    expect(await deps.db.auditEvent.count()).toBe(before + 1);
  });

  test('the 15-digit form of a registered number is the same number', async () => {
    await registerPerson(deps, { name: '老人', citizenNumber: '110105491231002', by });
    expect(await codeOf(registerPerson(deps, { name: '老人', citizenNumber: '11010519491231002x', by }))).toBe('citizen-number-taken');
  });

  test.each([
    ['a wrong number', { name: '林', citizenNumber: '110101197608056896' }, '/citizenNumber'],
    ['a wrong phone', { name: '林', phone: '12345' }, '/phone'],
    ['neither number nor phone', { name: '林' }, '/phone'],
    ['a number without a name', { citizenNumber: '11010519491231002X' }, '/name'],
    ['a name of signs', { name: '<b>', phone: '13900009999' }, '/name'],
  ])('%s is refused at its field', async (_what, input, pointer) => {
    const problem = await registerPerson(deps, { ...input, by }).catch((error) => error);
    expect([problem.code, problem.errors[0].pointer]).toEqual(['invalid-input', pointer]);
    expect(problem.errors[0].detailZh).toBeTruthy();
  });

  test('an id that is none finds nobody', async () => {
    expect(await findPerson(deps, "' OR 1=1 --")).toBeUndefined();
    expect(await codeOf(requirePerson(deps, '01890000-0000-7000-8000-000000000000'))).toBe('person-not-found');
  });

  test('a phone held by another account is refused on change, and the own one follows', async () => {
    const [mine, theirs] = [newPhone(), newPhone()];
    const me = await registerPerson(deps, { phone: mine, by });
    await registerPerson(deps, { phone: theirs, by });
    expect(await codeOf(changePhone(deps, { personId: me.id, phone: theirs, by }))).toBe('phone-taken');
    const next = newPhone();
    await changePhone(deps, { personId: me.id, phone: next, by });
    expect((await findPersonByPhone(deps, next))?.id).toBe(me.id);
    expect(await findPersonByPhone(deps, mine)).toBeUndefined();
  });
});

describe('assurance', () => {
  test('evidence raises the level until it expires, to the millisecond', async () => {
    const { id } = await registerPerson(deps, { name: '林', phone: newPhone(), by });
    const expiresAt = new Date(clock.now().getTime() + 1000);
    expect(await raiseAssurance(deps, { personId: id, method: 'face', source: 'desk', expiresAt, by })).toBe(4);
    clock.advance(999);
    expect((await requirePerson(deps, id)).assuranceLevel).toBe(4);
    clock.advance(1);
    expect((await requirePerson(deps, id)).assuranceLevel).toBe(2);
  });

  test('who has no name is not raised', async () => {
    const { id, displayName } = await registerPerson(deps, { phone: newPhone(), by });
    expect(displayName).toMatch(/^138\*{4}\d{4}$/);
    expect(await codeOf(raiseAssurance(deps, { personId: id, method: 'counter', source: 'desk', by }))).toBe('invalid-input');
  });
});

describe('real name by register', () => {
  const known = { name: '赵一鸣', citizenNumber: '' };
  const prove = (personId: string, name: string, citizenNumber: string) =>
    proveRealName(
      { ...deps, registry: simulatedPopulationRegistry([known]), ephemeral },
      { personId, name, citizenNumber, by: `person:${personId}` },
    );
  let ephemeral = memoryEphemeralStore(clock);
  beforeAll(() => {
    known.citizenNumber = newNumber();
    ephemeral = memoryEphemeralStore(clock);
  });

  test('a match raises to level 3; a mismatch and an unknown number answer alike; the number then is taken', async () => {
    const { id } = await registerPerson(deps, { phone: newPhone(), by });
    expect(await codeOf(prove(id, '赵二鸣', known.citizenNumber))).toBe('real-name-mismatch');
    expect(await codeOf(prove(id, '赵一鸣', newNumber()))).toBe('real-name-mismatch');
    expect(await prove(id, '赵一鸣', known.citizenNumber)).toBe(3);
    expect(await requirePerson(deps, id)).toMatchObject({ name: '赵一鸣', citizenNumber: known.citizenNumber });
    const second = await registerPerson(deps, { phone: newPhone(), by });
    expect(await codeOf(prove(second.id, '赵一鸣', known.citizenNumber))).toBe('citizen-number-taken');
  });

  test('of two accounts proving one number at the same instant one wins', async () => {
    known.citizenNumber = newNumber();
    const people = await Promise.all(Array.from({ length: 6 }, () => registerPerson(deps, { phone: newPhone(), by })));
    const works = people.map(({ id }) => prove(id, '赵一鸣', known.citizenNumber));
    expect(await outcomes(works)).toEqual({ ok: 1, 'citizen-number-taken': 5 });
  });

  test('five tries a day and person, so that the register is not asked for others through us', async () => {
    const { id } = await registerPerson(deps, { phone: newPhone(), by });
    for (let round = 0; round < 5; round++) expect(await codeOf(prove(id, '某人', newNumber()))).toBe('real-name-mismatch');
    expect(await codeOf(prove(id, '赵一鸣', known.citizenNumber))).toBe('too-many-requests');
    expect(await deps.db.auditEvent.count({ where: { kind: 'real-name-refused', subject: `person:${id}` } })).toBe(5);
  });
});

describe('organisations', () => {
  test('a body with a credit code, and a village committee with a code of ours', async () => {
    const company = await registerOrganisation(deps, { name: '榕荫茶业有限公司', kind: 'company', uscc: '91350100m000100y43', by });
    expect(company).toMatchObject({ uscc: '91350100M000100Y43', organisationCode: 'M000100Y4' });
    expect(await findOrganisationByCode(deps, '91350100M000100Y43')).toEqual(company);
    const village = await registerOrganisation(deps, {
      name: '榕树村村民委员会',
      kind: 'village-committee',
      internalCode: 'TM-350199012001',
      divisionCode: '350199012001',
      organisationCode: '700001354',
      by,
    });
    expect(await requireOrganisation(deps, village.id)).toEqual(village);
    expect(await findOrganisationByCode(deps, 'TM-350199012001')).toEqual(village);
  });

  test('of ten registrations of one code at the same instant one wins', async () => {
    const works = Array.from({ length: 10 }, () =>
      registerOrganisation(deps, { name: '小米科技', kind: 'company', uscc: '91110108551385082Q', by }),
    );
    expect(await outcomes(works)).toEqual({ ok: 1, 'organisation-code-taken': 9 });
  });

  test('every fault is named at once', async () => {
    const problem = await registerOrganisation(deps, {
      name: ' ',
      kind: 'company',
      uscc: '91350100M000100Y4Z',
      internalCode: 'a',
      divisionCode: '12',
      by,
    }).catch((error) => error);
    expect(problem.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
      '/name',
      '/uscc',
      '/uscc',
      '/internalCode',
      '/divisionCode',
    ]);
  });
});
