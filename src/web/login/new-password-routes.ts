/** A first password, or a new one when it was forgotten: the phone proves the person, the old password is not asked for. */
import type { FastifyInstance } from 'fastify';
import { faultyField } from '#problem.ts';
import { hasFreshSmsProof, resetPassword } from '#sign-in/set-password.ts';
import { requireSession } from '#web/session.ts';
import type { WebContext } from '#web/web-context.ts';
import { field } from './form-field.ts';
import { HIDDEN } from './hidden.ts';
import { type LoginPlace, returnPathOf } from './login-place.ts';
import { mendable, showLoginPage } from './show-login-page.ts';

const PATH = '/login/new-password';
const PROVE_FIRST = `/login?${new URLSearchParams({ way: 'sms', more: '1', return: PATH })}`;

export function registerNewPasswordRoutes(server: FastifyInstance, context: WebContext): void {
  server.get(PATH, HIDDEN, async (request, reply) => {
    const fresh = request.session && hasFreshSmsProof(request.session, context.clock.now());
    if (!fresh) return reply.redirect(PROVE_FIRST, 303);
    return showLoginPage(reply, 'new-password', portal(returnPathOf(request)));
  });

  server.post(PATH, HIDDEN, async (request, reply) => {
    const session = requireSession(request);
    if (!hasFreshSmsProof(session, context.clock.now())) return reply.redirect(PROVE_FIRST, 303);
    const returnTo = returnPathOf(request);
    try {
      const password = field(request, 'password', 512);
      if (field(request, 'again', 512) !== password) throw faultyField('/again', 'The two passwords differ.', '两次输入的密码不一致。');
      await resetPassword(context, { session, password });
      // Whoever came in with the old one is out of the apps as well.
      const { personId } = session;
      await context.oidc?.endOtherSessions(request.raw, reply.raw, { personId, by: `person:${personId}` });
      return reply.redirect(returnTo, 303);
    } catch (error) {
      return showLoginPage(reply, 'new-password', portal(returnTo), mendable(reply, error));
    }
  });
}

const portal = (returnTo: string): LoginPlace => ({ base: '/login', returnTo, wantedAcr: [] });
