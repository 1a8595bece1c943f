/** Alive: the process answers. Ready: what it depends on answers too. */
import type { FastifyInstance } from 'fastify';
import type { WebContext } from './web-context.ts';

const CHECK_TIMEOUT_MS = 2_000;

export function registerHealth(server: FastifyInstance, context: WebContext): void {
  let draining = false;
  server.addHook('preClose', async () => {
    draining = true;
  });
  server.get('/health/live', { schema: { hide: true } }, async () => ({ status: 'ok', version: context.version }));
  server.get('/health/ready', { schema: { hide: true } }, async (_request, reply) => {
    const checks = await runReadinessChecks(context);
    const ready = !draining && Object.values(checks).every(Boolean);
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ok' : 'unavailable', draining, checks });
  });
}

export async function runReadinessChecks(context: WebContext): Promise<Record<string, boolean>> {
  const named = Object.entries(context.readinessChecks ?? {});
  return Object.fromEntries(await Promise.all(named.map(async ([name, check]) => [name, await answersInTime(check)] as const)));
}

async function answersInTime(check: () => Promise<boolean>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), CHECK_TIMEOUT_MS);
  });
  try {
    return await Promise.race([check(), late]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
