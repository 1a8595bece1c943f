import type { FastifyReply } from 'fastify';
import { CATALOGUE, Problem } from '#problem.ts';
import type { LoginPlace } from './login-place.ts';

type LoginPage = 'sign-in' | 'enter-code' | 'register' | 'real-name' | 'new-password' | 'foreign-certificate';

/** Renders one of the sign-in pages for its place; within an app's request the form may lead to the app's own address. */
export function showLoginPage(reply: FastifyReply, page: LoginPage, place: LoginPlace, data: Record<string, unknown> = {}): FastifyReply {
  const { interaction, base, returnTo } = place;
  const facts = { base, returnTo: interaction ? undefined : returnTo, app: interaction?.client, ...data };
  const origins = interaction?.redirectOrigins ?? [];
  return reply.page(`login/${page}`, facts, origins.length > 0 ? { formAction: origins } : undefined);
}

/**
 * A refusal that the person can mend is shown on the same page again; anything else goes on to the one place that renders problems.
 * Sets status and Retry-After; returns what the template shows.
 */
export function mendable(reply: FastifyReply, error: unknown) {
  if (!(error instanceof Problem) || error.status === 500 || error.status === 404) throw error;
  reply.code(error.status);
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', String(error.retryAfterSeconds));
  const [, en, zh] = CATALOGUE[error.code];
  return {
    faults: error.errors,
    problem: {
      zh: error.detailZh ?? zh,
      en: error.detail ?? en,
      waitMinutes: error.retryAfterSeconds === undefined ? undefined : Math.ceil(error.retryAfterSeconds / 60),
    },
  };
}
