/** Time-stamp queries (RFC 3161 §2.4.1): read whole, or refused with the code that the RFC gives to the fault. */
import { context, DerError, parseDer, TAG } from '#crypto/der.ts';
import { integer, nullValue, octetString, oid, sequence } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import type { DigestName } from '#crypto/suite.ts';
import { digestOfOid } from '#crypto/verify-signature.ts';

export const MAX_TIMESTAMP_QUERY_BYTES = 4_096;
const MAX_NONCE_OCTETS = 64;
const LIMITS = { maxElements: 200, maxDepth: 12 };
const DIGEST_OCTETS: Record<DigestName, number> = { sha1: 20, sm3: 32, sha256: 32, sha384: 48, sha512: 64 };

/** PKIFailureInfo: names and bits (§2.4.2). */
export const TIMESTAMP_FAILURES = {
  'bad-alg': 0,
  'bad-request': 2,
  'bad-data-format': 5,
  'time-not-available': 14,
  'unaccepted-policy': 15,
  'unaccepted-extension': 16,
  'system-failure': 25,
} as const;
export type TimestampFailure = keyof typeof TIMESTAMP_FAILURES;

export interface TimestampQuery {
  digest: DigestName;
  imprint: Uint8Array;
  /** MessageImprint as it stood: the token repeats it unchanged. */
  imprintDer: Uint8Array;
  policy?: string;
  /** The INTEGER as it stood. */
  nonceDer?: Uint8Array;
  certReq: boolean;
}

/** Why a query gets no token. */
export interface TimestampRefusal {
  failure: TimestampFailure;
  /** English, for the people who read the reply. */
  because: string;
}

/** Never throws for bad input. */
export function readTimestampQuery(der: Uint8Array): TimestampQuery | TimestampRefusal {
  if (der.length > MAX_TIMESTAMP_QUERY_BYTES) return { failure: 'bad-data-format', because: 'the query is too large' };
  try {
    return read(der);
  } catch (error) {
    if (error instanceof DerError) return { failure: 'bad-data-format', because: 'the query is not DER of a TimeStampReq' };
    throw error;
  }
}

function read(der: Uint8Array): TimestampQuery | TimestampRefusal {
  const fields = [...parseDer(der, LIMITS).expect(TAG.sequence).children];
  const version = fields.shift();
  if (version?.asNumber() !== 1) return { failure: 'bad-request', because: 'version is not 1' };
  const imprint = fields.shift()?.expect(TAG.sequence);
  if (!imprint) return { failure: 'bad-request', because: 'no message imprint' };
  const algorithm = imprint.at(0, TAG.sequence);
  const digest = digestOfOid(algorithm.at(0).asOid());
  const parameters = algorithm.children[1];
  const value = imprint.at(1).asOctets();
  if (!digest || digest === 'sha1') return { failure: 'bad-alg', because: 'the digest algorithm is unknown or too weak' };
  if ((parameters && parameters.tag !== TAG.null) || algorithm.children.length > 2) {
    return { failure: 'bad-alg', because: 'the digest algorithm has parameters' };
  }
  if (value.length !== DIGEST_OCTETS[digest] || imprint.children.length !== 2) {
    return { failure: 'bad-data-format', because: 'the imprint has not the length of its digest' };
  }
  const policy = fields[0]?.tag === TAG.oid ? fields.shift()?.asOid() : undefined;
  const nonce = fields[0]?.tag === TAG.integer ? fields.shift() : undefined;
  const certReq = fields[0]?.tag === TAG.boolean ? (fields.shift()?.asBoolean() ?? false) : false;
  const extensions = fields[0]?.tag === context(0) ? fields.shift() : undefined;
  if (fields.length > 0) return { failure: 'bad-request', because: 'the query has other parts' };
  if (extensions) return { failure: 'unaccepted-extension', because: 'no extension is supported' };
  if (nonce && nonce.content.length > MAX_NONCE_OCTETS) return { failure: 'bad-request', because: 'the nonce is too long' };
  nonce?.asBigInt();
  return {
    digest,
    imprint: value,
    imprintDer: imprint.bytes,
    ...(policy ? { policy } : {}),
    ...(nonce ? { nonceDer: nonce.bytes } : {}),
    certReq,
  };
}

const DIGEST_OIDS: Record<DigestName, string> = {
  sm3: OID.sm3,
  sha1: OID.sha1,
  sha256: OID.sha256,
  sha384: OID.sha384,
  sha512: OID.sha512,
};

/** MessageImprint, as a query carries it. */
export function encodeMessageImprint(digest: DigestName, imprint: Uint8Array): Uint8Array {
  return sequence(sequence(oid(DIGEST_OIDS[digest]), nullValue()), octetString(imprint));
}

/** Writes a query with certReq. */
export function encodeTimestampQuery(digest: DigestName, imprint: Uint8Array, nonce?: bigint): Uint8Array {
  const asked = nonce === undefined ? [] : [integer(nonce)];
  return sequence(integer(1), encodeMessageImprint(digest, imprint), ...asked, Uint8Array.of(TAG.boolean, 1, 0xff));
}
