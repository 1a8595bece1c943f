/** Questions to other people's authorities over HTTP, all through the outbound rules: timestamps, revocation lists, certificate status. */
import { randomBytes } from 'node:crypto';
import { DerError } from '#crypto/der.ts';
import type { RequestTimestamp } from '#documents/pdf/request-timestamp.ts';
import { MAX_OCSP_RESPONSE_BYTES } from '#pki/ocsp-response.ts';
import { parsePem } from '#pki/pem.ts';
import { encodeTimestampQuery } from '#pki/timestamp-query.ts';
import { MAX_TIMESTAMP_REPLY_BYTES, readTimestampReply } from '#pki/timestamp-reply.ts';
import type { Outbound } from '#ports/outbound.ts';
import { Problem } from '#problem.ts';

const TIMEOUT_MS = 20_000;
const MAX_CRL_BYTES = 20 * 1024 * 1024;

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

/** What does not answer, or not with 200, is simply not to be had. */
export function askOver(outbound: Outbound): {
  fetchCrl: (url: string) => Promise<Uint8Array | undefined>;
  askOcsp: (url: string, request: Uint8Array) => Promise<Uint8Array | undefined>;
} {
  const ask = async (question: Parameters<Outbound['request']>[0]) => {
    try {
      const { status, body } = await outbound.request(question);
      return status === 200 ? body : undefined;
    } catch {
      return undefined;
    }
  };
  return {
    fetchCrl: async (url) => {
      const body = await ask({ method: 'GET', url, timeoutMs: TIMEOUT_MS, maxBytes: MAX_CRL_BYTES });
      return body && body[0] !== 0x30 ? parsePem(Buffer.from(body).toString('latin1'), 'X509 CRL')[0] : body;
    },
    askOcsp: (url, body) =>
      ask({
        method: 'POST',
        url,
        headers: { 'content-type': 'application/ocsp-request', accept: 'application/ocsp-response' },
        body,
        timeoutMs: TIMEOUT_MS,
        maxBytes: MAX_OCSP_RESPONSE_BYTES,
      }),
  };
}
