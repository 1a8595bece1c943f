/** Signing in by SMS: ask for a code, enter it, and for a phone without an account register it. Each step is a page of its own and survives a reload. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { maskPhone } from '#people/mask.ts';
import { Problem } from '#problem.ts';
import { registerWithPhone } from '#sign-in/register-with-phone.ts';
import { requestSmsCode } from '#sign-in/request-sms-code.ts';
import { signInWithSms } from '#sign-in/sign-in-with-sms.ts';
import { findPhoneOfChallenge } from '#sign-in/sms-code.ts';
import type { WebContext } from '#web/web-context.ts';
import { completeSignIn } from './complete-sign-in.ts';
import { field } from './form-field.ts';
import { HIDDEN } from './hidden.ts';
import { loginCookie, setLoginCookie } from './login-cookies.ts';
import { addressIn, findLoginPlace, type LoginPlace } from './login-place.ts';
import { mendable, showLoginPage } from './show-login-page.ts';

/** @param base `/login` or `/login/:uid` */
export function registerSmsRoutes(server: FastifyInstance, context: WebContext, base: string): void {
  server.post(`${base}/sms-code`, HIDDEN, async (request, reply) => {
    const place = await findLoginPlace(request, reply, context);
    const before = loginCookie(request, 'tongren_sms');
    const phone = field(request, 'phone', 40) || (before && (await findPhoneOfChallenge(context, before))) || '';
    try {
      const device = loginCookie(request, 'tongren_device');
      const { challenge } = await requestSmsCode(context, { phone, ip: request.ip, device });
      setLoginCookie(reply, context, 'tongren_sms', challenge);
      return reply.redirect(addressIn(place, 'code'), 303);
    } catch (error) {
      const shown = mendable(reply, error);
      if (!field(request, 'phone', 40) && phone) return showCodePage(request, reply, context, place, shown);
      return showLoginPage(reply, 'sign-in', place, { way: 'sms', phone, ...shown });
    }
  });

  server.get(`${base}/code`, HIDDEN, async (request, reply) =>
    showCodePage(request, reply, context, await findLoginPlace(request, reply, context)),
  );

  server.post(`${base}/code`, HIDDEN, async (request, reply) => {
    const place = await findLoginPlace(request, reply, context);
    try {
      const challenge = loginCookie(request, 'tongren_sms') ?? '';
      const result = await signInWithSms(context, { challenge, code: field(request, 'code', 16) });
      if (result.status === 'signed-in') return await completeSignIn(request, reply, context, place, result.proof);
      setLoginCookie(reply, context, 'tongren_sms', undefined);
      setLoginCookie(reply, context, 'tongren_registration', result.ticket);
      return reply.redirect(addressIn(place, 'register'), 303);
    } catch (error) {
      const shown = mendable(reply, error);
      if (error instanceof Problem && error.code === 'sms-code-expired')
        return showLoginPage(reply, 'sign-in', place, { way: 'sms', ...shown });
      return showCodePage(request, reply, context, place, shown);
    }
  });

  server.get(`${base}/register`, HIDDEN, async (request, reply) => {
    const place = await findLoginPlace(request, reply, context);
    if (!loginCookie(request, 'tongren_registration')) return reply.redirect(addressIn(place), 303);
    return showLoginPage(reply, 'register', place);
  });

  server.post(`${base}/register`, HIDDEN, async (request, reply) => {
    const place = await findLoginPlace(request, reply, context);
    const name = field(request, 'name', 100);
    try {
      const proof = await registerWithPhone(context, { ticket: loginCookie(request, 'tongren_registration') ?? '', name });
      return await completeSignIn(request, reply, context, place, proof);
    } catch (error) {
      const shown = mendable(reply, error);
      const again = error instanceof Problem && error.code === 'invalid-input';
      return showLoginPage(reply, again ? 'register' : 'sign-in', place, { way: 'sms', name, ...shown });
    }
  });
}

/** Without a living code there is nothing to enter: back to asking for one. */
async function showCodePage(
  request: FastifyRequest,
  reply: FastifyReply,
  context: WebContext,
  place: LoginPlace,
  shown: Record<string, unknown> = {},
): Promise<FastifyReply> {
  const challenge = loginCookie(request, 'tongren_sms');
  const phone = challenge === undefined ? undefined : await findPhoneOfChallenge(context, challenge);
  if (phone === undefined) return reply.redirect(addressIn(place, '', { way: 'sms' }), 303);
  return showLoginPage(reply, 'enter-code', place, { phone: maskPhone(phone), demoMessages: context.simulators !== undefined, ...shown });
}
