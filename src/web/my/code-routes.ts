/** Showing a code (亮证): the page with the moving QR, and the next code for the page's own module. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { qrSvg } from '#codes/qr-code.ts';
import { requireLicence } from '#licences/find-licences.ts';
import { findLookUps } from '#licences/find-look-ups.ts';
import { showCode } from '#licences/show-code.ts';
import { requireUuid } from '#web/path-parameters.ts';
import { requireSession } from '#web/session.ts';
import type { WebContext } from '#web/web-context.ts';
import { MY_SECTIONS } from './sections.ts';

const CodeForPage = z.object({
  svg: z.string().describe('The QR symbol, as SVG'),
  digits: z.string().describe('What the QR symbol holds'),
  shortNumber: z
    .string()
    .nullable()
    .describe('Twenty digits for reading aloud and typing; same code, same one use; null when none can be given just now'),
  lifeSeconds: z.number(),
  expiresAt: z.string(),
});

export function registerMyCodeRoutes(server: FastifyInstance, context: WebContext): void {
  server.get<{ Params: { id: string }; Querystring: { name?: string } }>(
    '/my/licences/:id/code',
    { schema: { hide: true } },
    async (request, reply) => {
      const { personId } = requireSession(request);
      const licenceId = requireUuid(request.params.id);
      const withName = request.query.name === '1';
      const licence = await requireLicence(context, { licenceId, personId });
      const code = await showCode(context, { personId, licenceId, withName });
      const picture = `data:image/svg+xml;base64,${Buffer.from(qrSvg(code.digits)).toString('base64')}`;
      return reply.page('my/code', { sections: MY_SECTIONS, licence, code, picture, withName, refreshSeconds: code.lifeSeconds });
    },
  );

  server.withTypeProvider<ZodTypeProvider>().post(
    '/api/my/licences/:id/code',
    {
      schema: {
        tags: ['my'],
        summary: 'The next code of one of my licences',
        security: [{ session: [] }],
        params: z.object({ id: z.uuid() }),
        body: z.object({ withName: z.boolean().default(false).describe('Carries the masked name, readable offline') }),
        response: { 200: CodeForPage },
      },
    },
    async (request) => {
      const { personId } = requireSession(request);
      const code = await showCode(context, { personId, licenceId: request.params.id, withName: request.body.withName });
      const { digits, shortNumber, lifeSeconds, expiresAt } = code;
      return { svg: qrSvg(digits), digits, shortNumber, lifeSeconds, expiresAt: expiresAt.toISOString() };
    },
  );

  server.withTypeProvider<ZodTypeProvider>().get(
    '/api/my/look-ups/latest',
    {
      schema: {
        tags: ['my'],
        summary: 'My latest look-up, so that the page showing a code can say that it was read',
        security: [{ session: [] }],
        response: {
          200: z.object({
            lookUp: z
              .object({
                id: z.string(),
                at: z.string(),
                organisationName: z.string(),
                purpose: z.object({ zh: z.string(), en: z.string() }),
                licenceIdentifier: z.string(),
              })
              .nullable(),
          }),
        },
      },
    },
    async (request) => {
      const { personId } = requireSession(request);
      const [latest] = (await findLookUps(context, { personId, limit: 1 })).items;
      if (!latest) return { lookUp: null };
      const { id, at, organisationName, purpose, licenceIdentifier } = latest;
      return { lookUp: { id, at: at.toISOString(), organisationName, purpose, licenceIdentifier } };
    },
  );
}
