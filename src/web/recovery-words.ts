/** Key recovery in words that people know. */
import type { ApprovalStatus } from '#access/approval.ts';
import type { RecoveryGrounds } from '#certificates/recover-key.ts';
import type { Words } from './reason-words.ts';
import type { StatusWords } from './wording.ts';

const GROUNDS: Record<RecoveryGrounds, Words> = {
  holder: { zh: '持有人申请', en: 'The holder asks' },
  court: { zh: '法院文书', en: 'Court order' },
  authority: { zh: '有权机关公函', en: 'Order of an authority' },
};

const STATES: Record<ApprovalStatus, StatusWords> = {
  pending: { zh: '待审批', en: 'Waiting', tone: 'warn' },
  approved: { zh: '已批准，待交付', en: 'Approved, not yet handed over', tone: 'info' },
  rejected: { zh: '已驳回', en: 'Rejected', tone: 'bad' },
  taken: { zh: '已交付', en: 'Handed over', tone: 'good' },
  expired: { zh: '已逾期', en: 'Expired', tone: 'quiet' },
};

export function groundsChoices(): { value: string; zh: string; en: string }[] {
  return Object.entries(GROUNDS).map(([value, words]) => ({ value, ...words }));
}

/** For templates, as part of `it.words`. */
export const recoveryWords = {
  grounds: (grounds: RecoveryGrounds) => GROUNDS[grounds],
  recovery: (status: ApprovalStatus) => STATES[status],
};
