/** Timestamps for signatures and documents come from a function; what it gives is looked at before anything is built on it (RFC 3161). */
import { parseSignedData } from '#crypto/cms.ts';
import { findSignerCertificate } from '#crypto/cms-verify.ts';
import { DerError } from '#crypto/der.ts';
import { OID } from '#crypto/oids.ts';
import type { DigestName } from '#crypto/suite.ts';
import { digestOfOid } from '#crypto/verify-signature.ts';
import { parseTstInfo } from '#pki/timestamp-token.ts';
import { Problem } from '#problem.ts';

/** Gives a TimeStampToken (ContentInfo, DER) over a digest. */
export type RequestTimestamp = (imprint: Uint8Array, digest: DigestName) => Promise<Uint8Array>;

export interface TimestampToken {
  der: Uint8Array;
  at: Date;
  /** DER; the authority's own first, then what came with it. */
  certificates: readonly Uint8Array[];
}

/** A token that is longer than this is none. */
const MAX_TOKEN_BYTES = 128 * 1024;
/** Two tokens of one authority differ by a few octets: ECDSA values, fractions of a second, leading zeros of serial numbers. */
const VARIATION_BYTES = 64;
const DIGEST_OCTETS: Record<DigestName, number> = { sha1: 20, sm3: 32, sha256: 32, sha384: 48, sha512: 64 };

/** Throws Problem `timestamp-not-usable`, and what the function throws. */
export async function takeTimestamp(timestamp: RequestTimestamp, digest: DigestName, imprint: Uint8Array): Promise<TimestampToken> {
  const der = await timestamp(imprint, digest);
  const remembered = lengthsOf(timestamp);
  remembered.set(digest, Math.max(der.length, remembered.get(digest) ?? 0));
  try {
    return readToken(der, digest, imprint);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw refusal('The timestamp cannot be read.', '时间戳无法读取。', error);
  }
}

function readToken(der: Uint8Array, digest: DigestName, imprint: Uint8Array): TimestampToken {
  if (der.length > MAX_TOKEN_BYTES) throw new DerError('token too large');
  const signedData = parseSignedData(der);
  const [signer] = signedData.signers;
  const { content, contentTypeOid, length } = signedData;
  if (contentTypeOid !== OID.timeStampInfo || length !== der.length || !signer || !content) throw new DerError('no TimeStampToken');
  const info = parseTstInfo(content);
  if (digestOfOid(info.digestOid) !== digest || Buffer.compare(info.imprint, imprint) !== 0) {
    throw refusal('The timestamp is over other data.', '时间戳针对的是其他数据。');
  }
  const own = findSignerCertificate(signedData, signer);
  if (!own) throw refusal('The timestamp carries no certificate of its authority.', '时间戳中没有其机构的证书。');
  return { der, at: info.at, certificates: [own, ...signedData.certificates.filter((certificate) => certificate !== own)] };
}

function refusal(detail: string, detailZh: string, cause?: unknown): Problem {
  return new Problem('timestamp-not-usable', { detail, detailZh, ...(cause ? { cause } : {}) });
}

const lengths = new WeakMap<RequestTimestamp, Map<DigestName, number>>();

function lengthsOf(timestamp: RequestTimestamp): Map<DigestName, number> {
  const known = lengths.get(timestamp) ?? new Map<DigestName, number>();
  lengths.set(timestamp, known);
  return known;
}

/** Whether a dry run would be needed to tell the room. */
export function isMeasured(timestamp: RequestTimestamp, digest: DigestName): boolean {
  return lengthsOf(timestamp).has(digest);
}

/**
 * Room for this authority's tokens. Learnt by a dry run, a token over zeros, once for each function: whoever signs much
 * passes the same one. Throws as `takeTimestamp`.
 */
export async function timestampRoom(timestamp: RequestTimestamp, digest: DigestName): Promise<number> {
  const known = lengthsOf(timestamp);
  if (!known.has(digest)) await takeTimestamp(timestamp, digest, new Uint8Array(DIGEST_OCTETS[digest]));
  return (known.get(digest) ?? 0) + VARIATION_BYTES;
}
