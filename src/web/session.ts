/**
 * Who is at the browser: the portal session behind the cookie, and for staff the position in which they act.
 * The cookie holds a random token; the sign-in room knows its hash only.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { findStaffPositions } from '#access/find-staff.ts';
import type { Role, Staff } from '#access/staff.ts';
import { Problem } from '#problem.ts';
import { hasTwoFactors } from '#sign-in/acr.ts';
import { findSession, type Session } from '#sign-in/sessions.ts';
import type { WebContext } from './web-context.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The signed-in person, if the cookie's session is alive. */
    session: Session | undefined;
    /** Positions in organisations; empty for who has none or is not signed in. */
    positions: readonly Staff[];
    /** The position in which the person acts here; set by `requireStaff`. */
    staff: Staff | undefined;
    /** Name of the cookie that holds the session. */
    sessionCookie: string;
    /** Acting for an organisation takes two factors (GB/T 22239-2019 8.1.4.1 d): in production. */
    staffNeedsTwoFactors: boolean;
  }
}

/**
 * With the `__Host-` prefix a browser takes a cookie from this very host alone: no neighbour under the same domain can plant
 * one and so have people act in a stranger's session. Over plain http (development) browsers refuse the prefix.
 */
export function hostCookieName(publicOrigin: string, name: string): string {
  return publicOrigin.startsWith('https:') ? `__Host-${name}` : name;
}

export const sessionCookieName = (publicOrigin: string) => hostCookieName(publicOrigin, 'tongren_session');
/** Which of several positions the person acts in: a staff id, believed only after looking it up again. */
export const POSITION_COOKIE = 'tongren_position';

/** Addresses where nobody asks who is there, so that no store is asked either. */
const WITHOUT_SESSION = /^\/(?:assets|health|metrics|oidc|crl|ca|ocsp|status-lists)(?:[/?]|$)/;

export function sessionTokenOf(request: FastifyRequest): string | undefined {
  return request.cookies[request.sessionCookie] || undefined;
}

export function registerSessions(server: FastifyInstance, context: WebContext): void {
  server.decorateRequest('session', undefined);
  server.decorateRequest('staff', undefined);
  server.decorateRequest('positions');
  server.decorateRequest('sessionCookie', sessionCookieName(context.publicOrigin));
  server.decorateRequest('staffNeedsTwoFactors', context.production);
  server.addHook('onRequest', async (request) => {
    request.positions = [];
    const token = sessionTokenOf(request);
    if (token === undefined || WITHOUT_SESSION.test(request.url)) return;
    request.session = await findSession(context, token);
    if (request.session) request.positions = await findStaffPositions(context, request.session.personId);
  });
}

/** Sets or, without a token, clears the session cookie. */
export function setSessionCookie(reply: FastifyReply, context: WebContext, token: string | undefined): void {
  const options = { path: '/', httpOnly: true, sameSite: 'lax', secure: context.publicOrigin.startsWith('https:') } as const;
  const name = sessionCookieName(context.publicOrigin);
  if (token === undefined) reply.clearCookie(name, options);
  else reply.setCookie(name, token, options);
}

/** Throws `not-signed-in`, which a page turns into a way to the sign-in. */
export function requireSession(request: FastifyRequest): Session {
  if (!request.session) throw new Problem('not-signed-in');
  return request.session;
}

/**
 * The position in which the signed-in person acts here. With several that fit, the one chosen before decides;
 * with none chosen it throws `position-not-chosen`, which a page turns into the question; in production `second-factor-needed`
 * for who signed in with one factor, which a page turns into the sign-in for the other.
 */
export function requireStaff(request: FastifyRequest, role: Role | readonly Role[]): Staff {
  const roles = typeof role === 'string' ? [role] : role;
  const session = requireSession(request);
  const fitting = request.positions.filter((position) => roles.some((wanted) => position.roles.includes(wanted)));
  const [only] = fitting;
  if (!only) throw new Problem('not-allowed');
  if (request.staffNeedsTwoFactors && !hasTwoFactors(session.amr)) throw new Problem('second-factor-needed');
  const chosen = fitting.find((position) => position.id === request.cookies[POSITION_COOKIE]);
  if (!chosen && fitting.length > 1) throw new Problem('position-not-chosen');
  request.staff = chosen ?? only;
  return request.staff;
}

/** Only paths on this site are good to return to: no scheme, no host, no backslash, no control character. */
export function isReturnPath(path: unknown): path is string {
  if (typeof path !== 'string' || path.length > 512) return false;
  return /^\/(?![/\\])[^\\\s\p{Cc}]*$/u.test(path);
}
