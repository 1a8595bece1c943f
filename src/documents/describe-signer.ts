/** Who a certificate speaks of, in the words of the report. */
import { DerError, parseDer } from '#crypto/der.ts';
import { OID } from '#crypto/oids.ts';
import type { Certificate } from '#pki/certificate.ts';
import { attributeOf, nameToString } from '#pki/name.ts';
import { profileOf } from '#pki/profiles.ts';
import { hasUsccCheck } from './check-characters.ts';
import type { SignerReport } from './verdict.ts';

/** Where CAs put the unified social credit code: GM/T 0015, and an extension a provincial CA uses. */
const CODE_EXTENSIONS = [OID.gmOrganisationCode, '1.2.5.29.1'];

/** @param anchored whether its chain ends in an anchor: only then does the profile it claims mean anything. */
export function describeSigner(certificate: Certificate, anchored: boolean): SignerReport {
  const organisation = attributeOf(certificate.subject, OID.organisation) ?? '';
  const inName = /^([0-9A-Z]{18})(.+)$/s.exec(organisation);
  const leading = inName?.[1] && hasUsccCheck(inName[1]) ? inName[1] : undefined;
  return {
    subject: nameToString(certificate.subject),
    organisation: leading ? (inName?.[2] ?? organisation) : organisation,
    uscc: codeOf(certificate) ?? leading ?? '',
    profile: (anchored && profileOf(certificate)) || '',
    serial: certificate.serialHex,
    issuer: nameToString(certificate.issuer),
  };
}

function codeOf(certificate: Certificate): string | undefined {
  const texts = [attributeOf(certificate.subject, OID.organisationIdentifier)];
  for (const oid of CODE_EXTENSIONS) {
    const extension = certificate.extensions.get(oid);
    if (extension) texts.push(textOf(extension.value));
  }
  for (const text of texts) {
    const candidate = text?.match(/[0-9A-Z]{18}/)?.[0];
    if (candidate && hasUsccCheck(candidate)) return candidate;
  }
  return undefined;
}

/** A DER string, or the octets as text when they are none. */
function textOf(value: Uint8Array): string {
  try {
    return parseDer(value).asText();
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return Buffer.from(value).toString('utf8');
  }
}
