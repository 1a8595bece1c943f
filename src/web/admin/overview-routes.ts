/** Is everything there, and how busy is it: readiness, last audit checkpoint, revocation lists, requests. */
import type { FastifyInstance } from 'fastify';
import { latestCheckpoint } from '#audit/export-checkpoint.ts';
import { currentCrls } from '#certificates/find-certificates.ts';
import { OID } from '#crypto/oids.ts';
import { attributeOf } from '#pki/name.ts';
import { runReadinessChecks } from '#web/health.ts';
import { requestFigures } from '#web/metrics.ts';
import { requireStaff } from '#web/session.ts';
import type { WebContext } from '#web/web-context.ts';
import { ADMIN_SECTIONS } from './sections.ts';

export function registerOverviewRoutes(server: FastifyInstance, context: WebContext): void {
  server.get('/admin', { schema: { hide: true } }, async (request, reply) => {
    requireStaff(request, ['operator', 'auditor']);
    const [checks, checkpoint, crls, figures] = await Promise.all([
      runReadinessChecks(context),
      latestCheckpoint(context),
      currentCrls(context),
      requestFigures(server.metrics),
    ]);
    const lists = crls.map((crl) => ({
      issuer: attributeOf(crl.issuer, OID.commonName) ?? '—',
      count: crl.count,
      thisUpdate: crl.thisUpdate,
      nextUpdate: crl.nextUpdate,
      stale: crl.nextUpdate !== undefined && crl.nextUpdate < context.clock.now(),
    }));
    const uptimeHours = Math.floor(process.uptime() / 3600);
    return reply.page('admin/overview', { sections: ADMIN_SECTIONS, checks, checkpoint, lists, figures, uptimeHours });
  });
}
