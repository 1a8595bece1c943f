/**
 * The demo city's seals and licences, made as everybody else makes them: one person applies for a seal, another approves,
 * departments issue. Doing it again changes nothing; a start that was cut off goes on where it stopped.
 */
import { issueLicence } from '#licences/issue-licence.ts';
import type { LicenceDeps } from '#licences/licence-deps.ts';
import { resumeIssuing } from '#licences/resume-issuing.ts';
import { parseCitizenNumber } from '#people/citizen-number.ts';
import { requirePerson } from '#people/find-person.ts';
import { applyForSeal } from '#seals/apply-for-seal.ts';
import { approveSeal } from '#seals/approve-seal.ts';
import { activateSeal } from '#seals/change-seal-status.ts';
import { listSeals } from '#seals/find-seals.ts';
import { makeSeal } from '#seals/make-seal.ts';
import { drawPortrait, type PortraitColours } from './draw-portrait.ts';
import type { DemoCity } from './seed-people.ts';

type City = Pick<DemoCity, 'organisations' | 'personIds'>;

/** Who applies and who approves; never one person. */
const SEALS = [
  { organisation: 'marketRegulation', admin: 'wu', approver: 'huang' },
  { organisation: 'publicSecurity', admin: 'zhou', approver: 'sun' },
] as const;

const PORTRAITS: Record<string, PortraitColours> = {
  lin: { skin: '#f3d2b8', hair: '#1d1714', coat: '#5b7c99', longHair: true },
  chen: { skin: '#e8c1a0', hair: '#c9c6c2', coat: '#3e4a57', longHair: false },
  gul: { skin: '#efcbaf', hair: '#2c1b14', coat: '#8c4a5a', longHair: true },
};

interface DemoPermit {
  holder: string;
  type: 'residence-permit' | 'driving-licence';
  fields: Record<string, string>;
}

const PERMITS: readonly DemoPermit[] = [
  {
    holder: 'lin',
    type: 'residence-permit',
    fields: {
      ethnicity: '汉',
      registeredAddress: '南平市延平区水南街道江滨南路16号3幢502室',
      currentAddress: '通明市湖滨区榕荫街道书院路28号6幢903室',
    },
  },
  {
    holder: 'lin',
    type: 'driving-licence',
    fields: {
      nationality: '中国',
      address: '通明市湖滨区榕荫街道书院路28号6幢903室',
      firstIssuedOn: '2015-08-21',
      vehicleClass: 'C1',
      validFrom: '2021-08-21',
      validTo: '2031-08-21',
      fileNumber: '350199015273',
    },
  },
  {
    holder: 'chen',
    type: 'driving-licence',
    fields: {
      nationality: '中国',
      address: '通明市湖滨区榕树村12号',
      firstIssuedOn: '1989-04-03',
      vehicleClass: 'C2',
      validFrom: '2019-04-03',
      fileNumber: '350199000418',
    },
  },
  {
    holder: 'gul',
    type: 'residence-permit',
    fields: {
      ethnicity: '维吾尔',
      registeredAddress: '喀什市恰萨街道欧尔达希克路9号',
      currentAddress: '通明市海曙区学府街道青年路120号9幢1单元1802室',
    },
  },
];

const BUSINESS_LICENCE = {
  companyType: '有限责任公司（自然人投资或控股）',
  legalRepresentative: '陈建国',
  registeredCapital: '贰佰万元整',
  establishedOn: '2019-03-18',
  address: '通明市湖滨区榕荫街道茶市巷5号',
  businessScope:
    '许可项目：食品销售。一般项目：茶叶种植；初级农产品收购；茶具销售；会议及展览服务；互联网销售。（依法须经批准的项目，经相关部门批准后方可开展经营活动）',
};

/** Throws what issuing throws. */
export async function seedLicences(deps: LicenceDeps, city: City): Promise<void> {
  for (const seal of SEALS) await ensureSeal(deps, city, seal);
  await resumeIssuing(deps, { olderThanSeconds: 0 });
  for (const permit of PERMITS) await issuePermit(deps, city, permit);
  await issueLicence(deps, {
    type: 'business-licence',
    holder: { organisationId: city.organisations.teaCompany.id },
    fields: BUSINESS_LICENCE,
    issuerOrganisationId: city.organisations.marketRegulation.id,
    by: { personId: personOf(city, 'zheng') },
    requestId: 'demo-business-licence-tea',
  });
}

async function issuePermit(deps: LicenceDeps, city: City, { holder, type, fields }: DemoPermit): Promise<void> {
  const personId = personOf(city, holder);
  const { citizenNumber = '' } = await requirePerson(deps, personId);
  const { sex, birthDate } = parseCitizenNumber(citizenNumber);
  const colours = PORTRAITS[holder];
  await issueLicence(deps, {
    type,
    holder: { personId },
    fields: { ...fields, sex, birthDate },
    issuerOrganisationId: city.organisations.publicSecurity.id,
    by: { personId: personOf(city, 'zhou') },
    requestId: `demo-${type}-${holder}`,
    ...(colours ? { photo: { format: 'PNG' as const, bytes: await drawPortrait(colours) } } : {}),
  });
}

async function ensureSeal(deps: LicenceDeps, city: City, seal: (typeof SEALS)[number]): Promise<void> {
  const organisationId = city.organisations[seal.organisation].id;
  const by = { personId: personOf(city, seal.admin) };
  const existing = (await listSeals(deps, { organisationId })).find(({ kind, status }) => kind === 'licence' && status !== 'rejected');
  const sealId = existing?.id ?? (await applyForSeal(deps, { organisationId, kind: 'licence', licenceTypes: [], by })).sealId;
  const status = existing?.status ?? 'applied';
  if (status === 'applied') await approveSeal(deps, { sealId, by: { personId: personOf(city, seal.approver) }, decision: 'approve' });
  if (status === 'applied' || status === 'approved') await makeSeal(deps, { sealId, by });
  if (status === 'applied' || status === 'approved' || status === 'made') await activateSeal(deps, { sealId, by });
}

function personOf(city: City, key: string): string {
  const id = city.personIds[key];
  if (!id) throw new Error(`the demo city has no ${key}`);
  return id;
}
