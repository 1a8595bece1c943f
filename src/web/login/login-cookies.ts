/** The small cookies of signing in. None holds personal data; over https only this very host can set them. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DEVICE_LIFE_DAYS } from '#sign-in/known-devices.ts';
import { hostCookieName } from '#web/session.ts';
import type { WebContext } from '#web/web-context.ts';

const LIFE_SECONDS = {
  /** A browser this person has used before. */
  tongren_device: DEVICE_LIFE_DAYS * 86_400,
  /** The challenge of the code under way. */
  tongren_sms: 600,
  /** The proved phone waiting for its account. */
  tongren_registration: 600,
  /** The browser that a certificate challenge was given to. */
  tongren_certificate: 120,
  /** The same, for a certificate that is no key of this browser. */
  tongren_foreign: 600,
} as const;

type LoginCookie = keyof typeof LIFE_SECONDS;

export function loginCookie(request: FastifyRequest, name: LoginCookie): string | undefined {
  // Of which the prefix belongs to https, where browsers guard it.
  return request.cookies[request.sessionCookie.startsWith('__Host-') ? `__Host-${name}` : name] || undefined;
}

/** Sets, or without a value clears. */
export function setLoginCookie(reply: FastifyReply, context: WebContext, name: LoginCookie, value: string | undefined): void {
  const secure = context.publicOrigin.startsWith('https:');
  const options = { path: secure ? '/' : '/login', httpOnly: true, sameSite: 'lax', secure } as const;
  const prefixed = hostCookieName(context.publicOrigin, name);
  if (value === undefined) reply.clearCookie(prefixed, options);
  else reply.setCookie(prefixed, value, { ...options, maxAge: LIFE_SECONDS[name] });
}

/** The OpenID Provider writes cookies to the raw reply; ours would overwrite them, so they are moved over. */
export function keepProviderCookies(reply: FastifyReply): void {
  const written = reply.raw.getHeader('set-cookie');
  if (written === undefined) return;
  reply.raw.removeHeader('set-cookie');
  for (const cookie of Array.isArray(written) ? written : [String(written)]) reply.header('set-cookie', cookie);
}
