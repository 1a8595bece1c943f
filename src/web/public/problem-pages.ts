/** `type` of every problem opens a page that says what it means: generated from the catalogue, so none is missing. */
import type { FastifyInstance } from 'fastify';
import { CATALOGUE, Problem, type ProblemCode } from '#problem.ts';

export function registerProblemPages(server: FastifyInstance): void {
  server.get('/problems', { schema: { hide: true } }, async (_request, reply) => {
    const problems = Object.entries(CATALOGUE).map(([code, [status, en, zh]]) => ({ code, status, en, zh }));
    return reply.page('public/problems', { problems });
  });
  server.get<{ Params: { code: string } }>('/problems/:code', { schema: { hide: true } }, async (request, reply) => {
    const { code } = request.params;
    if (!Object.hasOwn(CATALOGUE, code)) throw new Problem('not-found');
    const [status, en, zh] = CATALOGUE[code as ProblemCode];
    return reply.page('public/problem-page', { code, status, en, zh });
  });
}
