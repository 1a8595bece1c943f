import type { Outbound } from '#ports/outbound.ts';
import type { SmsGateway } from '#ports/sms-gateway.ts';
import { Problem } from '#problem.ts';

/** A gateway that takes `{phone, text}` as JSON by POST and answers 2xx when the message was accepted. */
export function httpSmsGateway(outbound: Outbound, options: { url: string; token: string | undefined }): SmsGateway {
  return {
    simulator: false,
    async send({ phone, text }) {
      const headers: Record<string, string> = { 'content-type': 'application/json' };
      if (options.token) headers['authorization'] = `Bearer ${options.token}`;
      const reply = await outbound.request({
        method: 'POST',
        url: options.url,
        headers,
        body: JSON.stringify({ phone, text }),
        timeoutMs: 5_000,
        maxBytes: 64 * 1024,
      });
      if (reply.status < 200 || reply.status > 299)
        throw new Problem('unavailable', { detail: 'The SMS gateway did not accept the message.' });
    },
  };
}
