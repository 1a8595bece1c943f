/** The issuing department's pages. */
export const DESK_SECTIONS = [
  ['/desk', '证照登记簿', 'Registry'],
  ['/desk/issue', '签发证照', 'Issue'],
  ['/desk/seals', '电子印章', 'Seals'],
  ['/desk/seal-jobs', '批量用印', 'Bulk sealing'],
  ['/desk/certificates', '机构证书', 'Certificates'],
] as const;
