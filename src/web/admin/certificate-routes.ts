/** Certificates issued by our own authorities, newest first. */
import type { FastifyInstance } from 'fastify';
import { listCertificates } from '#certificates/find-certificates.ts';
import { isUuid } from '#people/is-uuid.ts';
import { cursorOf } from '#web/path-parameters.ts';
import { requireStaff } from '#web/session.ts';
import type { WebContext } from '#web/web-context.ts';
import { ADMIN_SECTIONS } from './sections.ts';

const PAGE_SIZE = 50;

export function registerCertificateRoutes(server: FastifyInstance, context: WebContext): void {
  server.get('/admin/trust', { schema: { hide: true } }, async (request, reply) => {
    requireStaff(request, ['operator', 'auditor']);
    const given = cursorOf(request.query);
    const cursor = given !== undefined && isUuid(given) ? given : undefined;
    const page = await listCertificates(context, { limit: PAGE_SIZE, ...(cursor ? { cursor } : {}) });
    return reply.page('admin/certificates', { sections: ADMIN_SECTIONS, ...page, first: cursor === undefined });
  });
}
