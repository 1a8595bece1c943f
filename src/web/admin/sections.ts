/** The operators' pages. */
export const ADMIN_SECTIONS = [
  ['/admin', '概况', 'Overview'],
  ['/admin/apps', '接入应用', 'Apps'],
  ['/admin/staff', '机构与人员', 'Staff'],
  ['/admin/devices', '设备', 'Devices'],
  ['/admin/audit', '审计查询', 'Audit'],
  ['/admin/requests', '证书申请', 'Requests'],
  ['/admin/certificates', '证书查询', 'Certificates'],
  ['/admin/recoveries', '密钥恢复', 'Key recovery'],
  ['/admin/seals', '电子印章', 'Seals'],
  ['/admin/seal-jobs', '批量用印', 'Bulk sealing'],
  ['/admin/services', '信任服务', 'Services'],
  ['/admin/trust-list', '信任列表', 'Trust list'],
] as const;
