/** The account: how well the person is known (assurance level), proving the real name, changing the password. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { requirePerson } from '#people/find-person.ts';
import { proveRealName } from '#people/prove-real-name.ts';
import { changePassword, hasPassword } from '#sign-in/set-password.ts';
import { type Refusal, refusalOf, refusalOfFaults } from '#web/refusal.ts';
import { requireSession } from '#web/session.ts';
import { parseForm } from '#web/validate-with-zod.ts';
import type { WebContext } from '#web/web-context.ts';
import { MY_SECTIONS } from './sections.ts';

const RealNameForm = z.object({ name: z.string().trim().min(1).max(100), citizenNumber: z.string().trim().min(15).max(40) });
const PasswordForm = z.object({ current: z.string().min(1).max(200), password: z.string().min(1).max(200) });

export function registerMyAccountRoutes(server: FastifyInstance, context: WebContext): void {
  const options = { schema: { hide: true } };

  async function accountPage(
    request: FastifyRequest,
    reply: FastifyReply,
    refused: { form: string; refusal: Refusal } | undefined = undefined,
  ) {
    const { personId } = requireSession(request);
    const [person, withPassword] = await Promise.all([requirePerson(context, personId), hasPassword(context, personId)]);
    const { masked, assuranceLevel, evidence } = person;
    const { done } = request.query as { done?: string };
    if (refused) reply.code(refused.refusal.status);
    return reply.page('my/account', { sections: MY_SECTIONS, masked, assuranceLevel, evidence, withPassword, refused, done });
  }

  server.get('/my/account', options, async (request, reply) => accountPage(request, reply));

  server.post('/my/account/real-name', options, async (request, reply) => {
    const { personId } = requireSession(request);
    const { data, faults } = parseForm(RealNameForm, request.body);
    if (!data) return accountPage(request, reply, { form: 'real-name', refusal: refusalOfFaults(faults) });
    try {
      await proveRealName(context, { ...data, personId, by: `person:${personId}` });
    } catch (error) {
      return accountPage(request, reply, { form: 'real-name', refusal: refusalOf(error) });
    }
    return reply.redirect('/my/account?done=real-name', 303);
  });

  server.post('/my/account/password', options, async (request, reply) => {
    const { personId, id } = requireSession(request);
    const { data, faults } = parseForm(PasswordForm, request.body);
    if (!data) return accountPage(request, reply, { form: 'password', refusal: refusalOfFaults(faults) });
    try {
      await changePassword(context, { personId, current: data.current, next: data.password, keepSessionId: id });
      // Whoever came in with the old one is out of the apps as well.
      await context.oidc?.endOtherSessions(request.raw, reply.raw, { personId, by: `person:${personId}` });
    } catch (error) {
      return accountPage(request, reply, { form: 'password', refusal: refusalOf(error) });
    }
    return reply.redirect('/my/account?done=password', 303);
  });
}
