/** State of what others rely on: authorities with their lists, the signers of status and time, the issuance log; and what is due. */
import type { FastifyInstance } from 'fastify';
import { listAuthorities } from '#certificates/authorities.ts';
import { findCrlFacts } from '#certificates/find-crl.ts';
import { authorityWarnings } from '#certificates/hold-ceremony.ts';
import { latestHead } from '#certificates/log-publish.ts';
import { searchCertificates } from '#certificates/search-certificates.ts';
import { certificateWords } from '#web/certificate-words.ts';
import { requireStaff } from '#web/session.ts';
import type { WebContext } from '#web/web-context.ts';
import { ADMIN_SECTIONS } from './sections.ts';

const SIGNERS_SHOWN = 60;
/** A head is signed anew each hour; after two the log stands still. */
const LOG_STALE_MS = 2 * 3_600_000;

export function registerServiceRoutes(server: FastifyInstance, context: WebContext): void {
  server.get('/admin/services', { schema: { hide: true } }, async (request, reply) => {
    requireStaff(request, ['operator', 'auditor']);
    const now = context.clock.now();
    const signers = (profile: string) => searchCertificates(context, { profile, state: 'good', limit: SIGNERS_SHOWN });
    const [authorities, warnings, head, ocsp, timestamp] = await Promise.all([
      listAuthorities(context),
      authorityWarnings(context),
      latestHead(context),
      signers('ocsp'),
      signers('timestamp'),
    ]);
    const rows = await Promise.all(
      authorities.map(async (authority) => {
        const list = await findCrlFacts(context, authority.keyName, 'complete');
        return { ...authority, list, stale: !list || list.nextUpdate <= now };
      }),
    );
    const document = head?.document;
    const log = document && {
      size: document.tree_size,
      root: document.sha256_root_hash,
      at: new Date(document.timestamp),
      stale: now.getTime() - document.timestamp > LOG_STALE_MS,
    };
    const shown = { rows, warnings, log, ocsp: ocsp.items, timestamp: timestamp.items };
    return reply.page('admin/services', { sections: ADMIN_SECTIONS, words: certificateWords, ...shown });
  });
}
