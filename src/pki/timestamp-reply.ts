/** Replies of a time-stamp authority as its client reads them (RFC 3161 §2.4.2). */
import { parseSignedData } from '#crypto/cms.ts';
import { DerError, parseDer, TAG } from '#crypto/der.ts';

export const MAX_TIMESTAMP_REPLY_BYTES = 128 * 1024;
const LIMITS = { maxElements: 20_000, maxDepth: 32 };
/** PKIStatus granted, and granted with changes that do not matter to us. */
const GRANTED: readonly number[] = [0, 1];

/**
 * The token of a TimeStampResp. Throws DerError for a refusal, with the authority's own words, and for a token that does not
 * repeat the nonce: it may have been made for an older question.
 */
export function readTimestampReply(der: Uint8Array, nonce?: bigint): Uint8Array {
  if (der.length > MAX_TIMESTAMP_REPLY_BYTES) throw new DerError('reply too large');
  const [status, token] = parseDer(der, LIMITS).expect(TAG.sequence).children;
  if (!status) throw new DerError('reply without a status');
  if (!GRANTED.includes(status.expect(TAG.sequence).at(0).asNumber())) {
    const words = status.find(TAG.sequence)?.children.map((text) => text.asText()) ?? [];
    throw new DerError(`refused: ${words.join(' ') || 'no reason given'}`);
  }
  if (!token) throw new DerError('reply without a token');
  if (nonce !== undefined && nonceOf(token.bytes) !== nonce) throw new DerError('the token repeats another nonce');
  return token.bytes;
}

/** The one INTEGER after genTime in TSTInfo; accuracy is a SEQUENCE, ordering a BOOLEAN. */
function nonceOf(token: Uint8Array): bigint | undefined {
  const { content } = parseSignedData(token);
  const info = content && parseDer(content, LIMITS).expect(TAG.sequence);
  return info?.children
    .slice(5)
    .find(({ tag }) => tag === TAG.integer)
    ?.asBigInt();
}
