/** What both files say about themselves, under the signature: GB/T 36903 elements under their Chinese names and their pinyin keys. */
import { createHash } from 'node:crypto';
import { chinaDate } from './copy-mark.ts';
import { canonicalLicenceData, type LicenceData, licenceDataDigest } from './licence-data.ts';
import type { LicenceType } from './licence-type.ts';

export interface DocumentMetadata {
  title: string;
  author: string;
  subject: string;
  createdAt: Date;
  /** 32 hexadecimal digits. */
  documentId: string;
  licenceIdentifier: string;
  /** `sha256:…` of the canonical licence data. */
  dataDigest: string;
  /** Name and value, in this order. */
  customDatas: readonly (readonly [name: string, value: string])[];
  /** Placeholder of the template → name of the element in the data index (数据标引). */
  tagNames: ReadonlyMap<string, string>;
  /** Machine-readable data travelling with the page; OFD only, since PDF/A-2 forbids it. */
  attachment?: { name: string; format: string; bytes: Uint8Array };
}

export const CREATOR = 'Tongren';
export const DATA_DIGEST_NAME = '证照数据摘要';

/** Meaning, Chinese name and pinyin key of the elements of GB/T 36903 as implementations write them. */
function elementsOf(type: LicenceType, data: LicenceData): [zh: string, pinyin: string, value: string | undefined][] {
  const { holder, issuer, copy } = data;
  const holderKind = holder.identifierType === '001' ? '统一社会信用代码' : holder.identifierType === '111' ? '公民身份号码' : '其他';
  return [
    ['证照标识', 'ZZBS', data.identifier],
    ['证照编号', 'ZZBH', data.number],
    ['证照名称', 'ZZMC', type.name.zh],
    ['证照版本', 'ZZBB', data.version],
    ['证照类型名称', 'ZZLXMC', type.name.zh],
    ['证照类型代码', 'ZZLXDM', type.code],
    ['证照定义机构', 'ZZDYJG', type.definingAuthority.name],
    ['证照定义机构代码', 'ZZDYJGDM', type.definingAuthority.code],
    ['证照颁发机构', 'ZZBFJG', issuer.name],
    ['证照颁发机构代码', 'ZZBFJGDM', issuer.code],
    ['证照所属地区编码', 'ZZSSDQBM', issuer.divisionCode],
    ['证照颁发日期', 'ZZBFRQ', data.issuedOn],
    ['证照有效期起始日期', 'ZZYXQQSRQ', data.validFrom ?? data.issuedOn],
    ['证照有效期截止日期', 'ZZYXQJZRQ', data.validTo],
    ['持证主体', 'CZZT', holder.name],
    ['持证主体代码', 'CZZTDM', holder.identifier],
    ['持证主体代码类型', 'CZZTDMLX', holderKind],
    ['持证主体代码类型代码', 'CZZTDMLXDM', holder.identifierType],
    ['加注件制作时间', 'JZJZZSJ', copy ? chinaDate(copy.madeAt) : undefined],
    ['加注件制作者', 'JZJZZZ', copy?.madeBy],
    ['加注件制作事由', 'JZJZZSY', copy?.purpose],
    ['加注件有效期截止时间', 'JZJYXQJZSJ', copy?.validUntil],
  ];
}

const COMMON_TAGS: readonly (readonly [string, string])[] = [
  ['@identifier', '证照标识'],
  ['@number', '证照编号'],
  ['@holder', '持证主体'],
  ['@holder-identifier', '持证主体代码'],
  ['@issuer', '证照颁发机构'],
  ['@issued-on', '证照颁发日期'],
  ['@validity', '证照有效期'],
];

/** The document id is drawn from the content, so that one licence made twice at the same instant is the same file. */
export function licenceMetadata(type: LicenceType, data: LicenceData, { createdAt }: { createdAt: Date }): DocumentMetadata {
  const dataDigest = licenceDataDigest(data);
  const elements = elementsOf(type, data).filter((element): element is [string, string, string] => !!element[2]);
  const own = type.fields.flatMap((field): [string, string][] => {
    const value = data.fields[field.key];
    return value ? [[field.label.zh, value]] : [];
  });
  const seed = JSON.stringify([data.identifier, dataDigest, createdAt.toISOString(), data.verifyAddress, data.copy ?? null]);
  return {
    title: `${type.name.zh} ${data.number}`,
    author: data.issuer.name,
    subject: `${type.name.zh}（${data.identifier}）`,
    createdAt,
    documentId: createHash('sha256').update(seed).digest('hex').slice(0, 32),
    licenceIdentifier: data.identifier,
    dataDigest,
    customDatas: [
      ...elements.map(([zh, , value]): [string, string] => [zh, value]),
      ...own,
      [DATA_DIGEST_NAME, dataDigest],
      ...elements.map(([, pinyin, value]): [string, string] => [pinyin, value]),
    ],
    tagNames: new Map([...COMMON_TAGS, ...type.fields.map((field): [string, string] => [field.key, field.label.zh])]),
    attachment: { name: 'licence.json', format: 'json', bytes: canonicalLicenceData(data) },
  };
}
