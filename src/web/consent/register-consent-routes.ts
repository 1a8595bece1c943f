/**
 * Agreeing to what an app may learn, claim by claim; sensitive ones on a screen of their own (PIPL 29). And the page after a
 * log-out, which says for each app whether it confirmed.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { LOGOUT_COOKIE, type Oidc } from '#oidc/create-oidc-provider.ts';
import type { InteractionView } from '#oidc/interactions.ts';
import { requireMaskedPerson } from '#people/find-person.ts';
import { Problem } from '#problem.ts';
import { keepProviderCookies } from '#web/login/login-cookies.ts';
import type { WebContext } from '#web/web-context.ts';

/** The page asks again while an app has not answered, but not for ever. */
const REFRESH_SECONDS = 2;
const REFRESH_FOR_MS = 60_000;

export function registerConsentRoutes(server: FastifyInstance, context: WebContext): void {
  const { oidc } = context;
  if (!oidc) return;

  server.get('/consent/:uid', { schema: { hide: true } }, async (request, reply) => {
    const interaction = await requireConsent(oidc, request, reply);
    const ordinary = interaction.items.filter(({ sensitive }) => !sensitive);
    return showItems(context, reply, interaction, { sensitive: ordinary.length === 0, accepted: [] });
  });

  server.post('/consent/:uid', { schema: { hide: true } }, async (request, reply) => {
    const interaction = await requireConsent(oidc, request, reply);
    const form = (request.body ?? {}) as Record<string, unknown>;
    if (form['answer'] === 'refuse') return goOn(reply, await oidc.abortInteraction(request.raw, reply.raw));
    const accepted = [form['accepted'] ?? []].flat().map(String);
    const sensitiveLeft = interaction.items.some(({ sensitive }) => sensitive) && form['step'] !== 'sensitive';
    if (sensitiveLeft) return showItems(context, reply, interaction, { sensitive: true, accepted });
    return goOn(reply, await oidc.finishConsent(request.raw, reply.raw, { accepted }));
  });

  server.get('/logged-out', { schema: { hide: true } }, async (request, reply) => {
    const id = request.cookies[LOGOUT_COOKIE];
    const report = id === undefined ? undefined : await oidc.logoutReport(id);
    const young = report !== undefined && context.clock.now().getTime() - report.at.getTime() < REFRESH_FOR_MS;
    const refreshSeconds = report && !report.done && young ? REFRESH_SECONDS : undefined;
    return reply.page('consent/logged-out', { report, refreshSeconds });
  });
}

async function requireConsent(oidc: Oidc, request: FastifyRequest, reply: FastifyReply): Promise<InteractionView & { personId: string }> {
  const interaction = await oidc.findInteraction(request.raw, reply.raw);
  const { uid } = request.params as { uid: string };
  const { personId } = interaction;
  if (interaction.prompt !== 'consent' || interaction.uid !== uid || personId === undefined) throw new Problem('interaction-not-found');
  return { ...interaction, personId };
}

async function showItems(
  context: WebContext,
  reply: FastifyReply,
  interaction: InteractionView & { personId: string },
  step: { sensitive: boolean; accepted: readonly string[] },
) {
  const items = interaction.items.filter(({ sensitive }) => sensitive === step.sensitive);
  const person = await requireMaskedPerson(context, interaction.personId);
  const data = { interaction, items, step, person, client: interaction.client };
  return reply.page('consent/consent', data, { formAction: interaction.redirectOrigins });
}

function goOn(reply: FastifyReply, url: string) {
  keepProviderCookies(reply);
  return reply.redirect(url, 303);
}
