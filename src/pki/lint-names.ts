/** The lint of names and encodings: strings, times and bounds as RFC 5280 §4.1.2 and appendix A, and GB/T 20518 §5.2, write them. */
import { type DerElement, TAG } from '#crypto/der.ts';
import { x509Time } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import type { Certificate } from './certificate.ts';
import { attributeOf } from './name.ts';
import type { CertificateProfile } from './profiles.ts';

/** Upper bounds of X.520 in characters (RFC 5280 appendix A.1, ub-*); what is not named has 64. */
const UPPER_BOUNDS: Readonly<Record<string, number>> = { [OID.country]: 2, [OID.locality]: 128, [OID.province]: 128 };
const OTHER_UPPER_BOUND = 64;
const PRINTABLE: readonly string[] = [OID.country, OID.serialNumber];
/** Attributes that hold codes of organisations, which may by chance look like a citizen's number. */
const CODES: readonly string[] = [OID.organisationIdentifier];
const CITIZEN_NUMBER = /(?<!\d)[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?!\d)/g;
const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

export function lintNames(certificate: Certificate, profile: CertificateProfile): string[] {
  const faults: string[] = [];
  for (const type of profile.requiredSubject) {
    if (!attributeOf(certificate.subject, type)) faults.push(`subject lacks ${type}`);
  }
  const types = certificate.subject.attributes.map(({ oid }) => oid);
  for (const type of new Set(types)) {
    if (type !== OID.organisationalUnit && type !== OID.domainComponent && types.indexOf(type) !== types.lastIndexOf(type))
      faults.push(`name attribute ${type} stands twice`);
  }
  for (const { oid: type, value } of [...certificate.subject.attributes, ...certificate.issuer.attributes]) {
    if (value.length === 0 || [...value].length > (UPPER_BOUNDS[type] ?? OTHER_UPPER_BOUND) || value !== value.trim())
      faults.push(`name attribute ${type} of wrong length`);
    if (/[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/u.test(value)) faults.push(`name attribute ${type} has invisible characters`);
    if (value !== value.normalize('NFC')) faults.push(`name attribute ${type} is not in normal form C`);
    if (type === OID.country && !/^[A-Z]{2}$/.test(value)) faults.push('country is not two letters');
  }
  const open = certificate.subject.attributes.filter(({ oid }) => !CODES.includes(oid)).map(({ value }) => value);
  if (open.some(holdsCitizenNumber)) faults.push('a citizen number in clear');
  if (certificate.issuer.attributes.length === 0) faults.push('issuer without a name');
  if (certificate.selfIssued !== (profile.issuer === 'self')) faults.push('self-issued and profile disagree');
  return faults;
}

/** Whether a number with a right check character (GB 11643) stands in the text. */
export function holdsCitizenNumber(text: string): boolean {
  return [...text.matchAll(CITIZEN_NUMBER)].some(([number]) => {
    const sum = WEIGHTS.reduce((total, weight, index) => total + weight * Number(number[index]), 0);
    return '10X98765432'[sum % 11] === number[17]?.toUpperCase();
  });
}

/** @param fields the elements of the TBSCertificate, version 3, as they stand. */
export function lintEncodings(fields: readonly DerElement[], certificate: Certificate): string[] {
  const faults: string[] = [];
  for (const name of [fields[3], fields[5]]) {
    for (const rdn of name?.children ?? []) {
      if (rdn.children.length !== 1) faults.push('a name part of several attributes');
      for (const pair of rdn.children) faults.push(...faultsOfString(pair.at(0).asOid(), pair.at(1)));
    }
  }
  const [begin, end] = fields[4]?.children ?? [];
  for (const [element, date] of [
    [begin, certificate.notBefore],
    [end, certificate.notAfter],
  ] as const) {
    // §4.1.2.5: UTCTime to 2049, GeneralizedTime from 2050, in Zulu with seconds and without fractions.
    if (!element || Buffer.compare(element.bytes, x509Time(date)) !== 0) faults.push('a time in another encoding than RFC 5280 asks for');
  }
  if (fields.length !== 8) faults.push('a unique identifier, or a part too few');
  return faults;
}

function faultsOfString(type: string, value: DerElement): string[] {
  const expected = PRINTABLE.includes(type) ? TAG.printableString : TAG.utf8String;
  if (value.tag !== expected) return [`name attribute ${type} is not ${expected === TAG.utf8String ? 'UTF8String' : 'PrintableString'}`];
  const text = Buffer.from(value.content).toString('latin1');
  return expected === TAG.printableString && !/^[A-Za-z0-9 '()+,\-./:=?]*$/.test(text) ? [`name attribute ${type} is not printable`] : [];
}
