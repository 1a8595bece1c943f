/** The issuing department's pages; those with a role are for those who hold it. */
export const DESK_SECTIONS = [
  ['/desk', '证照登记簿', 'Registry'],
  ['/desk/issue', '签发证照', 'Issue', 'issuer'],
  ['/desk/seals', '电子印章', 'Seals'],
  ['/desk/seal-jobs', '批量用印', 'Bulk sealing', 'issuer'],
  ['/desk/certificates', '机构证书', 'Certificates', 'seal-admin'],
] as const;
