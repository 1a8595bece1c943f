import type { Outbound } from '#ports/outbound.ts';
import type { PopulationRegistry } from '#ports/population-registry.ts';
import { Problem } from '#problem.ts';

const RESULTS = ['match', 'mismatch', 'no-record'] as const;

/** A register that takes `{name, citizenNumber}` as JSON by POST and answers `{"result": "match" | "mismatch" | "no-record"}`. */
export function httpPopulationRegistry(outbound: Outbound, options: { url: string; token: string | undefined }): PopulationRegistry {
  return {
    simulator: false,
    name: new URL(options.url).hostname,
    async match(claim) {
      const headers: Record<string, string> = { 'content-type': 'application/json', accept: 'application/json' };
      if (options.token) headers['authorization'] = `Bearer ${options.token}`;
      const reply = await outbound.request({
        method: 'POST',
        url: options.url,
        headers,
        body: JSON.stringify(claim),
        timeoutMs: 5_000,
        maxBytes: 64 * 1024,
      });
      const result = reply.status === 200 ? readResult(reply.body) : undefined;
      if (!result) throw new Problem('unavailable', { detail: 'The population register did not answer.', detailZh: '人口库暂未应答。' });
      return result;
    },
  };
}

function readResult(body: Uint8Array): (typeof RESULTS)[number] | undefined {
  try {
    const { result } = JSON.parse(Buffer.from(body).toString('utf8')) as { result?: unknown };
    return RESULTS.find((known) => known === result);
  } catch {
    return undefined;
  }
}
