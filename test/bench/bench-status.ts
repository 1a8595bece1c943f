/** Status and time: a kept OCSP answer over HTTP against the same bytes from plain Fastify; a token against the signature it contains. */
import { Agent, request } from 'node:http';
import Fastify from 'fastify';
import { findAuthority } from '#certificates/find-authority.ts';
import { requestTimestamp } from '#certificates/issue-timestamp.ts';
import { digest, digestOfSuite, generateKeyPair, importPrivateKey, signMessage } from '#crypto/suite.ts';
import { encodeCertId, issuerHashes } from '#pki/ocsp-cert-id.ts';
import { encodeOcspRequest } from '#pki/ocsp-request.ts';
import type { BenchApp } from './bench-app.ts';
import { compare, type Row } from './measure.ts';

/** Requests under way at a time: the server's work counts, not one connection's waiting. */
const AT_ONCE = 16;

export async function benchStatus({ app, origin }: BenchApp): Promise<Row[]> {
  const { context } = app;
  const issuing = await findAuthority(context, 'ca-services-p256');
  const row = await context.db.issuedCertificate.findFirstOrThrow({ where: { issuerKey: 'ca-services-p256', der: { not: null } } });
  if (!issuing) throw new Error('no authority');
  const certId = encodeCertId(issuerHashes(issuing, 'sha1'), 'sha1', Buffer.from(row.serialHex, 'hex'));
  const body = Buffer.from(encodeOcspRequest([certId]));
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const ask = (base: string) => () => Promise.all(Array.from({ length: AT_ONCE }, () => post(agent, `${base}/ocsp`, body)));
  const reply = await post(agent, `${origin}/ocsp`, body);
  const plain = await plainServer(reply);
  try {
    const rows = [
      perRequest(
        await compare('OCSP answer, kept, over HTTP', ask(origin), { name: 'plain Fastify, same bytes', work: ask(plain.origin) }),
      ),
    ];
    for (const suite of ['es256', 'sm2-sm3'] as const) {
      const key = importPrivateKey(generateKeyPair(suite).pkcs8);
      const name = digestOfSuite(suite);
      const imprint = digest(name, Buffer.from('what existed'));
      const message = Buffer.alloc(150, 0x5a);
      rows.push(
        await compare(`time-stamp token, ${suite}`, () => requestTimestamp(context, { imprint, digest: name, suite }), {
          name: 'one signature of the suite',
          work: () => signMessage(key, message),
        }),
      );
    }
    return rows;
  } finally {
    agent.destroy();
    await plain.close();
  }
}

function perRequest(row: Row): Row {
  return { ...row, value: row.value * AT_ONCE, baselineValue: row.baselineValue * AT_ONCE };
}

async function plainServer(reply: Buffer): Promise<{ origin: string; close(): Promise<void> }> {
  const server = Fastify({ logger: false });
  server.addContentTypeParser('application/ocsp-request', { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) => body);
  server.post('/ocsp', async (_request, answer) => answer.type('application/ocsp-response').send(reply));
  return { origin: await server.listen({ port: 0, host: '127.0.0.1' }), close: () => server.close() };
}

function post(agent: Agent, url: string, body: Buffer): Promise<Buffer> {
  return new Promise((done, fail) => {
    const headers = { 'content-type': 'application/ocsp-request', 'content-length': body.length };
    const outgoing = request(url, { method: 'POST', agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => done(Buffer.concat(chunks)));
    });
    outgoing.on('error', fail);
    outgoing.end(body);
  });
}
