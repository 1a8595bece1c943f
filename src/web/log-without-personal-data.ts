/**
 * Logs that may be kept and shipped: route patterns instead of addresses with tokens, no query, no body, no header.
 * Messages of unknown errors may quote data, so long runs of digits are masked and Prisma's argument dumps are left out.
 */
import type { FastifyInstance } from 'fastify';

const MAX_MESSAGE = 300;

/** The parts of an error that help to find it, as far as they cannot hold a person's data. */
export function describeForLog(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { thrown: typeof error };
  const code = (error as { code?: unknown }).code;
  const stack = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return {
    name: error.name,
    ...(typeof code === 'string' ? { code } : {}),
    message: error.name === 'PrismaClientValidationError' ? '(arguments left out)' : maskDigits(error.message).slice(-MAX_MESSAGE),
    stack: stack.slice(0, 12).join('\n'),
    ...(error.cause instanceof Error ? { cause: describeForLog(error.cause) } : {}),
  };
}

/** Numbers of six and more digits (phones, citizen numbers, codes) become dots. */
export function maskDigits(text: string): string {
  return text.replace(/\d{6,}[Xx]?/g, '…');
}

/** One line for each answered request. */
export function registerRequestLog(server: FastifyInstance): void {
  server.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? '(none)';
    if (route.startsWith('/assets/') || route.startsWith('/health/')) return;
    request.log.info({ method: request.method, route, status: reply.statusCode, ms: Math.round(reply.elapsedTime) }, 'answered');
  });
}
