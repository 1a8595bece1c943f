/** Reads OCSP responses (RFC 6960 §4.2) of any responder. What they are worth is for `ocsp-judge.ts` to say. */
import { context, type DerElement, DerError, parseDer, TAG } from '#crypto/der.ts';
import { OID } from '#crypto/oids.ts';
import { readSignatureAlgorithm, type SignatureAlgorithm } from '#crypto/verify-signature.ts';
import { Certificate } from './certificate.ts';
import { reasonOfCode } from './crl.ts';
import { parseExtensions } from './extensions.ts';
import { type Name, parseName } from './name.ts';
import { type OcspCertId, parseCertId } from './ocsp-cert-id.ts';
import type { OcspStatus } from './ocsp-encode-response.ts';

export const MAX_OCSP_RESPONSE_BYTES = 256 * 1024;
const LIMITS = { maxElements: 20_000, maxDepth: 24 };
const MAX_ANSWERS = 1_000;
const MAX_CERTIFICATES = 16;
const KNOWN_EXTENSIONS: readonly string[] = [OID.ocspNonce];
const KNOWN_SINGLE_EXTENSIONS: readonly string[] = [OID.ocspArchiveCutoff];

export interface OcspSingle {
  certId: OcspCertId;
  status: OcspStatus;
  thisUpdate: Date;
  /** Absent: newer information is to be had all the time. */
  nextUpdate?: Date;
  archiveCutoff?: Date;
}

/** ResponseData, the part that is signed. */
export interface OcspResponseData {
  /** As it stood. */
  bytes: Uint8Array;
  /** Exactly one of the two names the responder. */
  responderName?: Name;
  responderKeyHash?: Uint8Array;
  producedAt: Date;
  answers: readonly OcspSingle[];
  nonce?: Uint8Array;
  /** An extension that must be understood and is not: nothing may be concluded. */
  unknownCritical: boolean;
}

export interface BasicOcspResponse extends OcspResponseData {
  signatureAlgorithm: SignatureAlgorithm | undefined;
  signature: Uint8Array;
  /** Those that could be read. */
  certificates: readonly Certificate[];
}

export type OcspResponse = { status: 'successful'; basic: BasicOcspResponse } | { status: 'refused'; code: number };

/** Throws DerError when it is not an OCSPResponse with a basic response, or a refusal. */
export function parseOcspResponse(der: Uint8Array): OcspResponse {
  if (der.length > MAX_OCSP_RESPONSE_BYTES) throw new DerError('response too large');
  const outer = parseDer(der, LIMITS).expect(TAG.sequence);
  const code = outer.at(0, TAG.enumerated).asNumber();
  if (code !== 0) return { status: 'refused', code };
  const bytes = outer.at(1, context(0)).inner().expect(TAG.sequence);
  if (bytes.at(0).asOid() !== OID.ocspBasic) throw new DerError('a response of another type');
  return { status: 'successful', basic: parseBasic(parseDer(bytes.at(1).asOctets(), LIMITS)) };
}

function parseBasic(element: DerElement): BasicOcspResponse {
  const [data, algorithm, signature, certs] = element.expect(TAG.sequence).children;
  if (!data || !algorithm || !signature) throw new DerError('a response cut short');
  const ders = certs?.expect(context(0)).inner().expect(TAG.sequence).children ?? [];
  if (ders.length > MAX_CERTIFICATES) throw new DerError('too many certificates');
  return {
    ...readResponseData(data),
    signatureAlgorithm: readSignatureAlgorithm(algorithm),
    signature: signature.asBits(),
    certificates: ders.flatMap(readCertificate),
  };
}

function readCertificate({ bytes }: DerElement): Certificate[] {
  try {
    return [new Certificate(bytes)];
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return [];
  }
}

/** ResponseData alone, as a signer is asked to sign it. Throws DerError. */
export function parseResponseData(der: Uint8Array): OcspResponseData {
  return readResponseData(parseDer(der, LIMITS));
}

function readResponseData(element: DerElement): OcspResponseData {
  const fields = [...element.expect(TAG.sequence).children];
  if (fields[0]?.tag === context(0) && fields.shift()?.inner().asNumber() !== 0) throw new DerError('response of another version');
  const [responder, producedAt, list, extensions, more] = fields;
  if (!responder || !producedAt || !list || more || (extensions && extensions.tag !== context(1))) {
    throw new DerError('response data has other parts');
  }
  const items = list.expect(TAG.sequence).children;
  if (items.length > MAX_ANSWERS) throw new DerError('too many answers');
  const singles = items.map(parseSingle);
  const found = extensions ? parseExtensions(extensions.inner()) : undefined;
  const nonce = found?.get(OID.ocspNonce);
  return {
    bytes: element.bytes,
    ...readResponder(responder),
    producedAt: producedAt.expect(TAG.generalizedTime).asTime(),
    answers: singles.map(({ unknownCritical: _, ...single }) => single),
    ...(nonce ? { nonce: readNonceValue(nonce.value) } : {}),
    unknownCritical:
      singles.some(({ unknownCritical }) => unknownCritical) ||
      [...(found?.values() ?? [])].some(({ oid, critical }) => critical && !KNOWN_EXTENSIONS.includes(oid)),
  };
}

function readResponder(element: DerElement): Pick<OcspResponseData, 'responderName' | 'responderKeyHash'> {
  if (element.tag === context(1)) return { responderName: parseName(element.inner()) };
  return { responderKeyHash: element.expect(context(2)).inner().asOctets() };
}

/** Old responders put the bare octets of the nonce into the extension; they are taken as they are. */
function readNonceValue(value: Uint8Array): Uint8Array {
  try {
    return parseDer(value, { maxElements: 2, maxDepth: 1 }).asOctets();
  } catch (error) {
    if (error instanceof DerError) return value;
    throw error;
  }
}

function parseSingle(element: DerElement): OcspSingle & { unknownCritical: boolean } {
  const [certId, status, thisUpdate, ...rest] = element.expect(TAG.sequence).children;
  if (!certId || !status || !thisUpdate) throw new DerError('an answer cut short');
  const nextUpdate = rest[0]?.tag === context(0) ? rest.shift()?.inner().expect(TAG.generalizedTime).asTime() : undefined;
  const extensions = rest[0]?.tag === context(1) ? parseExtensions((rest.shift() as DerElement).inner()) : undefined;
  if (rest.length > 0) throw new DerError('an answer has other parts');
  const cutoff = extensions?.get(OID.ocspArchiveCutoff);
  return {
    certId: parseCertId(certId),
    status: readStatus(status),
    thisUpdate: thisUpdate.expect(TAG.generalizedTime).asTime(),
    ...(nextUpdate ? { nextUpdate } : {}),
    ...(cutoff ? { archiveCutoff: parseDer(cutoff.value).asTime() } : {}),
    unknownCritical: [...(extensions?.values() ?? [])].some(({ oid, critical }) => critical && !KNOWN_SINGLE_EXTENSIONS.includes(oid)),
  };
}

function readStatus(element: DerElement): OcspStatus {
  if (element.tag === context(0, false)) return { status: 'good' };
  if (element.tag === context(2, false)) return { status: 'unknown' };
  const [time, reason] = element.expect(context(1)).children;
  if (!time) throw new DerError('revoked without a time');
  return {
    status: 'revoked',
    revokedAt: time.expect(TAG.generalizedTime).asTime(),
    reason: reason ? reasonOfCode(reason.expect(context(0)).inner().expect(TAG.enumerated).asNumber()) : 'unspecified',
  };
}
