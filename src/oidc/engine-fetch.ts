import type { Outbound } from '#ports/outbound.ts';

const TIMEOUT_MS = 2_500;
const MAX_BYTES = 256 * 1024;

/** The engine's few calls outside (a client's `jwks_uri`) go through the one way out, under its allow-list. */
export function engineFetch(outbound: Outbound): typeof fetch {
  return async (url, options = {}) => {
    const reply = await outbound.request({
      method: options.method === 'POST' ? 'POST' : 'GET',
      url: String(url),
      headers: Object.fromEntries(new Headers(options.headers)),
      ...(options.body ? { body: String(options.body) } : {}),
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_BYTES,
    });
    const empty = reply.status === 204 || reply.status === 304;
    return new Response(empty ? null : Buffer.from(reply.body), { status: reply.status, headers: reply.headers });
  };
}
