/** Certificates of other authorities on my account: add one by signing a text with my own tool, remove it. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { removeForeignCertificate } from '#certificates/foreign-certificates.ts';
import { acrLevel } from '#sign-in/acr.ts';
import { addOwnForeignCertificate } from '#sign-in/add-foreign-certificate.ts';
import { beginCertificateSignIn } from '#sign-in/certificate-challenge.ts';
import { FOREIGN_UPLOAD, readForeignForm, sendStatement } from '#web/foreign-proof-form.ts';
import { requireUuid } from '#web/path-parameters.ts';
import { refusalOf } from '#web/refusal.ts';
import { requireSession } from '#web/session.ts';
import type { WebContext } from '#web/web-context.ts';
import { isFreshEnough } from './fresh-sign-in.ts';
import { MY_SECTIONS } from './sections.ts';

export function registerMyForeignCertificateRoutes(server: FastifyInstance, context: WebContext): void {
  const options = { schema: { hide: true } };
  const path = '/my/certificates/foreign';

  function page(request: FastifyRequest, reply: FastifyReply, shown: Record<string, unknown> = {}) {
    const fresh = isFreshEnough(context, requireSession(request));
    return reply.page('my/foreign-certificate', { sections: MY_SECTIONS, base: path, fresh, ...shown });
  }

  function refused(request: FastifyRequest, reply: FastifyReply, error: unknown) {
    const refusal = refusalOf(error);
    return page(request, reply.code(refusal.status), { refusal });
  }

  server.get(path, options, async (request, reply) => page(request, reply));

  server.post(`${path}/text`, options, async (request, reply) => {
    const { id } = requireSession(request);
    try {
      const { challenge, statement } = await beginCertificateSignIn(context, { ip: request.ip, use: 'foreign-add', browser: id });
      return page(request, reply.header('cache-control', 'no-store'), { text: { challenge, statement } });
    } catch (error) {
      return refused(request, reply, error);
    }
  });

  server.post(`${path}/challenge.txt`, options, async (request, reply) => {
    requireSession(request);
    return sendStatement(request, reply, context.publicOrigin, 'foreign-add');
  });

  server.post(path, { ...options, config: { upload: FOREIGN_UPLOAD } }, async (request, reply) => {
    const { id, personId, acr, authTime } = requireSession(request);
    try {
      const session = { acrLevel: acrLevel(acr) ?? 1, authTime };
      await addOwnForeignCertificate(context, { ...readForeignForm(request), personId, session, browser: id, ip: request.ip });
    } catch (error) {
      return refused(request, reply, error);
    }
    return reply.redirect('/my/certificates#foreign', 303);
  });

  server.post<{ Params: { id: string } }>(`${path}/:id/remove`, options, async (request, reply) => {
    const { personId } = requireSession(request);
    await removeForeignCertificate(context, { id: requireUuid(request.params.id), personId });
    return reply.redirect('/my/certificates#foreign', 303);
  });
}
