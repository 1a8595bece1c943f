/** One change of a licence's state: its row, its audit event, and the mark that the status list is behind. */
import { recordEvent } from '#audit/record-event.ts';
import type { Transaction } from '#storage/database.ts';
import { ensureStatusListRow } from './status-places.ts';

export interface StatusChange {
  licenceId: string;
  from: string;
  to: string;
  reason: string;
  actor: string;
  at: Date;
}

export async function noteStatusChange(tx: Transaction, change: StatusChange): Promise<void> {
  const { licenceId, from, to, reason, actor, at } = change;
  await tx.licenceStatusChange.create({ data: { licenceId, at, fromStatus: from, toStatus: to, reason, actor } });
  await recordEvent(tx, { kind: 'licence-status-changed', actor, subject: `licence:${licenceId}`, detail: { from, to }, at });
  await ensureStatusListRow(tx);
  await tx.statusList.update({ where: { id: 1 }, data: { changes: { increment: 1 } } });
}
