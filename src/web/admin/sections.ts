/** The operators' pages. */
export const ADMIN_SECTIONS = [
  ['/admin', '概况', 'Overview'],
  ['/admin/apps', '接入应用', 'Apps'],
  ['/admin/staff', '机构与人员', 'Staff'],
  ['/admin/devices', '设备', 'Devices'],
  ['/admin/audit', '审计查询', 'Audit'],
  ['/admin/trust', '证书与吊销', 'Certificates'],
] as const;
