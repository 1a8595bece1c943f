/** Words and shapes that all pages share: times, statuses, groups of digits. Chinese first, English second. */

import { reasonWords } from './reason-words.ts';
import {
  codeSentence,
  coverageWords,
  fileSentence,
  isPersonalSignature,
  sameLicenceWords,
  sizeWords,
  stepResultWords,
  stepWords,
} from './verdict-words.ts';

/** Colours of a badge; `good` is green and kept for what is valid or official. */
export type Tone = 'good' | 'warn' | 'bad' | 'quiet' | 'info';

export interface StatusWords {
  zh: string;
  en: string;
  tone: Tone;
}

const STATUSES: Record<string, StatusWords> = {
  // licences
  preparing: { zh: '制证中', en: 'Being made', tone: 'quiet' },
  'in-force': { zh: '有效', en: 'In force', tone: 'good' },
  suspended: { zh: '暂扣', en: 'Suspended', tone: 'warn' },
  revoked: { zh: '已撤销', en: 'Withdrawn', tone: 'bad' },
  'punitively-revoked': { zh: '已吊销', en: 'Revoked', tone: 'bad' },
  cancelled: { zh: '已注销', en: 'Cancelled', tone: 'bad' },
  expired: { zh: '已过期', en: 'Expired', tone: 'bad' },
  superseded: { zh: '已换发', en: 'Superseded', tone: 'quiet' },
  // codes
  valid: { zh: '有效', en: 'Valid', tone: 'good' },
  used: { zh: '已被使用', en: 'Already used', tone: 'bad' },
  'not-yet-valid': { zh: '尚未生效', en: 'Not yet valid', tone: 'warn' },
  'licence-not-in-force': { zh: '证照无效', en: 'Licence not in force', tone: 'bad' },
  'unknown-key': { zh: '签发方不明', en: 'Unknown issuer', tone: 'bad' },
  forged: { zh: '伪造', en: 'Forged', tone: 'bad' },
  // files
  genuine: { zh: '签章有效，内容未改动', en: 'Genuine and unchanged', tone: 'info' },
  malformed: { zh: '无法识别', en: 'Cannot be read', tone: 'bad' },
  unsupported: { zh: '不支持', en: 'Not supported', tone: 'warn' },
  altered: { zh: '已被改动', en: 'Changed after sealing', tone: 'bad' },
  'not-valid': { zh: '签章无效', en: 'Seal or signature not valid', tone: 'bad' },
  'partly-covered': { zh: '部分内容不在签章保护内', en: 'Partly covered', tone: 'warn' },
  'untrusted-signer': { zh: '签章人不可信', en: 'Signer not trusted', tone: 'warn' },
  unsigned: { zh: '没有签章', en: 'Not signed', tone: 'quiet' },
  // seals and approvals
  applied: { zh: '待审批', en: 'Awaiting approval', tone: 'warn' },
  pending: { zh: '待审批', en: 'Awaiting approval', tone: 'warn' },
  approved: { zh: '已批准', en: 'Approved', tone: 'info' },
  rejected: { zh: '已驳回', en: 'Rejected', tone: 'bad' },
  taken: { zh: '已执行', en: 'Carried out', tone: 'quiet' },
  made: { zh: '已制章，未启用', en: 'Made, not active', tone: 'info' },
  active: { zh: '使用中', en: 'Active', tone: 'good' },
  destroyed: { zh: '已销毁', en: 'Destroyed', tone: 'bad' },
};

const SHANGHAI = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'Asia/Shanghai',
  dateStyle: 'short',
  timeStyle: 'medium',
});

export const wording = {
  reason: reasonWords,
  verdictSentence: fileSentence,
  codeSentence: (result: { verdict: Parameters<typeof codeSentence>[0] }) => codeSentence(result.verdict),
  coverage: coverageWords,
  step: stepWords,
  stepResult: stepResultWords,
  sameLicence: sameLicenceWords,
  isPersonalSignature,
  bytes: sizeWords,
  /** Words and colour of a status; an unknown one is shown as it is, without colour. */
  status(code: string): StatusWords {
    return STATUSES[code] ?? { zh: code, en: code, tone: 'quiet' };
  },
  /** `2026-06-01 16:00:00`, the clock on the wall of a Chinese office. */
  time(at: Date | string | undefined | null): string {
    return at ? SHANGHAI.format(new Date(at)) : '—';
  },
  date(at: Date | string | undefined | null): string {
    return at ? SHANGHAI.format(new Date(at)).slice(0, 10) : '—';
  },
  /** `12345678…` → `1234 5678 …`, for reading aloud and typing. */
  groups(digits: string, size = 4): string {
    return digits.replace(new RegExp(`(.{${size}})(?=.)`, 'gu'), '$1 ');
  },
};

export type Wording = typeof wording;
