/** OCSP requests (RFC 6960 §4.1), as they come over HTTP: bounded in size and in what they ask. */
import { context, type DerElement, DerError, parseDer, TAG } from '#crypto/der.ts';
import { explicit, octetString, oid, sequence } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { parseExtensions } from './extensions.ts';
import { type OcspCertId, parseCertId } from './ocsp-cert-id.ts';

export const MAX_OCSP_REQUEST_BYTES = 8_192;
/** One signature answers them all, but each costs a look-up. */
const MAX_QUESTIONS = 20;
/** RFC 9654 §2.1. */
const MAX_NONCE_OCTETS = 128;
const LIMITS = { maxElements: 2_000, maxDepth: 24 };
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

export interface OcspRequest {
  questions: readonly OcspCertId[];
  nonce?: Uint8Array;
}

/**
 * Reads a request. A signature of the requester is allowed and not looked at: the answers are public (§4.1.2).
 * Throws DerError for anything else, also for a critical extension we do not know.
 */
export function parseOcspRequest(der: Uint8Array): OcspRequest {
  if (der.length > MAX_OCSP_REQUEST_BYTES) throw new DerError('request too large');
  const [toBeSigned, signature, extra] = parseDer(der, LIMITS).expect(TAG.sequence).children;
  if (!toBeSigned || extra || (signature && signature.tag !== context(0))) throw new DerError('a request has other parts');
  const fields = [...toBeSigned.expect(TAG.sequence).children];
  if (fields[0]?.tag === context(0) && fields.shift()?.inner().asNumber() !== 0) throw new DerError('request of another version');
  // Who asks is not our business.
  if (fields[0]?.tag === context(1)) fields.shift();
  const [list, extensions, more] = fields;
  if (!list || more || (extensions && extensions.tag !== context(2))) throw new DerError('a request has other parts');
  const items = list.expect(TAG.sequence).children;
  if (items.length === 0 || items.length > MAX_QUESTIONS) throw new DerError('no question, or too many');
  const nonce = extensions ? readNonce(extensions) : undefined;
  return { questions: items.map(parseQuestion), ...(nonce ? { nonce } : {}) };
}

function parseQuestion(item: DerElement): OcspCertId {
  const [certId, extensions, more] = item.expect(TAG.sequence).children;
  if (!certId || more || (extensions && extensions.tag !== context(0))) throw new DerError('a question has other parts');
  if (extensions) {
    const unknown = [...parseExtensions(extensions.inner()).values()].some(({ critical }) => critical);
    if (unknown) throw new DerError('a critical extension we do not know');
  }
  return parseCertId(certId);
}

/** RFC 9654 §2.1: 1 to 128 octets; other lengths are a malformed request. */
function readNonce(element: DerElement): Uint8Array | undefined {
  const extensions = parseExtensions(element.inner());
  for (const { oid: type, critical } of extensions.values()) {
    if (critical && type !== OID.ocspNonce) throw new DerError('a critical extension we do not know');
  }
  const extension = extensions.get(OID.ocspNonce);
  if (!extension) return undefined;
  const nonce = parseDer(extension.value, { maxElements: 2, maxDepth: 1 }).asOctets();
  if (nonce.length === 0 || nonce.length > MAX_NONCE_OCTETS) throw new DerError('nonce of a length that is not allowed');
  return nonce;
}

/** The request inside a GET address (§A.1): base64 after URL decoding. Throws DerError for other text. */
export function readOcspPath(text: string): Uint8Array {
  let base64: string;
  try {
    base64 = decodeURIComponent(text);
  } catch {
    throw new DerError('address not URL-encoded');
  }
  if (!BASE64.test(base64)) throw new DerError('address without base64');
  return Uint8Array.from(Buffer.from(base64, 'base64'));
}

/** Writes a request without a signature. @param certIds as `encodeCertId` makes them. */
export function encodeOcspRequest(certIds: readonly Uint8Array[], nonce?: Uint8Array): Uint8Array {
  const extensions = nonce ? [explicit(2, sequence(sequence(oid(OID.ocspNonce), octetString(octetString(nonce)))))] : [];
  return sequence(sequence(sequence(...certIds.map((certId) => sequence(certId))), ...extensions));
}
