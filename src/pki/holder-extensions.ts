/**
 * Extensions that say more about the holder than a name can: the numbers of GM/T 0015 (GB/T 20518 §5.2.4.3), and the mandate under
 * which an agent signs. None is critical: who does not know them loses nothing that the path depends on.
 */
import { context, DerError, parseDer, TAG } from '#crypto/der.ts';
import { generalizedTime, implicitPrimitive, printableString, sequence, utf8String } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { type CertificateProfile, MANDATE_EXTENSION } from './profiles.ts';

export interface Mandate {
  /** Number under which the mandate is found. */
  reference: string;
  /** The instant it ends. */
  validUntil: Date;
}

export interface HolderIdentifiers {
  /** Unified social credit code or other code of the organisation. */
  organisationCode?: string;
  /** As `protectIdentifyCode` wrote it: never a number in clear. */
  identifyCode?: string;
  insuranceNumber?: string;
  registrationNumber?: string;
  taxationNumber?: string;
  mandate?: Mandate;
}

/** Which field of the profile allows which extension, with what its text may be. */
export const HOLDER_EXTENSIONS = [
  { type: OID.gmOrganisationCode, allowedBy: 'organisationCode', text: /^[0-9A-Z-]{1,32}$/ },
  { type: OID.gmIdentifyCode, allowedBy: 'identifyCode', text: /^(H1:[0-9a-f]{64}|E1:[A-Za-z0-9+/]{40,300}={0,2})$/ },
  { type: OID.gmInsuranceNumber, allowedBy: 'insuranceNumber', text: /^[0-9A-Z]{1,32}$/ },
  { type: OID.gmRegistrationNumber, allowedBy: 'registrationNumber', text: /^[0-9A-Z]{1,32}$/ },
  { type: OID.gmTaxationNumber, allowedBy: 'taxationNumber', text: /^[0-9A-Z]{1,32}$/ },
] as const satisfies readonly { type: string; allowedBy: keyof CertificateProfile & keyof HolderIdentifiers; text: RegExp }[];

/** Pairs of OID and value, in the order they are written. What the profile does not allow is left out. */
export function encodeHolderExtensions(profile: CertificateProfile, identifiers: HolderIdentifiers): [string, Uint8Array][] {
  const list: [string, Uint8Array][] = [];
  for (const { type, allowedBy } of HOLDER_EXTENSIONS) {
    const value = identifiers[allowedBy];
    if (!value || !profile[allowedBy]) continue;
    // identifyCode is a CHOICE; [0] residenterCardNumber is the one for citizens.
    list.push([type, type === OID.gmIdentifyCode ? implicitPrimitive(0, Buffer.from(value, 'latin1')) : printableString(value)]);
  }
  if (profile.mandate && identifiers.mandate) {
    const { reference, validUntil } = identifiers.mandate;
    list.push([MANDATE_EXTENSION, sequence(utf8String(reference), generalizedTime(validUntil))]);
  }
  return list;
}

/** The text of one of the extensions of GM/T 0015. Throws DerError when it is of another kind than we write. */
export function parseHolderText(type: string, value: Uint8Array): string {
  const element = parseDer(value, { maxElements: 2, maxDepth: 2 }).expect(
    type === OID.gmIdentifyCode ? context(0, false) : TAG.printableString,
  );
  return Buffer.from(element.content).toString('latin1');
}

/** Throws DerError when it is not one. */
export function parseMandate(value: Uint8Array): Mandate {
  const element = parseDer(value, { maxElements: 4, maxDepth: 3 }).expect(TAG.sequence);
  const reference = element.at(0, TAG.utf8String).asText();
  if (reference.length === 0 || reference.length > 64) throw new DerError('a mandate without a reference');
  return { reference, validUntil: element.at(1, TAG.generalizedTime).asTime() };
}
