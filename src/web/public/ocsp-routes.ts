/** `/ocsp` (RFC 6960 §A.1, RFC 5019): the request as a body, or as base64 in the address, where caches on the way may keep the answer. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { type OcspReply, ocspResponder } from '#certificates/answer-ocsp.ts';
import { DerError } from '#crypto/der.ts';
import { digest } from '#crypto/suite.ts';
import { encodeOcspRefusal } from '#pki/ocsp-encode-response.ts';
import { MAX_OCSP_REQUEST_BYTES, readOcspPath } from '#pki/ocsp-request.ts';
import { isUnchanged } from '#web/conditional.ts';
import type { WebContext } from '#web/web-context.ts';

const PREFIX = '/ocsp/';
/** A cache on the way may hold back a revocation for this long; with our own two seconds it shows within five. */
const CACHE_SECONDS = 2;

export function registerOcspRoutes(server: FastifyInstance, context: WebContext): void {
  const answer = ocspResponder(context);
  const options = { schema: { hide: true }, config: { csrf: false } };

  // In its own scope: only here a body of this type is taken, and only as long as a request may be.
  void server.register(async (scope) => {
    // Nothing else is read: curl calls a body a form unless it is told what it is.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: MAX_OCSP_REQUEST_BYTES }, async () => undefined);
    scope.addContentTypeParser(
      'application/ocsp-request',
      { parseAs: 'buffer', bodyLimit: MAX_OCSP_REQUEST_BYTES },
      async (_request: unknown, body: Buffer) => body,
    );
    scope.post('/ocsp', options, async ({ body }, reply) =>
      send(reply, Buffer.isBuffer(body) ? await answer(body) : { der: encodeOcspRefusal('malformed-request') }),
    );
  });

  // Base64 has slashes of its own, also at the end: the address is read as it came.
  server.get('/ocsp/*', options, async (request, reply) => {
    const path = (request.raw.url ?? '').split('?')[0] ?? '';
    const answered = await answer(readPath(path.slice(PREFIX.length)));
    if (answered.kept) {
      const etag = cacheAsRfc5019(reply, answered.der, answered.kept, context.clock.now());
      // Two answers of one second may differ, so their time is no validator here.
      if (isUnchanged(request.headers, { etag })) return reply.code(304).send();
    }
    return send(reply, answered);
  });
}

/** Nothing at all is what a malformed request reads as. */
function readPath(text: string): Uint8Array {
  try {
    return readOcspPath(text);
  } catch (error) {
    if (error instanceof DerError) return new Uint8Array();
    throw error;
  }
}

/** RFC 5019 §6.2. Answers the entity tag. */
function cacheAsRfc5019(reply: FastifyReply, der: Uint8Array, kept: NonNullable<OcspReply['kept']>, now: Date): string {
  const secondsLeft = Math.max(0, Math.floor((kept.nextUpdate.getTime() - now.getTime()) / 1000));
  const etag = `"${Buffer.from(digest('sha256', der)).toString('hex').slice(0, 32)}"`;
  reply
    .header('cache-control', `public, max-age=${Math.min(CACHE_SECONDS, secondsLeft)}, no-transform, must-revalidate`)
    .header('last-modified', kept.thisUpdate.toUTCString())
    .header('expires', new Date(now.getTime() + Math.min(CACHE_SECONDS, secondsLeft) * 1_000).toUTCString())
    .header('etag', etag);
  return etag;
}

function send(reply: FastifyReply, { der }: OcspReply): FastifyReply {
  return reply.type('application/ocsp-response').send(Buffer.from(der.buffer, der.byteOffset, der.byteLength));
}
