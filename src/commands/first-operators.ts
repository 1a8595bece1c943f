/**
 * `tongren operators`: the first operators of an installation. Everybody else is appointed by operators at /admin/staff, and much takes
 * two of them; who holds the machine makes exactly these, once.
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { appointStaff } from '#access/appoint-staff.ts';
import { recordEvent } from '#audit/record-event.ts';
import { parseCitizenNumber } from '#people/citizen-number.ts';
import { findPersonByCitizenNumber } from '#people/find-person.ts';
import { findOrganisationByCode, registerOrganisation } from '#people/organisations.ts';
import { parsePersonName } from '#people/person-name.ts';
import { raiseAssurance } from '#people/raise-assurance.ts';
import { registerPerson } from '#people/register-person.ts';
import { type Opened, withDataKeys } from './with-data-keys.ts';

const BY = 'system:installation';
const REFUSED = 1;
const WRONG_USE = 3;
const MAX_FILE_BYTES = 64 * 1024;

const fileShape = z.strictObject({
  organisation: z.strictObject({
    name: z.string(),
    uscc: z.string(),
    divisionCode: z.string().optional(),
  }),
  operators: z
    .array(z.strictObject({ name: z.string(), citizenNumber: z.string(), phone: z.string() }))
    .min(2, 'at least two: what one operator asks for another allows')
    .max(10),
});
type FirstOperators = z.infer<typeof fileShape>;

/**
 * Registers the organisation and the people, whose identity the installer has seen, and appoints them. Run again after it was cut off it
 * goes on; once it is done it refuses.
 */
export function appointFirstOperators({ file }: { file: string }): Promise<number> {
  return withDataKeys(async (installation) => {
    const asked = await readAsked(file);
    if (typeof asked === 'string') {
      console.error(asked);
      return WRONG_USE;
    }
    const { deps } = installation;
    if ((await deps.db.auditEvent.count({ where: { kind: 'first-operators-appointed' } })) > 0 || (await othersThan(installation, asked))) {
      console.error(
        'This installation has its operators: they appoint others at /admin/staff. / 本系统已有运行管理人员，请由其在“机构与人员”页面任命。',
      );
      return REFUSED;
    }
    for (const { name, citizenNumber } of asked.operators) {
      // All of them before anything is stored.
      parsePersonName(name);
      parseCitizenNumber(citizenNumber, deps.clock.now());
    }
    const organisationId = await organisationOf(installation, asked);
    for (const operator of asked.operators) {
      const personId = await personOf(installation, operator);
      await appointStaff(deps, { personId, organisationId, roles: ['operator'], by: BY });
    }
    const detail = { operators: asked.operators.length };
    const at = deps.clock.now();
    const subject = `organisation:${organisationId}`;
    await deps.db.$transaction((tx) => recordEvent(tx, { kind: 'first-operators-appointed', actor: BY, subject, detail, at }));
    console.log(
      `${asked.operators.length} operators can sign in by SMS code and set a password. Delete ${file}: it names people. / 已任命，可用短信验证码登录并设置密码；请删除该文件。`,
    );
    return 0;
  });
}

async function readAsked(file: string): Promise<FirstOperators | string> {
  const bytes = await readFile(file);
  if (bytes.length > MAX_FILE_BYTES) return 'The file is too large. / 文件过大。';
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    return 'The file is not JSON. / 文件不是 JSON。';
  }
  const parsed = fileShape.safeParse(value);
  // Paths and rules only: what was given may be personal.
  return parsed.data ?? (parsed.error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n');
}

/** Whether somebody else is an operator already: then this is no beginning. */
async function othersThan({ deps, fields }: Opened, { operators }: FirstOperators): Promise<boolean> {
  const known = await Promise.all(operators.map(({ citizenNumber }) => findPersonByCitizenNumber({ ...deps, fields }, citizenNumber)));
  const ids = known.flatMap((person) => (person ? [person.id] : []));
  return (await deps.db.staff.count({ where: { endedAt: null, roles: { has: 'operator' }, personId: { notIn: ids } } })) > 0;
}

async function organisationOf({ deps }: Opened, { organisation }: FirstOperators): Promise<string> {
  const found = await findOrganisationByCode(deps, organisation.uscc);
  const { name, uscc, divisionCode } = organisation;
  const wanted = { name, uscc, kind: 'department', by: BY, ...(divisionCode ? { divisionCode } : {}) } as const;
  return (found ?? (await registerOrganisation(deps, wanted))).id;
}

async function personOf({ deps, fields }: Opened, operator: FirstOperators['operators'][number]): Promise<string> {
  const people = { ...deps, fields };
  const found = await findPersonByCitizenNumber(people, operator.citizenNumber);
  const seen = { method: 'counter', source: 'installation' } as const;
  if (!found) return (await registerPerson(people, { ...operator, evidence: seen, by: BY })).id;
  await raiseAssurance(people, { personId: found.id, ...seen, by: BY });
  return found.id;
}
