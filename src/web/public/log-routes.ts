/**
 * `/log/v1`: the issuance log as RFC 6962 §4 lets it be read, without submission: only our own certificates are in it.
 * What never changes is cached for long; heads for a moment.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { trustedCertificates } from '#certificates/find-certificates.ts';
import { latestHead } from '#certificates/log-publish.ts';
import { describeLog, listLogEntries, MAX_ENTRIES, proveByHash, proveConsistency, proveEntry } from '#certificates/log-read.ts';
import { faultyField, Problem } from '#problem.ts';
import { cachePublicly } from '#web/security-headers.ts';
import type { WebContext } from '#web/web-context.ts';

const HEAD_SECONDS = 2;
const KEYS_SECONDS = 300;
/** Proofs and entries of given places are the same for ever. */
const FIXED_SECONDS = 86_400;

type Query = Readonly<Record<string, unknown>>;

export function registerLogRoutes(server: FastifyInstance, context: WebContext): void {
  const get = (path: string, seconds: number, answer: (query: Query, reply: FastifyReply) => Promise<unknown>) =>
    server.get(`/log/v1/${path}`, { schema: { hide: true } }, async (request, reply: FastifyReply) => {
      cachePublicly(reply, seconds);
      const body = await answer(request.query as Query, reply).catch((error: unknown) => {
        // Who asks too early for an entry asks again soon.
        reply.header('cache-control', 'no-store');
        throw error;
      });
      // Anybody's page may check the log.
      return reply.header('access-control-allow-origin', '*').send(body);
    });

  get('log.json', KEYS_SECONDS, async () => required(await describeLog(context)));
  get('get-sth', HEAD_SECONDS, async () => required(await latestHead(context)).document);
  get('get-sth-consistency', FIXED_SECONDS, async (query) => ({
    consistency: await proveConsistency(context, count(query, 'first'), count(query, 'second')),
  }));
  get('get-proof-by-hash', FIXED_SECONDS, (query) => proveByHash(context, hash(query), count(query, 'tree_size')));
  get('get-entries', FIXED_SECONDS, async (query, reply) => {
    const [start, end] = [count(query, 'start'), count(query, 'end')];
    const entries = await listLogEntries(context, start, end);
    // A page cut short by the end of the log is longer soon.
    if (entries.length < Math.min(end - start + 1, MAX_ENTRIES)) cachePublicly(reply, HEAD_SECONDS);
    return { entries };
  });
  get('get-entry-and-proof', FIXED_SECONDS, (query) => proveEntry(context, count(query, 'leaf_index'), count(query, 'tree_size')));
  get('get-roots', KEYS_SECONDS, async () => ({
    certificates: (await trustedCertificates(context)).roots.map(({ der }) => Buffer.from(der).toString('base64')),
  }));
}

function required<T>(found: T | undefined): T {
  if (found === undefined) throw new Problem('log-missing');
  return found;
}

function count(query: Query, name: string): number {
  const text = query[name];
  if (typeof text !== 'string' || !/^\d{1,15}$/.test(text)) throw faultyField(`/${name}`, 'A whole number.', '须为非负整数。');
  return Number(text);
}

function hash(query: Query): Uint8Array {
  // A plus sign that was not escaped arrives as a blank.
  const bytes = typeof query['hash'] === 'string' ? Buffer.from(query['hash'].replaceAll(' ', '+'), 'base64') : undefined;
  if (bytes?.length !== 32) throw faultyField('/hash', 'Base64 of 32 octets.', '须为 32 字节哈希的 Base64 编码。');
  return Uint8Array.from(bytes);
}
