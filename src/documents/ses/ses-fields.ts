/** Fields of seals and signatures as some producers write them. Every departure from the standard leaves a warning. */
import { type DerElement, DerError, TAG } from '#crypto/der.ts';
import { parseSigningTime } from './parse-signing-time.ts';

/** A time; without a zone it is Beijing's. Throws DerError. */
export function readTime(element: DerElement, warnings: Set<string>): Date {
  try {
    return element.asTime();
  } catch (error) {
    if (!(error instanceof DerError) || (element.tag !== TAG.generalizedTime && element.tag !== TAG.utcTime)) throw error;
    const digits = Buffer.from(element.content).toString('latin1');
    const century = element.tag === TAG.utcTime ? (Number(digits.slice(0, 2)) < 50 ? '20' : '19') : '';
    const read = parseSigningTime(century + digits);
    if (!read) throw error;
    warnings.add(read.zoneAssumed ? 'time-zone-assumed' : 'time-info-type');
    return read.time;
  }
}

/** Text; a name in GBK inside a UTF8String is read as what it is. Throws DerError for anything but a character string. */
export function readText(element: DerElement, warnings: Set<string>): string {
  try {
    return element.asText();
  } catch (error) {
    if (!(error instanceof DerError) || element.tag !== TAG.utf8String) throw error;
    warnings.add('seal-text-encoding');
    return new TextDecoder('gb18030').decode(element.content);
  }
}

/** DER of a certificate: wrapped in an OCTET STRING, or standing there itself. */
export function readCertificateField(element: DerElement, warnings: Set<string>): Uint8Array {
  if (element.tag === TAG.octetString) return element.content;
  warnings.add('seal-certificate-not-wrapped');
  return element.expect(TAG.sequence).bytes;
}

/** An algorithm: a bare OID, or an AlgorithmIdentifier around it. */
export function readAlgorithmField(element: DerElement, warnings: Set<string>): string {
  if (element.tag === TAG.oid) return element.asOid();
  warnings.add('signature-algorithm-wrapped');
  return element.expect(TAG.sequence).at(0).asOid();
}

/** Octets of a BIT STRING, or of the OCTET STRING some write instead. */
export function readBitsField(element: DerElement, warning: string, warnings: Set<string>): Uint8Array {
  if (element.tag !== TAG.octetString) return element.asBits();
  warnings.add(warning);
  return element.content;
}
