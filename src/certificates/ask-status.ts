/** Asks other people's authorities whether a certificate was revoked, through the outbound rules: lists and OCSP. */
import { MAX_OCSP_RESPONSE_BYTES } from '#pki/ocsp-response.ts';
import { parsePem } from '#pki/pem.ts';
import type { Outbound } from '#ports/outbound.ts';

const TIMEOUT_MS = 20_000;
const MAX_CRL_BYTES = 20 * 1024 * 1024;

/** What does not answer, or not with 200, is simply not to be had. */
export function askStatusOver(
  outbound: Outbound,
  { timeoutMs = TIMEOUT_MS, maxCrlBytes = MAX_CRL_BYTES }: { timeoutMs?: number; maxCrlBytes?: number } = {},
): {
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
      const body = await ask({ method: 'GET', url, timeoutMs, maxBytes: maxCrlBytes, signed: true });
      return body && body[0] !== 0x30 ? parsePem(Buffer.from(body).toString('latin1'), 'X509 CRL')[0] : body;
    },
    askOcsp: (url, body) =>
      ask({
        method: 'POST',
        url,
        headers: { 'content-type': 'application/ocsp-request', accept: 'application/ocsp-response' },
        body,
        timeoutMs,
        signed: true,
        maxBytes: MAX_OCSP_RESPONSE_BYTES,
      }),
  };
}
