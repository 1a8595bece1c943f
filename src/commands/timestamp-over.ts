/** Timestamps of other people's authorities over HTTP, through the outbound rules. */
import { randomBytes } from 'node:crypto';
import { DerError } from '#crypto/der.ts';
import type { RequestTimestamp } from '#documents/pdf/request-timestamp.ts';
import { encodeTimestampQuery } from '#pki/timestamp-query.ts';
import { MAX_TIMESTAMP_REPLY_BYTES, readTimestampReply } from '#pki/timestamp-reply.ts';
import type { Outbound } from '#ports/outbound.ts';
import { Problem } from '#problem.ts';

const TIMEOUT_MS = 20_000;

/** RFC 3161 §3.4. Throws Problem `timestamp-not-usable`, saying what the authority said. */
export function timestampOver(outbound: Outbound, url: string): RequestTimestamp {
  return async (imprint, digest) => {
    const nonce = BigInt(`0x${randomBytes(8).toString('hex')}`);
    try {
      const { status, body } = await outbound.request({
        method: 'POST',
        url,
        headers: { 'content-type': 'application/timestamp-query', accept: 'application/timestamp-reply' },
        body: encodeTimestampQuery(digest, imprint, nonce),
        timeoutMs: TIMEOUT_MS,
        maxBytes: MAX_TIMESTAMP_REPLY_BYTES,
      });
      if (status !== 200) throw new DerError(`HTTP ${status}`);
      return readTimestampReply(body, nonce);
    } catch (error) {
      const why = (error as Error).message;
      throw new Problem('timestamp-not-usable', { detail: `${url}: ${why}`, detailZh: `${url}：${why}`, cause: error });
    }
  };
}
