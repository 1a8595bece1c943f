/** Certificates in words that people know: what one is for, its state, why it was revoked, who asked. */
import type { RevocationReason } from '#pki/crl.ts';
import type { Words } from './reason-words.ts';
import type { StatusWords } from './wording.ts';

const PROFILES: Record<string, Words> = {
  root: { zh: '根证书', en: 'Root' },
  issuing: { zh: '签发机构', en: 'Issuing authority' },
  person: { zh: '个人证书', en: 'Personal' },
  organisation: { zh: '机构证书', en: 'Organisation' },
  'legal-representative': { zh: '法定代表人证书', en: 'Legal representative' },
  agent: { zh: '经办人证书', en: 'Agent' },
  seal: { zh: '电子印章证书', en: 'E-seal' },
  'seal-maker': { zh: '制章人证书', en: 'Seal maker' },
  'document-signer': { zh: '文件签章证书', en: 'Document signer' },
  'code-signer': { zh: '亮证码签名证书', en: 'Code signer' },
  ocsp: { zh: '在线状态应答证书', en: 'OCSP responder' },
  timestamp: { zh: '时间戳证书', en: 'Timestamp authority' },
  'service-signer': { zh: '服务签名证书', en: 'Service signer' },
  'service-client': { zh: '服务客户端证书', en: 'Service client' },
  'web-server': { zh: '网站服务器证书', en: 'Web server' },
  device: { zh: '设备证书', en: 'Device' },
};

export function profileWords(profile: string): Words {
  const twin = /^(.+)-encryption$/.exec(profile)?.[1];
  const words = PROFILES[twin ?? profile];
  if (!words) return { zh: profile, en: profile };
  return twin ? { zh: `${words.zh}（加密）`, en: `${words.en} (encryption)` } : words;
}

const STATES: Record<string, StatusWords> = {
  good: { zh: '有效', en: 'In force', tone: 'good' },
  ending: { zh: '即将到期', en: 'Ends soon', tone: 'warn' },
  held: { zh: '已冻结', en: 'On hold', tone: 'warn' },
  revoked: { zh: '已吊销', en: 'Revoked', tone: 'bad' },
  expired: { zh: '已过期', en: 'Expired', tone: 'quiet' },
  'not-yet-valid': { zh: '尚未生效', en: 'Not yet valid', tone: 'warn' },
  unknown: { zh: '未知', en: 'Unknown', tone: 'quiet' },
};

/** A hold counts as held although the list carries it like a revocation. */
export function certificateState(certificate: { status: string; reason?: string | null; renewable?: boolean }): StatusWords {
  const held = certificate.status === 'revoked' && certificate.reason === 'certificate-hold';
  const code = held ? 'held' : certificate.status === 'good' && certificate.renewable ? 'ending' : certificate.status;
  return STATES[code] ?? { zh: code, en: code, tone: 'quiet' };
}

const REASONS: Record<RevocationReason, Words> = {
  unspecified: { zh: '不再使用', en: 'No longer needed' },
  'key-compromise': { zh: '密钥可能泄露或设备丢失', en: 'The key may be known to others, or the device is lost' },
  'ca-compromise': { zh: '签发机构密钥泄露', en: 'The authority’s key was compromised' },
  'affiliation-changed': { zh: '所属信息变更', en: 'Affiliation changed' },
  superseded: { zh: '已换用新证书', en: 'Replaced by another' },
  'cessation-of-operation': { zh: '业务终止', en: 'No longer in operation' },
  'certificate-hold': { zh: '暂时冻结', en: 'On hold' },
  'remove-from-crl': { zh: '解除冻结', en: 'Released' },
  'privilege-withdrawn': { zh: '权限被收回', en: 'Privilege withdrawn' },
  'aa-compromise': { zh: '属性机构密钥泄露', en: 'The attribute authority’s key was compromised' },
};

export function revocationWords(reason: string | null | undefined): Words {
  return REASONS[(reason ?? 'unspecified') as RevocationReason] ?? { zh: reason ?? '', en: reason ?? '' };
}

/** As choices of a form. */
export function reasonChoices(reasons: readonly RevocationReason[]): { value: string; zh: string; en: string }[] {
  return reasons.map((value) => ({ value, ...REASONS[value] }));
}

const DOMAIN_FAULTS: Record<string, Words> = {
  unreachable: { zh: '无法访问，或仅有非公网地址', en: 'Not reached, or only at an address that is not public' },
  'not-found': { zh: '未找到验证文件', en: 'Nothing stands there' },
  'other-content': { zh: '验证文件内容不符', en: 'Something else stands there' },
};

/** How the proof of control of a host name stands. */
export function domainState({ provenAt, fault }: { provenAt?: Date; fault?: string }): StatusWords {
  if (provenAt) return { zh: '已验证', en: 'Proven', tone: 'good' };
  const words = DOMAIN_FAULTS[fault ?? ''];
  return words ? { ...words, tone: 'bad' } : { zh: '待验证', en: 'Not proven yet', tone: 'warn' };
}

const NOTICES: Record<string, StatusWords> = {
  issued: { zh: '证书已签发', en: 'Issued', tone: 'info' },
  revoked: { zh: '证书已吊销', en: 'Revoked', tone: 'bad' },
  'encryption-issued': { zh: '加密证书已领取', en: 'Encryption certificate taken', tone: 'info' },
  'key-recovery': { zh: '加密密钥恢复已获批准', en: 'Recovery of the encryption key approved', tone: 'warn' },
  'key-recovered': { zh: '加密密钥已恢复交付', en: 'Encryption key recovered and handed over', tone: 'warn' },
  'expires-60': { zh: '证书将在 60 天内到期', en: 'Ends within 60 days', tone: 'info' },
  'expires-30': { zh: '证书将在 30 天内到期', en: 'Ends within 30 days', tone: 'warn' },
  'expires-7': { zh: '证书将在 7 天内到期', en: 'Ends within 7 days', tone: 'warn' },
  'expires-1': { zh: '证书将在 1 天内到期', en: 'Ends within a day', tone: 'bad' },
};

export function noticeWords(kind: string): StatusWords {
  return NOTICES[kind] ?? NOTICES[kind.replace(/-\d+$/, '')] ?? { zh: kind, en: kind, tone: 'quiet' };
}

const REQUEST_STATES: Record<string, StatusWords> = {
  requested: { zh: '待审批', en: 'Waiting', tone: 'warn' },
  approved: { zh: '已批准，签发中', en: 'Approved, being issued', tone: 'info' },
  rejected: { zh: '已驳回', en: 'Rejected', tone: 'bad' },
  issued: { zh: '已签发', en: 'Issued', tone: 'good' },
  cancelled: { zh: '已撤回', en: 'Taken back', tone: 'quiet' },
  expired: { zh: '逾期未办', en: 'Nobody decided in time', tone: 'quiet' },
};

export function requestState(status: string): StatusWords {
  return REQUEST_STATES[status] ?? { zh: status, en: status, tone: 'quiet' };
}

/** For templates, as `it.words`. */
export const certificateWords = {
  profile: profileWords,
  state: certificateState,
  reason: revocationWords,
  notice: noticeWords,
  request: requestState,
  domain: domainState,
};
