/** Licences of synthetic persons and companies, check-valid, made from the examples in the templates. */
import type { LicenceData } from '#documents/page/licence-data.ts';
import { findLicenceType, type LicenceType } from '#documents/page/licence-type.ts';
import { validityOf } from '#documents/page/validity.ts';
import { formatIdentifier } from '#licences/licence-identifier.ts';

export function sampleType(slug: string): LicenceType {
  const type = findLicenceType(slug);
  if (!type) throw new Error(`no licence type ${slug}`);
  return type;
}

export function exampleFields(type: LicenceType): Record<string, string> {
  return Object.fromEntries(type.fields.filter((field) => field.example !== '').map((field) => [field.key, field.example]));
}

const ISSUERS: Record<string, { name: string; code: string }> = {
  'business-licence': { name: '通州市市场监督管理局', code: '11990100MBTR00016W' },
  'residence-permit': { name: '通州市公安局', code: '11990100MBTR00024P' },
  'driving-licence': { name: '通州市公安局交通管理支队', code: '11990100MBTR00032J' },
};

/** Whose sex and birth date agree with the number. */
const HOLDERS: Record<string, LicenceData['holder']> = {
  'driving-licence': { name: '陈嘉禾', identifier: '990101198512121533', identifierType: '111' },
};

export function sampleLicence(slug: string, changes: Partial<LicenceData> = {}): LicenceData {
  const type = sampleType(slug);
  const fields = exampleFields(type);
  const issuer = ISSUERS[slug] ?? { name: '通州市政务服务中心', code: '11990100MBTR00016W' };
  const issuedOn = '2026-11-20';
  const serial = '990100202600001234';
  return {
    typeCode: type.code,
    identifier: formatIdentifier({ typeCode: type.code, issuerCode: issuer.code, serial, version: 1 }),
    number: serial,
    version: '001',
    holder:
      type.holderKind === 'legal'
        ? { name: '通州市晨光信息科技有限公司', identifier: '91990100MATR000126', identifierType: '001' }
        : (HOLDERS[slug] ?? { name: '林晓彤', identifier: '990101199003070023', identifierType: '111' }),
    issuer: { ...issuer, divisionCode: '990100' },
    issuedOn,
    ...validityOf(type, fields, issuedOn),
    fields,
    verifyAddress: 'https://id.example/v/8fKq2mV1sX7pQ0tLr5nYwA',
    ...changes,
  };
}
