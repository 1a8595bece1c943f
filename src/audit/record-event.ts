/**
 * Audit events are written in the transaction they record: no act without its row, no row without its act.
 * The chain over them is made afterwards (`chain-events.ts`), so that writing takes no lock.
 */
import { Prisma, type Transaction } from '#storage/database.ts';
import { uuidV7 } from '#storage/uuid-v7.ts';

export interface AuditEventInput {
  /** Kebab-case past tense: `licence-issued`, `code-redeemed`. */
  kind: string;
  /** `person:<id>`, `staff:<id>`, `client:<id>`, `system:<role>` or `anonymous`. */
  actor: string;
  /** `licence:<id>`, `seal:<id>` … */
  subject: string;
  /** Facts for later, without personal data. */
  detail?: Prisma.InputJsonObject;
  at: Date;
}

export async function recordEvent(tx: Transaction, event: AuditEventInput): Promise<void> {
  await tx.auditEvent.create({ data: { ...event, detail: event.detail ?? {} } });
}

/** Several acts of one transaction, in one statement. */
export async function recordEvents(tx: Transaction, events: readonly AuditEventInput[]): Promise<void> {
  await tx.auditEvent.createMany({ data: events.map((event) => ({ ...event, detail: event.detail ?? {} })) });
}

/**
 * The INSERT of these events, for a statement that stores what they record in the same breath: one round trip, one commit.
 * @param when SQL condition on which they are written.
 */
export function insertOfEvents(events: readonly AuditEventInput[], when: Prisma.Sql): Prisma.Sql {
  const column = <T>(of: (event: AuditEventInput) => T) => events.map(of);
  return Prisma.sql`INSERT INTO audit_event (id, at, kind, actor, subject, detail)
    SELECT e.id, e.at, e.kind, e.actor, e.subject, e.detail::jsonb
    FROM unnest(${column(() => uuidV7())}::uuid[], ${column(({ at }) => at)}::timestamptz[], ${column(({ kind }) => kind)}::text[],
      ${column(({ actor }) => actor)}::text[], ${column(({ subject }) => subject)}::text[],
      ${column(({ detail }) => JSON.stringify(detail ?? {}))}::text[]) AS e(id, at, kind, actor, subject, detail)
    WHERE ${when}`;
}
