import type { FastifyInstance } from 'fastify';
import { findPerson } from '#people/find-person.ts';
import type { Session } from '#sign-in/sessions.ts';
import { signInWithPassword } from '#sign-in/sign-in-with-password.ts';
import type { WebContext } from '#web/web-context.ts';
import { completeSignIn, finishInteraction, goOn } from './complete-sign-in.ts';
import { field } from './form-field.ts';
import { HIDDEN } from './hidden.ts';
import { keepProviderCookies, loginCookie } from './login-cookies.ts';
import { addressIn, findLoginPlace, type LoginPlace } from './login-place.ts';
import { mendable, showLoginPage } from './show-login-page.ts';

/** @param base `/login` or `/login/:uid` */
export function registerPasswordRoutes(server: FastifyInstance, context: WebContext, base: string): void {
  server.get<{ Querystring: { way?: string; more?: string } }>(base, HIDDEN, async (request, reply) => {
    const place = await findLoginPlace(request, reply, context);
    const more = request.query.more === '1';
    if (request.session && !more && isEnough(place, request.session)) return goOn(request, reply, context, place, request.session);
    // For a second factor we know who it is; the phone need not be typed again.
    const own = more && request.session ? await findPerson(context, request.session.personId) : undefined;
    const phone = own?.phone?.slice('+86'.length);
    return showLoginPage(reply, 'sign-in', place, {
      way: request.query.way === 'sms' ? 'sms' : 'password',
      more: own !== undefined,
      again: place.interaction?.mustReauthenticate === true,
      login: phone ?? place.interaction?.params.loginHint?.slice(0, 32),
      phone,
    });
  });

  server.post(base, HIDDEN, async (request, reply) => {
    const place = await findLoginPlace(request, reply, context);
    let login = '';
    try {
      login = field(request, 'login', 64);
      const device = loginCookie(request, 'tongren_device');
      const password = field(request, 'password', 512);
      const proof = await signInWithPassword(context, { login, password, ip: request.ip, device });
      return await completeSignIn(request, reply, context, place, proof);
    } catch (error) {
      return showLoginPage(reply, 'sign-in', place, { way: 'password', login, ...mendable(reply, error) });
    }
  });
}

/** The person declines, or goes on with the level there is. */
export function registerInteractionExits(server: FastifyInstance, context: WebContext): void {
  server.post('/login/:uid/refuse', HIDDEN, async (request, reply) => {
    const place = await findLoginPlace(request, reply, context);
    const url = place.interaction && (await context.oidc?.abortInteraction(request.raw, reply.raw));
    keepProviderCookies(reply);
    return reply.redirect(url ?? '/', 303);
  });

  server.post('/login/:uid/as-is', HIDDEN, async (request, reply) => {
    const place = await findLoginPlace(request, reply, context);
    if (!request.session || !isEnough(place, request.session)) return reply.redirect(addressIn(place), 303);
    return finishInteraction(request, reply, context, request.session);
  });
}

/** A living session answers for the person, unless the app insists on a fresh sign-in or on a younger one. */
function isEnough({ interaction }: LoginPlace, session: Session): boolean {
  if (!interaction) return true;
  return !interaction.mustReauthenticate && (interaction.notBefore === undefined || session.authTime >= interaction.notBefore);
}
