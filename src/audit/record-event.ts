/**
 * Audit events are written in the transaction they record: no act without its row, no row without its act.
 * The chain over them is made afterwards (`chain-events.ts`), so that writing takes no lock.
 */
import type { Prisma, Transaction } from '#storage/database.ts';

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
