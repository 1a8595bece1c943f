/**
 * Looks on port 80 of the name itself: only the first answer counts (no redirects), only from a public address unless the host is named
 * in the configuration, within ten seconds, and no more than a kilobyte.
 */
import { DOMAIN_CONTROL_PATH, type DomainControl } from '#ports/domain-control.ts';
import type { Outbound, OutboundReply } from '#ports/outbound.ts';
import { Problem } from '#problem.ts';

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 1_024;

/** @param outbound judges addresses, and follows no redirects. */
export function httpDomainControl(outbound: Outbound): DomainControl {
  return {
    async check({ name, token, expected }) {
      const url = `http://${name}${DOMAIN_CONTROL_PATH}${token}`;
      let reply: OutboundReply;
      try {
        reply = await outbound.request({ method: 'GET', url, timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES, plain: true });
      } catch (error) {
        if (error instanceof Problem) return 'unreachable';
        throw error;
      }
      if (reply.status !== 200) return 'not-found';
      return Buffer.from(reply.body).toString('utf8').trim() === expected ? undefined : 'other-content';
    },
  };
}
