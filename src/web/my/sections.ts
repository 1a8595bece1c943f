/** The citizen's pages, in the order of their navigation. */
export const MY_SECTIONS = [
  ['/my', '我的证照', 'Licences'],
  ['/my/certificates', '数字证书', 'Certificates'],
  ['/my/organisations', '机构事务', 'Organisations'],
  ['/my/look-ups', '核验记录', 'Who looked'],
  ['/my/apps', '授权应用', 'Apps'],
  ['/my/sessions', '登录设备', 'Sessions'],
  ['/my/account', '账号', 'Account'],
] as const;
