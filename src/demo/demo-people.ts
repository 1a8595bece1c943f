/**
 * The people and bodies of the demo city 通明市 (Tongming). All invented: the area 350199 is no county, and the numbers merely pass
 * their checks. What is written here without check characters gets them below.
 */
import type { Role } from '#access/staff.ts';
import { citizenCheckCharacter, usccCheckCharacter } from '#documents/check-characters.ts';
import { organisationCheckCharacter } from '#people/organisation-code.ts';
import type { OrganisationKind } from '#people/organisations.ts';

const AREA = '350199';
/** One for all demo accounts; production never loads the demo. */
export const DEMO_PASSWORD = 'Banyan-City-2026';

export interface DemoOrganisation {
  key: 'dataOffice' | 'marketRegulation' | 'publicSecurity' | 'serviceHall' | 'teaCompany' | 'villageCommittee';
  name: string;
  nameEn: string;
  kind: OrganisationKind;
  uscc?: string;
  internalCode?: string;
  organisationCode?: string;
  divisionCode: string;
}

export const DEMO_ORGANISATIONS: readonly DemoOrganisation[] = [
  {
    key: 'dataOffice',
    name: '通明市大数据管理局',
    nameEn: 'Data Office',
    kind: 'department',
    uscc: uscc('11', '99100001'),
    divisionCode: AREA,
  },
  {
    key: 'marketRegulation',
    name: '通明市市场监督管理局',
    nameEn: 'Market Regulation',
    kind: 'department',
    uscc: uscc('11', '99100002'),
    divisionCode: AREA,
  },
  {
    key: 'publicSecurity',
    name: '通明市公安局',
    nameEn: 'Public Security',
    kind: 'department',
    uscc: uscc('11', '99100003'),
    divisionCode: AREA,
  },
  {
    key: 'serviceHall',
    name: '通明市政务服务中心',
    nameEn: 'Government Service Hall',
    kind: 'department',
    uscc: uscc('12', '99100004'),
    divisionCode: AREA,
  },
  {
    key: 'teaCompany',
    name: '通明市榕荫茶业有限公司',
    nameEn: 'Rongyin Tea Co., Ltd.',
    kind: 'company',
    uscc: uscc('91', 'MA9T0001'),
    divisionCode: AREA,
  },
  {
    key: 'villageCommittee',
    name: '通明市湖滨区榕树村村民委员会',
    nameEn: 'Banyan Village Committee',
    kind: 'village-committee',
    internalCode: 'TM-350199012001',
    organisationCode: organisationCode('99100005'),
    divisionCode: '350199012001',
  },
];

export interface DemoPerson {
  key: string;
  name: string;
  citizenNumber: string;
  /** National form, as one types it. */
  phone: string;
  /** Staff of the demo city. */
  position?: { organisation: DemoOrganisation['key']; roles: readonly Role[] };
  /** On the table of demo accounts. */
  roleZh: string;
  roleEn: string;
  path: string;
}

const citizen = { roleZh: '市民', roleEn: 'Citizen', path: '/my' };

export const DEMO_PEOPLE: readonly DemoPerson[] = [
  { key: 'lin', name: '林晓梅', citizenNumber: number('19900307', '022'), phone: '13900000001', ...citizen },
  { key: 'chen', name: '陈建国', citizenNumber: number('19480915', '031'), phone: '13900000002', ...citizen },
  { key: 'gul', name: '阿依古丽·买买提', citizenNumber: number('19951102', '046'), phone: '13900000003', ...citizen },
  {
    key: 'zheng',
    name: '郑文博',
    citizenNumber: number('19840621', '015'),
    phone: '13900000011',
    position: { organisation: 'marketRegulation', roles: ['issuer'] },
    roleZh: '市场监管局 · 发证',
    roleEn: 'Market Regulation · issuer',
    path: '/desk',
  },
  {
    key: 'wu',
    name: '吴秀兰',
    citizenNumber: number('19791230', '068'),
    phone: '13900000012',
    position: { organisation: 'marketRegulation', roles: ['seal-admin'] },
    roleZh: '市场监管局 · 印章管理',
    roleEn: 'Market Regulation · seals',
    path: '/desk',
  },
  {
    key: 'huang',
    name: '黄志强',
    citizenNumber: number('19720418', '057'),
    phone: '13900000013',
    position: { organisation: 'marketRegulation', roles: ['approver'] },
    roleZh: '市场监管局 · 审批',
    roleEn: 'Market Regulation · approver',
    path: '/desk',
  },
  {
    key: 'zhou',
    name: '周海燕',
    citizenNumber: number('19860809', '084'),
    phone: '13900000021',
    position: { organisation: 'publicSecurity', roles: ['issuer', 'seal-admin'] },
    roleZh: '公安局 · 发证与印章',
    roleEn: 'Public Security · issuer, seals',
    path: '/desk',
  },
  {
    key: 'sun',
    name: '孙立',
    citizenNumber: number('19750226', '013'),
    phone: '13900000022',
    position: { organisation: 'publicSecurity', roles: ['approver'] },
    roleZh: '公安局 · 审批',
    roleEn: 'Public Security · approver',
    path: '/desk',
  },
  {
    key: 'xu',
    name: '许静',
    citizenNumber: number('19930514', '020'),
    phone: '13900000031',
    position: { organisation: 'serviceHall', roles: ['counter'] },
    roleZh: '政务服务中心 · 窗口',
    roleEn: 'Service hall · counter',
    path: '/counter',
  },
  {
    key: 'he',
    name: '何明',
    citizenNumber: number('19811017', '039'),
    phone: '13900000041',
    position: { organisation: 'dataOffice', roles: ['operator'] },
    roleZh: '大数据局 · 运维',
    roleEn: 'Data office · operator',
    path: '/admin',
  },
  {
    // What two operators decide needs a second one.
    key: 'tang',
    name: '唐洁',
    citizenNumber: number('19860619', '044'),
    phone: '13900000043',
    position: { organisation: 'dataOffice', roles: ['operator'] },
    roleZh: '大数据局 · 运维复核',
    roleEn: 'Data office · second operator',
    path: '/admin',
  },
  {
    key: 'luo',
    name: '罗敏',
    citizenNumber: number('19880123', '042'),
    phone: '13900000042',
    position: { organisation: 'dataOffice', roles: ['auditor'] },
    roleZh: '大数据局 · 审计',
    roleEn: 'Data office · auditor',
    path: '/admin',
  },
];

/** Known to the simulated population register but not to us: with these a newcomer tries registering and proving the real name. */
export const DEMO_NEWCOMERS: readonly { name: string; citizenNumber: string }[] = [
  { name: '赵一鸣', citizenNumber: number('19990228', '017') },
  { name: '钱思远', citizenNumber: number('20010701', '024') },
];

/** What the simulated population register knows. */
export const DEMO_POPULATION: readonly { name: string; citizenNumber: string }[] = [
  ...DEMO_PEOPLE.map(({ name, citizenNumber }) => ({ name, citizenNumber })),
  ...DEMO_NEWCOMERS,
];

function number(birth: string, sequence: string): string {
  const first17 = `${AREA}${birth}${sequence}`;
  return first17 + citizenCheckCharacter(first17);
}

function organisationCode(first8: string): string {
  return first8 + organisationCheckCharacter(first8);
}

function uscc(authorityAndKind: string, first8: string): string {
  const first17 = `${authorityAndKind}${AREA}${organisationCode(first8)}`;
  return first17 + usccCheckCharacter(first17);
}
