/** `/tsa` (RFC 3161 §3.4) in P-256, `/tsa/sm2` in SM2: a query as the body, a reply back; refusals are replies too. */
import type { FastifyInstance } from 'fastify';
import type { AuthoritySuite } from '#certificates/certificate-deps.ts';
import { answerTimestampQuery } from '#certificates/issue-timestamp.ts';
import { MAX_TIMESTAMP_QUERY_BYTES } from '#pki/timestamp-query.ts';
import { Problem } from '#problem.ts';
import { networkOfAddress } from '#sign-in/network-of-address.ts';
import type { WebContext } from '#web/web-context.ts';

const SUITES: Record<string, AuthoritySuite> = { '/tsa': 'es256', '/tsa/sm2': 'sm2-sm3' };
/** Tokens for one address a minute: far above what one office needs, far below what the key can do. */
const PER_MINUTE = 600;
const NAME_THE_TYPE = {
  detail: 'A query is sent as Content-Type: application/timestamp-query.',
  detailZh: '时间戳请求的 Content-Type 应为 application/timestamp-query。',
};

export function registerTsaRoutes(server: FastifyInstance, context: WebContext): void {
  void server.register(async (scope) => {
    // Nothing else is read: curl calls a body a form unless it is told what it is.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: MAX_TIMESTAMP_QUERY_BYTES }, async () => undefined);
    scope.addContentTypeParser(
      'application/timestamp-query',
      { parseAs: 'buffer', bodyLimit: MAX_TIMESTAMP_QUERY_BYTES },
      async (_request: unknown, body: Buffer) => body,
    );
    for (const [path, suite] of Object.entries(SUITES)) {
      scope.post(path, { schema: { hide: true }, config: { csrf: false } }, async ({ body, ip }, reply) => {
        const minute = Math.floor(context.clock.now().getTime() / 60_000);
        if ((await context.ephemeral.increment(`tsa:${networkOfAddress(ip)}:${minute}`, 60)) > PER_MINUTE) {
          throw new Problem('too-many-requests', { retryAfterSeconds: 60 });
        }
        if (!Buffer.isBuffer(body)) throw new Problem('unsupported-media-type', NAME_THE_TYPE);
        const der = await answerTimestampQuery(context, suite, body);
        return reply.type('application/timestamp-reply').send(Buffer.from(der.buffer, der.byteOffset, der.byteLength));
      });
    }
  });
}
