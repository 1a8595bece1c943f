/** State of what others rely on: authorities with their lists, the signers of status and time, the issuance log; and what is due. */
import type { FastifyInstance } from 'fastify';
import { listAuthorities } from '#certificates/authorities.ts';
import { authorityWarnings } from '#certificates/hold-ceremony.ts';
import { type CrlStanding, type CrlState, listCrlStandings } from '#certificates/list-crls.ts';
import { latestHead } from '#certificates/log-publish.ts';
import { searchCertificates } from '#certificates/search-certificates.ts';
import { Problem } from '#problem.ts';
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
    const standings = await listCrlStandings(context, authorities);
    const rows = authorities.map((authority) => {
      const lists = standings.get(authority.keyName) ?? [];
      const parts = lists.filter(({ part }) => part !== undefined);
      return {
        ...authority,
        complete: lists.find(({ scope }) => scope === 'complete'),
        parts: authority.crlPartitions,
        worst: worstOf(parts),
      };
    });
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

  server.get<{ Params: { key: string } }>('/admin/services/:key', { schema: { hide: true } }, async (request, reply) => {
    requireStaff(request, ['operator', 'auditor']);
    const authority = (await listAuthorities(context)).find(({ keyName }) => keyName === request.params.key);
    if (!authority) throw new Problem('not-found');
    const lists = (await listCrlStandings(context, [authority])).get(authority.keyName) ?? [];
    const counts = WORST_FIRST.map((state) => ({ state, count: lists.filter((list) => list.state === state).length }));
    return reply.page('admin/authority-lists', { sections: ADMIN_SECTIONS, authority, lists, counts });
  });
}

const WORST_FIRST: readonly CrlState[] = ['missing', 'ended', 'ending', 'current'];

/** The worst state among them; undefined where there are none. */
function worstOf(lists: readonly CrlStanding[]): CrlState | undefined {
  return WORST_FIRST.find((state) => lists.some((list) => list.state === state));
}
