/** Mandates: the legal representative lets a person act for the organisation, in a matter that is named, until a day that is named. */
import { randomInt } from 'node:crypto';
import { recordEvent } from '#audit/record-event.ts';
import { faultyField, Problem } from '#problem.ts';
import type { Transaction } from '#storage/database.ts';
import { findPersonByCitizenNumber } from './find-person.ts';
import { isUuid } from './is-uuid.ts';
import type { PeopleDeps } from './person.ts';
import { requireRepresentative } from './representatives.ts';

/** Mandates are looked at again each year, as the certificates under them are. */
export const MAX_MANDATE_DAYS = 366;
const DAY_MS = 86_400_000;
const CHINA_YEAR = new Intl.DateTimeFormat('en', { timeZone: 'Asia/Shanghai', year: 'numeric' });

export interface Mandate {
  id: string;
  /** `SQ-2026-12345678` */
  reference: string;
  organisationId: string;
  agentId: string;
  grantedBy: string;
  scope: string;
  validUntil: Date;
  grantedAt: Date;
  withdrawnAt: Date | null;
}

export interface MandateInput {
  organisationId: string;
  /** Both must be those of one person who is known here. */
  agent: { name: string; citizenNumber: string };
  /** What the agent may do, in a sentence. */
  scope: string;
  /** At most a year from now. */
  validUntil: Date;
  /** The representative. */
  by: string;
}

/** Throws Problem `not-representative`, `invalid-input` with pointers /agent, /scope, /validUntil. */
export async function grantMandate(deps: PeopleDeps, input: MandateInput): Promise<Mandate> {
  const { organisationId, validUntil, by } = input;
  const at = deps.clock.now();
  const scope = input.scope.trim();
  if (scope.length < 2 || scope.length > 200) throw faultyField('/scope', '2 to 200 characters.', '授权事项应为2至200字。');
  const lastDay = at.getTime() + MAX_MANDATE_DAYS * DAY_MS;
  if (!(validUntil > at) || validUntil.getTime() > lastDay) {
    throw faultyField('/validUntil', 'Between now and a year from now.', '截止日期应在今天之后、一年之内。');
  }
  return deps.db.$transaction(async (tx) => {
    await requireRepresentative(tx, { organisationId, personId: by });
    // Looked up only for who may grant: this answers nobody whether a number is known here.
    const agent = await findPersonByCitizenNumber(deps, input.agent.citizenNumber);
    if (!agent || agent.name !== input.agent.name.trim() || agent.id === by) {
      throw faultyField('/agent', 'No other person is known by this name and number.', '未找到姓名与号码一致的其他已登记人员。');
    }
    const row = await tx.mandate.create({
      data: { reference: newReference(at), organisationId, agentId: agent.id, grantedBy: by, scope, validUntil, grantedAt: at },
    });
    await recordEvent(tx, {
      ...{ kind: 'mandate-granted', actor: `person:${by}`, subject: `mandate:${row.id}`, at },
      detail: { organisation: organisationId, agent: agent.id, validUntil: validUntil.toISOString() },
    });
    return row;
  });
}

const newReference = (at: Date) => `SQ-${CHINA_YEAR.format(at)}-${String(randomInt(10 ** 8)).padStart(8, '0')}`;

/** By the present representative, or by the agent, who gives it back. Throws Problem `mandate-not-found` (also to others), `mandate-not-in-force`. */
export async function withdrawMandate({ db, clock }: PeopleDeps, { id, by }: { id: string; by: string }): Promise<void> {
  const at = clock.now();
  await db.$transaction(async (tx) => {
    const row = isUuid(id) ? await tx.mandate.findUnique({ where: { id } }) : null;
    if (!row) throw new Problem('mandate-not-found');
    const { organisationId, agentId } = row;
    const represents = await tx.legalRepresentative.count({ where: { organisationId, personId: by } });
    if (agentId !== by && represents === 0) throw new Problem('mandate-not-found');
    const { count } = await tx.mandate.updateMany({ where: { id, withdrawnAt: null, validUntil: { gt: at } }, data: { withdrawnAt: at } });
    if (count === 0) throw new Problem('mandate-not-in-force');
    const subject = `mandate:${id}`;
    await recordEvent(tx, { kind: 'mandate-withdrawn', actor: `person:${by}`, subject, detail: { organisation: organisationId }, at });
  });
}

/** Newest first. */
export function listMandates({ db }: Pick<PeopleDeps, 'db'>, where: { organisationId: string } | { agentId: string }): Promise<Mandate[]> {
  return db.mandate.findMany({ where, orderBy: { grantedAt: 'desc' }, take: 200 });
}

/** In force for this agent; until the transaction ends nobody withdraws it. Throws Problem `mandate-not-found`, `mandate-not-in-force`. */
export async function requireMandate(tx: Transaction, { id, agentId, at }: { id: string; agentId: string; at: Date }): Promise<Mandate> {
  if (!isUuid(id)) throw new Problem('mandate-not-found');
  await tx.$queryRaw`SELECT 1 FROM mandate WHERE id = ${id}::uuid FOR SHARE`;
  const row = await tx.mandate.findUnique({ where: { id } });
  if (row?.agentId !== agentId) throw new Problem('mandate-not-found');
  if (row.withdrawnAt || row.validUntil <= at) throw new Problem('mandate-not-in-force');
  return row;
}

/** Those withdrawn since then. */
export async function listWithdrawnMandates({ db }: Pick<PeopleDeps, 'db'>, since: Date): Promise<string[]> {
  const rows = await db.mandate.findMany({ where: { withdrawnAt: { gt: since } }, select: { id: true } });
  return rows.map(({ id }) => id);
}

export function isInForce({ withdrawnAt, validUntil }: Pick<Mandate, 'withdrawnAt' | 'validUntil'>, at: Date): boolean {
  return withdrawnAt === null && validUntil > at;
}
