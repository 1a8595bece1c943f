import { OID } from '#crypto/oids.ts';
import type { Certificate } from '#pki/certificate.ts';
import { type Mandate, parseHolderText, parseMandate } from '#pki/holder-extensions.ts';
import { attributeOf } from '#pki/name.ts';
import { MANDATE_EXTENSION } from '#pki/profiles.ts';
import type { CertificateSubject } from './issue-certificate.ts';

const NAMES = [
  ['country', OID.country],
  ['province', OID.province],
  ['locality', OID.locality],
  ['organisation', OID.organisation],
  ['organisationalUnit', OID.organisationalUnit],
] as const;
const NUMBERS = [
  ['identifyCode', OID.gmIdentifyCode],
  ['taxationNumber', OID.gmTaxationNumber],
  ['registrationNumber', OID.gmRegistrationNumber],
] as const;

/** What a certificate of ours says of its subject, as it was given to `issueCertificate`: another one with it has the very same name. */
export function subjectOfCertificate({ subject: name, extensions }: Certificate): { subject: CertificateSubject; mandate?: Mandate } {
  const subject: CertificateSubject = { commonName: attributeOf(name, OID.commonName) ?? '' };
  for (const [member, type] of NAMES) {
    const value = attributeOf(name, type);
    if (value) subject[member] = value;
  }
  for (const [member, type] of NUMBERS) {
    const value = extensions.get(type)?.value;
    if (value) subject[member] = parseHolderText(type, value);
  }
  const code = attributeOf(name, OID.organisationIdentifier);
  if (code?.startsWith('NTRCN-')) subject.uscc = code.slice('NTRCN-'.length);
  else if (code?.startsWith('IC:CN-')) subject.internalCode = code.slice('IC:CN-'.length);
  const mandate = extensions.get(MANDATE_EXTENSION)?.value;
  return { subject, ...(mandate ? { mandate: parseMandate(mandate) } : {}) };
}
