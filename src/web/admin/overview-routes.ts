/** Is everything there, and how busy is it: readiness, last audit checkpoint, revocation lists by their facts, requests, a change of data keys. */
import type { FastifyInstance } from 'fastify';
import { latestCheckpoint } from '#audit/export-checkpoint.ts';
import { type Authority, listAuthorities } from '#certificates/authorities.ts';
import { findCrlFacts } from '#certificates/find-crl.ts';
import { OID } from '#crypto/oids.ts';
import { attributeOf } from '#pki/name.ts';
import { findResealing } from '#storage/find-resealing.ts';
import { runReadinessChecks } from '#web/health.ts';
import { requestFigures } from '#web/metrics.ts';
import { requireStaff } from '#web/session.ts';
import type { WebContext } from '#web/web-context.ts';
import { ADMIN_SECTIONS } from './sections.ts';

export function registerOverviewRoutes(server: FastifyInstance, context: WebContext): void {
  server.get('/admin', { schema: { hide: true } }, async (request, reply) => {
    requireStaff(request, ['operator', 'auditor']);
    const [checks, checkpoint, authorities, figures, resealing] = await Promise.all([
      runReadinessChecks(context),
      latestCheckpoint(context),
      listAuthorities(context),
      requestFigures(server.metrics),
      findResealing(context.db),
    ]);
    const now = context.clock.now();
    const listsOf = async ({ keyName, certificate }: Authority) => {
      const [complete, delta] = await Promise.all([findCrlFacts(context, keyName, 'complete'), findCrlFacts(context, keyName, 'delta')]);
      const issuer = attributeOf(certificate.subject, OID.commonName) ?? '—';
      const shown = delta && complete && delta.number > complete.number ? [complete, delta] : [complete];
      return shown.flatMap((list) => (list ? { ...list, issuer, count: list.entries, stale: list.nextUpdate <= now } : []));
    };
    const lists = (await Promise.all(authorities.map(listsOf))).flat();
    const uptimeHours = Math.floor(process.uptime() / 3600);
    return reply.page('admin/overview', { sections: ADMIN_SECTIONS, checks, checkpoint, lists, figures, uptimeHours, resealing });
  });
}
