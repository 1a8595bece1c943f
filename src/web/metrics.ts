/** Prometheus metrics, for the machine itself or for who holds the token. Routes are labelled by pattern, so no address with a token shows. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import { Problem } from '#problem.ts';
import { isSameToken } from './csrf.ts';
import type { WebContext } from './web-context.ts';

declare module 'fastify' {
  interface FastifyInstance {
    metrics: Registry;
  }
}

const DURATION = 'tongren_http_request_duration_seconds';
const LOOPBACK = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1']);

export function registerMetrics(server: FastifyInstance, context: WebContext): void {
  const registry = context.metrics ?? new Registry();
  if (!context.metrics) collectDefaultMetrics({ register: registry });
  server.decorate('metrics', registry);
  const known = registry.getSingleMetric(DURATION) as Histogram | undefined;
  const duration =
    known ??
    new Histogram({
      name: DURATION,
      help: 'Time to answer, by method, route pattern and status.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers: [registry],
    });
  server.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? '(none)';
    duration.observe({ method: request.method, route, status: String(reply.statusCode) }, reply.elapsedTime / 1000);
  });
  server.get('/metrics', { schema: { hide: true } }, async (request, reply) => {
    if (!mayRead(request, context.metricsToken)) throw new Problem('not-allowed');
    return reply.type(registry.contentType).send(await registry.metrics());
  });
}

/** Behind a proxy on the same machine every connection is a loopback one; a forwarded request therefore needs the token. */
function mayRead(request: FastifyRequest, token: string | undefined): boolean {
  const bearer = request.headers.authorization?.replace(/^bearer /i, '');
  if (token !== undefined && isSameToken(token, bearer)) return true;
  const forwarded = request.headers['x-forwarded-for'] ?? request.headers['forwarded'];
  return forwarded === undefined && LOOPBACK.has(request.socket.remoteAddress ?? '');
}

export interface RequestFigures {
  requests: number;
  /** Answered with 5xx. */
  failures: number;
  /** Refused with 4xx. */
  refusals: number;
  meanMs: number;
}

/** Since the process started, all routes together: for the operators' first page. */
export async function requestFigures(registry: Registry): Promise<RequestFigures> {
  const values = (await registry.getSingleMetric(DURATION)?.get())?.values ?? [];
  const figures: RequestFigures = { requests: 0, failures: 0, refusals: 0, meanMs: 0 };
  let seconds = 0;
  for (const { metricName, value, labels } of values as { metricName?: string; value: number; labels: { status?: string } }[]) {
    if (metricName === `${DURATION}_sum`) seconds += value;
    if (metricName !== `${DURATION}_count`) continue;
    figures.requests += value;
    if (labels.status?.startsWith('5')) figures.failures += value;
    if (labels.status?.startsWith('4')) figures.refusals += value;
  }
  figures.meanMs = figures.requests === 0 ? 0 : Math.round((seconds / figures.requests) * 10_000) / 10;
  return figures;
}
