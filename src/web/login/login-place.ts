/**
 * Where a sign-in belongs: to the portal, which goes on to a page of ours, or to an app's request at the OpenID Provider.
 * The same pages serve both; only their addresses differ.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { InteractionView } from '#oidc/interactions.ts';
import { Problem } from '#problem.ts';
import { isReturnPath } from '#web/session.ts';
import type { WebContext } from '#web/web-context.ts';

export interface LoginPlace {
  /** `/login`, or `/login/<uid>`. */
  base: string;
  /** Portal: where to go afterwards. */
  returnTo: string;
  interaction?: InteractionView;
  /** What the app asked for; empty at the portal. */
  wantedAcr: string[];
}

const DEFAULT_RETURN = '/my';

/** Throws Problem `interaction-not-found` when the app's request has expired or belongs to another browser. */
export async function findLoginPlace(request: FastifyRequest, reply: FastifyReply, context: WebContext): Promise<LoginPlace> {
  const { uid } = request.params as { uid?: string };
  if (uid === undefined) return { base: '/login', returnTo: returnPathOf(request), wantedAcr: [] };
  if (!context.oidc) throw new Problem('not-found');
  const interaction = await context.oidc.findInteraction(request.raw, reply.raw);
  if (interaction.uid !== uid || interaction.prompt !== 'login') throw new Problem('interaction-not-found');
  return {
    base: `/login/${interaction.uid}`,
    returnTo: DEFAULT_RETURN,
    interaction,
    wantedAcr: interaction.wantedAcr,
  };
}

export function returnPathOf(request: FastifyRequest): string {
  const asked = (request.body as { return?: unknown } | undefined)?.return ?? (request.query as { return?: unknown }).return;
  return isReturnPath(asked) ? asked : DEFAULT_RETURN;
}

/** The address of a page of this place; the portal's carries where to return to. */
export function addressIn(place: LoginPlace, page = '', query: Record<string, string> = {}): string {
  const path = page ? `${place.base}/${page}` : place.base;
  const parameters = new URLSearchParams(query);
  if (!place.interaction && place.returnTo !== DEFAULT_RETURN) parameters.set('return', place.returnTo);
  return parameters.size > 0 ? `${path}?${parameters}` : path;
}
