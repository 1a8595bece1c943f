/** The operators' pages, in groups: too many for one line. */
export const ADMIN_SECTIONS = [
  {
    zh: '运行',
    en: 'Running',
    items: [
      ['/admin', '概况', 'Overview'],
      ['/admin/audit', '审计查询', 'Audit'],
      ['/admin/services', '信任服务', 'Services'],
      ['/admin/trust-list', '信任列表', 'Trust list'],
    ],
  },
  {
    zh: '接入',
    en: 'Access',
    items: [
      ['/admin/apps', '接入应用', 'Apps'],
      ['/admin/staff', '机构与人员', 'Staff'],
      ['/admin/devices', '设备', 'Devices'],
    ],
  },
  {
    zh: '证书',
    en: 'Certificates',
    items: [
      ['/admin/requests', '证书申请', 'Requests'],
      ['/admin/certificates', '证书查询', 'Search'],
      ['/admin/recoveries', '密钥恢复', 'Key recovery'],
    ],
  },
  {
    zh: '印章',
    en: 'Seals',
    items: [
      ['/admin/seals', '电子印章', 'Seals'],
      ['/admin/seal-jobs', '批量用印', 'Bulk sealing'],
    ],
  },
] as const;
