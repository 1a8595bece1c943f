/** `/crl/…`: the revocation lists, with all that a cache on the way needs (RFC 5280 §4.2.1.13, RFC 9110, RFC 9111). */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type CrlScope, findCrlFacts, readCrlPieces } from '#certificates/find-crl.ts';
import { Problem } from '#problem.ts';
import { isUnchanged } from '#web/conditional.ts';
import { cachePublicly } from '#web/security-headers.ts';
import type { WebContext } from '#web/web-context.ts';

/** A revocation is in the list within a minute; a cache may add as much, and keeps nothing past the list's own end. */
const CRL_SECONDS = 60;
const FILE = /^(ca-[a-z]{1,20}-(?:sm2|p256)(?:-[1-9]\d{0,3})?)(?:-(delta|part-(?:0|[1-9]\d{0,2})(?:-delta)?))?\.crl$/;

export function registerCrlRoutes(server: FastifyInstance, context: WebContext): void {
  const serve = async (request: FastifyRequest<{ Params: { file: string } }>, reply: FastifyReply) => {
    const [, keyName, kind] = FILE.exec(request.params.file) ?? [];
    const scope = (kind ?? 'complete') as CrlScope;
    const facts = keyName === undefined ? undefined : await findCrlFacts(context, keyName, scope);
    if (!facts) throw new Problem('not-found');
    const now = context.clock.now();
    const seconds = Math.max(0, Math.min(CRL_SECONDS, Math.floor((facts.nextUpdate.getTime() - now.getTime()) / 1_000)));
    const etag = `"${facts.digest}"`;
    cachePublicly(reply, seconds)
      .header('expires', new Date(now.getTime() + seconds * 1_000).toUTCString())
      .header('etag', etag);
    if (!facts.sharesSecond) reply.header('last-modified', facts.thisUpdate.toUTCString());
    const validators = facts.sharesSecond ? { etag } : { etag, lastModified: facts.thisUpdate };
    if (isUnchanged(request.headers, validators)) return reply.code(304).send();
    reply.type('application/pkix-crl').header('content-length', facts.size);
    // A HEAD is answered from the row's facts; the list stays where it is.
    return request.method === 'HEAD' ? reply.send() : reply.send(Readable.from(readCrlPieces(context, facts, scope)));
  };
  server.route({ method: ['GET', 'HEAD'], url: '/crl/:file', schema: { hide: true }, handler: serve });
}
