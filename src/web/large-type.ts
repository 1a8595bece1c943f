/** 大字版: larger type and controls on every page, kept in a cookie so that it works without JavaScript. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isReturnPath } from './session.ts';

const COOKIE = 'tongren_large';
const KEPT_SECONDS = 365 * 24 * 3600;

export function usesLargeType(request: FastifyRequest): boolean {
  return request.cookies[COOKIE] === '1';
}

export function registerLargeType(server: FastifyInstance, secure: boolean): void {
  // A link, not a form: it changes how pages look to this browser and nothing else.
  server.get<{ Querystring: { on?: string; return?: string } }>('/large-type', { schema: { hide: true } }, async (request, reply) => {
    const { on, return: back } = request.query;
    const options = { path: '/', sameSite: 'lax', secure, httpOnly: true } as const;
    if (on === '1') reply.setCookie(COOKIE, '1', { ...options, maxAge: KEPT_SECONDS });
    else reply.clearCookie(COOKIE, options);
    return reply.redirect(isReturnPath(back) ? back : '/', 303);
  });
}
