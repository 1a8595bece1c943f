/** What is said of seals on pages: kinds, states, steps of their life. */
import type { PublicSealStatus } from '#seals/find-seal-status.ts';
import type { SealStatus } from '#seals/seal-status.ts';
import type { StatusWords } from './wording.ts';

interface Words {
  zh: string;
  en: string;
}

const KINDS: Record<string, Words> = {
  official: { zh: '法定名称章（公章）', en: 'Official seal' },
  licence: { zh: '电子证照专用章', en: 'E-licence seal' },
  contract: { zh: '合同专用章', en: 'Contract seal' },
  finance: { zh: '财务专用章', en: 'Finance seal' },
  invoice: { zh: '发票专用章', en: 'Seal for invoices' },
  special: { zh: '业务专用章（自定用途）', en: 'Special-purpose seal' },
  'legal-representative': { zh: '法定代表人名章', en: 'Legal representative’s name seal' },
  signature: { zh: '个人签名章', en: 'Personal signature' },
};

const STATES: Record<SealStatus, StatusWords> = {
  applied: { zh: '待审批', en: 'Awaiting approval', tone: 'warn' },
  approved: { zh: '已批准，待制章', en: 'Approved, to be made', tone: 'info' },
  rejected: { zh: '已驳回', en: 'Rejected', tone: 'bad' },
  made: { zh: '已制章，未启用', en: 'Made, not active', tone: 'info' },
  active: { zh: '使用中', en: 'Active', tone: 'good' },
  suspended: { zh: '已停用', en: 'Suspended', tone: 'warn' },
  expired: { zh: '已过期', en: 'Expired', tone: 'bad' },
  replaced: { zh: '已更换', en: 'Replaced', tone: 'quiet' },
  destroyed: { zh: '已销毁', en: 'Destroyed', tone: 'bad' },
  cancelled: { zh: '申请已撤销', en: 'Application withdrawn', tone: 'quiet' },
};

const STEPS: Record<string, Words> = {
  applied: { zh: '提交申请', en: 'Applied for' },
  approved: { zh: '批准申请', en: 'Approved' },
  rejected: { zh: '驳回申请', en: 'Rejected' },
  made: { zh: '制章', en: 'Made' },
  active: { zh: '启用', en: 'Put to use' },
  suspended: { zh: '停用', en: 'Suspended' },
  replaced: { zh: '由新章更换', en: 'Replaced' },
  destroyed: { zh: '销毁', en: 'Destroyed' },
  cancelled: { zh: '撤销申请', en: 'Application withdrawn' },
  rules: { zh: '调整使用规则', en: 'Rules changed' },
};

const same = (text: string): Words => ({ zh: text, en: text });

/** As anybody is told. */
const PUBLIC: Record<PublicSealStatus['status'], StatusWords> = {
  'not-in-use': { zh: '已制章，尚未启用', en: 'Made, not in use yet', tone: 'info' },
  valid: { zh: '印章有效', en: 'This seal is valid', tone: 'good' },
  suspended: { zh: '印章已停用', en: 'This seal is suspended', tone: 'warn' },
  expired: { zh: '印章已过期', en: 'This seal has expired', tone: 'bad' },
  replaced: { zh: '印章已更换', en: 'This seal was replaced', tone: 'quiet' },
  destroyed: { zh: '印章已销毁', en: 'This seal was destroyed', tone: 'bad' },
};

export const sealWords = {
  kind: (kind: string): Words => KINDS[kind] ?? same(kind),
  state: (status: string): StatusWords => STATES[status as SealStatus] ?? { ...same(status), tone: 'quiet' },
  now: (status: PublicSealStatus['status']): StatusWords => PUBLIC[status],
  step: (to: string): Words => STEPS[to] ?? same(to),
};
