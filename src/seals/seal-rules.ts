/**
 * Who may use which seal, for what, how often. Asked before a key is used, and again, under a lock, in the transaction that makes
 * the use count (`record-seal-use.ts`): what the rules do not allow never leaves this house.
 */
import { listLicenceTypes } from '#documents/page/licence-type.ts';
import { type FieldFault, Problem } from '#problem.ts';
import { secondsToNextSealDay } from './seal-day.ts';
import { sealStatusAt } from './seal-status.ts';

export interface SealRules {
  /** Short names; empty for any licence, and any other document. */
  licenceTypes: string[];
  /** `staff:<id>` and `client:<id>`; empty for any issuer and any system of the organisation. */
  users: string[];
  /** Files a day, licences in two forms counted twice. Null for no limit. */
  dailyLimit: number | null;
}

/** What of a seal its rules are read from. */
export interface RuledSeal {
  status: string;
  validFrom: Date | null;
  validTo: Date | null;
  licenceTypes: readonly string[];
  users: readonly string[];
  dailyLimit: number | null;
}

export interface WantedUse {
  /** As the audit names who has it put on. */
  actor: string;
  /** Short name; undefined when it goes on another document than a licence. */
  licenceType: string | undefined;
  at: Date;
}

export const MAX_DAILY_LIMIT = 1_000_000;
const MAX_USERS = 200;
const USER = /^(staff:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|client:[A-Za-z0-9._~-]{1,100})$/;

/** Throws Problem `seal-not-usable`, `seal-use-not-allowed`. How many a day is not looked at here. */
export function requireAllowedUse(seal: RuledSeal, use: WantedUse): void {
  const begun = seal.validFrom !== null && seal.validFrom <= use.at;
  if (!begun || sealStatusAt(seal, use.at) !== 'active') throw new Problem('seal-not-usable');
  if (seal.users.length > 0 && !seal.users.includes(use.actor)) throw new Problem('seal-use-not-allowed');
  if (seal.licenceTypes.length === 0) return;
  if (use.licenceType === undefined || !seal.licenceTypes.includes(use.licenceType)) {
    throw new Problem('seal-use-not-allowed', {
      detail: 'The seal is meant for certain types of licence only.',
      detailZh: '该印章仅限用于指定类型的证照。',
    });
  }
}

/** Says when it may be tried again: when the next day begins in China. */
export function dailyLimitReached(at: Date): Problem {
  return new Problem('seal-daily-limit', { retryAfterSeconds: secondsToNextSealDay(at) });
}

/** The rules in their one written form. Throws Problem `invalid-input` (/licenceTypes, /users, /dailyLimit). */
export function parseSealRules(input: SealRules): SealRules {
  const errors: FieldFault[] = [];
  const known = new Set(listLicenceTypes().map(({ slug }) => slug));
  if (!input.licenceTypes.every((type) => known.has(type)))
    errors.push({ pointer: '/licenceTypes', detail: 'A licence type is not known.', detailZh: '证照类型不正确。' });
  if (input.users.length > MAX_USERS || !input.users.every((user) => USER.test(user)))
    errors.push({ pointer: '/users', detail: 'Somebody named here may not use seals.', detailZh: '所选人员或系统不正确。' });
  const limit = input.dailyLimit;
  if (limit !== null && !(Number.isInteger(limit) && limit >= 1 && limit <= MAX_DAILY_LIMIT)) {
    const detail = `A whole number from 1 to ${MAX_DAILY_LIMIT}, or empty.`;
    errors.push({ pointer: '/dailyLimit', detail, detailZh: `请填写 1 至 ${MAX_DAILY_LIMIT} 的整数，或不填。` });
  }
  if (errors.length > 0) throw new Problem('invalid-input', { errors });
  return { licenceTypes: [...new Set(input.licenceTypes)].sort(), users: [...new Set(input.users)].sort(), dailyLimit: limit };
}

export function rulesOf({ licenceTypes, users, dailyLimit }: Pick<RuledSeal, keyof SealRules>): SealRules {
  return { licenceTypes: [...licenceTypes], users: [...users], dailyLimit };
}
