/** What a certificate says of a natural person: the least that does, as the operator decides (Personal Information Protection Law art. 6). */
import type { FieldCipher } from '#crypto/field-cipher.ts';
import type { CertificateSubject } from './issue-certificate.ts';

export interface PersonNaming {
  /** The citizen number: `hashed` with our key, so that only we can tell whether two are the same; `encrypted`, so that only we can read it. */
  citizenNumber: 'hashed' | 'encrypted' | 'omitted';
  /** `masked` leaves the family name and stars. */
  name: 'clear' | 'masked';
}

export const DEFAULT_PERSON_NAMING: PersonNaming = { citizenNumber: 'omitted', name: 'clear' };

export interface NamedPerson {
  name: string;
  citizenNumber?: string;
}

/** Common name and identifyCode of the person. */
export function personSubject(
  { fields }: { fields: Pick<FieldCipher, 'seal' | 'lastingIdentifier'> },
  { name, citizenNumber }: NamedPerson,
  naming: PersonNaming = DEFAULT_PERSON_NAMING,
): Pick<CertificateSubject, 'commonName' | 'identifyCode'> {
  const commonName = naming.name === 'masked' ? maskName(name) : name;
  if (!citizenNumber || naming.citizenNumber === 'omitted') return { commonName };
  return { commonName, identifyCode: protectIdentifyCode(fields, citizenNumber, naming.citizenNumber) };
}

/** `H1:` and a keyed HMAC in hex, or `E1:` and the sealed number in base64: both fit the PrintableString of GM/T 0015. */
export function protectIdentifyCode(
  fields: Pick<FieldCipher, 'seal' | 'lastingIdentifier'>,
  citizenNumber: string,
  how: Exclude<PersonNaming['citizenNumber'], 'omitted'>,
): string {
  const number = citizenNumber.toUpperCase();
  // Of its own key and kind: what stands in a public certificate cannot be matched with the column of the register, and stays through renewals.
  if (how === 'hashed') return `H1:${Buffer.from(fields.lastingIdentifier('certificate-identify-code', number)).toString('hex')}`;
  return `E1:${Buffer.from(fields.seal(IDENTIFY_CODE_PLACE, number)).toString('base64')}`;
}

/** Where the encrypted form stands, to open it again. */
export const IDENTIFY_CODE_PLACE = 'certificate.identify-code';

function maskName(name: string): string {
  const characters = [...name];
  return characters.length < 2 ? '*' : `${characters[0]}${'*'.repeat(characters.length - 1)}`;
}
