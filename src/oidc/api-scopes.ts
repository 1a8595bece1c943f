/** What systems may do at `/api`, one scope per operation. A client gets only those an operator registered for it. */
export const API_SCOPES = {
  'licences:issue': { zh: '签发电子证照', en: 'Issue licences' },
  'licences:read': { zh: '读取电子证照', en: 'Read licences' },
  'licences:status': { zh: '变更证照状态', en: 'Change the status of licences' },
  'codes:redeem': { zh: '核验亮证码', en: 'Redeem presented codes' },
  'seals:use': { zh: '批量加盖电子印章', en: 'Seal documents' },
  'seals:read': { zh: '查询电子印章', en: 'Read seals' },
  'certificates:read': { zh: '查询数字证书', en: 'Read certificates' },
  'certificates:request': { zh: '申请数字证书', en: 'Ask for certificates' },
  'certificates:revoke': { zh: '吊销本机构证书', en: 'Revoke certificates of the organisation' },
  'certificates:review': { zh: '查看全部证书申请', en: 'Read all certificate requests that wait for operators' },
  'people:register': { zh: '登记人员', en: 'Register people' },
  'audit:read': { zh: '查询审计记录', en: 'Read the audit log' },
} as const satisfies Record<string, { zh: string; en: string }>;

export type ApiScope = keyof typeof API_SCOPES;

export function isApiScope(text: string): text is ApiScope {
  return Object.hasOwn(API_SCOPES, text);
}
