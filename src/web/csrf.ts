/**
 * Cross-site request forgery: every form carries a token that only our own page could have been given.
 * The token is HMAC(random cookie, session token): a stranger who plants the cookie still lacks the session token, and before
 * sign-in the `__Host-` prefix keeps neighbouring hosts from planting it. Requests that a browser itself marks as cross-site are refused first.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Problem } from '#problem.ts';
import { hostCookieName, sessionTokenOf } from './session.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The token for forms (`csrf`) and for the header `x-csrf-token`; sets the cookie when there is none yet. */
    csrf(): string;
  }
  interface FastifyContextConfig {
    /** `false` for posts that change nothing for anybody (public verification). */
    csrf?: boolean;
  }
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
const SEED_PATTERN = /^[A-Za-z0-9_-]{43}$/;

export function csrfToken(seed: string, sessionToken: string | undefined): string {
  return createHmac('sha256', seed)
    .update(sessionToken ?? '')
    .digest('base64url');
}

/** Constant-time, and false for anything that is not a string of the right length. */
export function isSameToken(expected: string, given: unknown): boolean {
  if (typeof given !== 'string') return false;
  const left = Buffer.from(expected);
  const right = Buffer.from(given);
  return left.length === right.length && timingSafeEqual(left, right);
}

export function registerCsrf(server: FastifyInstance, publicOrigin: string): void {
  const secure = publicOrigin.startsWith('https:');
  const cookie = hostCookieName(publicOrigin, 'tongren_csrf');

  const findSeed = (request: FastifyRequest) => {
    const seed = request.cookies[cookie];
    return seed !== undefined && SEED_PATTERN.test(seed) ? seed : undefined;
  };

  server.decorateRequest('csrf');
  server.addHook('onRequest', async (request, reply) => {
    let seed = findSeed(request);
    request.csrf = () => {
      if (seed === undefined) {
        seed = randomBytes(32).toString('base64url');
        reply.setCookie(cookie, seed, { path: '/', httpOnly: true, sameSite: 'lax', secure });
      }
      return csrfToken(seed, sessionTokenOf(request));
    };
  });

  server.addHook('preValidation', async (request) => {
    if (request.is404 || SAFE_METHODS.has(request.method) || request.routeOptions.config.csrf === false) return;
    // A bearer token is not sent by a browser on its own, so there is nothing to forge.
    if (request.headers.authorization?.toLowerCase().startsWith('bearer ')) return;
    if (isCrossSite(request, publicOrigin)) throw new Problem('csrf-failed');
    const seed = findSeed(request);
    if (seed === undefined) throw new Problem('csrf-failed');
    const given = request.headers['x-csrf-token'] ?? (request.body as { csrf?: unknown } | null | undefined)?.csrf;
    if (!isSameToken(csrfToken(seed, sessionTokenOf(request)), given)) throw new Problem('csrf-failed');
  });
}

/** What the browser says about where the request comes from; silence is left to the token. */
function isCrossSite(request: FastifyRequest, publicOrigin: string): boolean {
  const site = request.headers['sec-fetch-site'];
  if (site === 'cross-site') return true;
  const origin = request.headers.origin;
  if (site !== undefined || origin === undefined) return false;
  return origin !== publicOrigin && origin !== `${request.protocol}://${request.headers.host}`;
}
