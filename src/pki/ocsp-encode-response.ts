/** Writes OCSP responses (RFC 6960 §4.2): the bytes to be signed, and what goes around them. */
import { TAG } from '#crypto/der.ts';
import { bitString, explicit, generalizedTime, implicitPrimitive, integer, octetString, oid, sequence, tlv } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import type { Suite } from '#crypto/suite.ts';
import { encodeSignatureAlgorithm, keyIdentifier } from './build-certificate.ts';
import { REASON_CODES, type RevocationReason } from './crl.ts';

export type OcspStatus = { status: 'good' } | { status: 'revoked'; revokedAt: Date; reason: RevocationReason } | { status: 'unknown' };

export interface OcspAnswer {
  /** The CertID of the question, whole. */
  certId: Uint8Array;
  status: OcspStatus;
  thisUpdate: Date;
  nextUpdate: Date;
  /** Since when expired certificates are still answered for (§4.4.4). */
  archiveCutoff?: Date;
}

export interface ResponseDataInput {
  /** DER SubjectPublicKeyInfo of the responder, which is named by its key. */
  responderSpki: Uint8Array;
  producedAt: Date;
  answers: readonly OcspAnswer[];
  nonce?: Uint8Array;
}

/** ResponseData: the bytes to be signed. */
export function encodeResponseData({ responderSpki, producedAt, answers, nonce }: ResponseDataInput): Uint8Array {
  const extensions = nonce ? [explicit(1, sequence(sequence(oid(OID.ocspNonce), octetString(octetString(nonce)))))] : [];
  return sequence(
    explicit(2, octetString(keyIdentifier(responderSpki))),
    generalizedTime(producedAt),
    sequence(...answers.map(encodeAnswer)),
    ...extensions,
  );
}

function encodeAnswer({ certId, status, thisUpdate, nextUpdate, archiveCutoff }: OcspAnswer): Uint8Array {
  const cutoff = archiveCutoff
    ? [explicit(1, sequence(sequence(oid(OID.ocspArchiveCutoff), octetString(generalizedTime(archiveCutoff)))))]
    : [];
  return sequence(certId, encodeStatus(status), generalizedTime(thisUpdate), explicit(0, generalizedTime(nextUpdate)), ...cutoff);
}

/** The reason is left out for `unspecified`, as in a CRL. */
function encodeStatus(status: OcspStatus): Uint8Array {
  switch (status.status) {
    case 'good':
      return implicitPrimitive(0, new Uint8Array());
    case 'unknown':
      return implicitPrimitive(2, new Uint8Array());
    case 'revoked': {
      const reason = status.reason === 'unspecified' ? [] : [explicit(0, integer(REASON_CODES[status.reason], TAG.enumerated))];
      return explicit(1, generalizedTime(status.revokedAt), ...reason);
    }
  }
}

/** OCSPResponse `successful` around a BasicOCSPResponse. @param certificates the responder's own, so that anybody can check. */
export function assembleOcspResponse(
  responseData: Uint8Array,
  suite: Suite,
  signature: Uint8Array,
  certificates: readonly Uint8Array[],
): Uint8Array {
  const certs = certificates.length > 0 ? [explicit(0, sequence(...certificates))] : [];
  const basic = sequence(responseData, encodeSignatureAlgorithm(suite), bitString(signature), ...certs);
  return sequence(integer(0, TAG.enumerated), explicit(0, sequence(oid(OID.ocspBasic), octetString(basic))));
}

/** What a responder says without a signature (§2.3). */
export type OcspRefusal = 'malformed-request' | 'internal-error' | 'try-later' | 'unauthorized';

const REFUSAL_CODES: Record<OcspRefusal, number> = { 'malformed-request': 1, 'internal-error': 2, 'try-later': 3, unauthorized: 6 };

export function encodeOcspRefusal(refusal: OcspRefusal): Uint8Array {
  return tlv(TAG.sequence, integer(REFUSAL_CODES[refusal], TAG.enumerated));
}
