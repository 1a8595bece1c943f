import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signPdf } from '#documents/pdf/sign-pdf.ts';
import { toPem } from '#pki/pem.ts';
import { readTimestampQuery } from '#pki/timestamp-query.ts';
import { encodeTimestampRefusal, encodeTimestampReply } from '#pki/timestamp-token.ts';
import { DocumentAuthority } from '#test/fakes/document-authority.ts';
import { handMadePdf } from '#test/fakes/sample-pdf.ts';
import { timestampAuthority } from '#test/fakes/timestamp-authority.ts';

const folder = mkdtempSync(join(tmpdir(), 'tongren-extend-'));
const at = (name: string) => join(folder, name);
const authority = new DocumentAuthority({ suite: 'es256' });
const tsa = authority.issue('timestamp');
const asked: string[] = [];
let server: Server;
let origin = '';

/** A timestamp authority, a list, and an authority that refuses. */
function answer(path: string, body: Buffer): Promise<Uint8Array> | Uint8Array {
  asked.push(path);
  if (path === '/crl') return authority.crl([], new Date(Date.now() - 60_000), new Date(Date.now() + 86_400_000)).der;
  const query = readTimestampQuery(body);
  if ('failure' in query || path === '/closed') return encodeTimestampRefusal({ failure: 'system-failure', because: 'closed today' });
  return timestampAuthority(tsa, () => new Date(), [], query.nonceDer)(query.imprint, query.digest).then(encodeTimestampReply);
}

beforeAll(async () => {
  server = createServer((request, reply) => {
    const parts: Buffer[] = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', async () => reply.end(await answer(request.url ?? '', Buffer.concat(parts))));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  writeFileSync(at('root.pem'), toPem('CERTIFICATE', authority.root.certificate.der));
  const signer = authority.issue('document-signer', { crlUrl: `${origin}/crl` });
  const stranger = new DocumentAuthority({ suite: 'es256', name: '别处' }).issue('document-signer', { crlUrl: `${origin}/crl` });
  for (const [name, { certificate, sign }] of [
    ['signed.pdf', signer],
    ['stranger.pdf', stranger],
  ] as const) {
    const input = { certificates: [certificate.der], suite: 'es256' as const, signedAt: new Date(), fieldName: 'Seal', sign };
    writeFileSync(at(name), await signPdf(handMadePdf(), input));
  }
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

function run(...words: string[]): Promise<{ code: number | null; out: string }> {
  const child = spawn(process.execPath, ['src/tongren.js', 'pdf', ...words], {
    env: { PATH: process.env['PATH'] ?? '', TONGREN_DATA_DIR: at('nothing'), TONGREN_DEMO: 'false' },
  });
  let out = '';
  child.stdout.on('data', (part) => {
    out += part;
  });
  child.stderr.on('data', (part) => {
    out += part;
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out })));
}

describe('tongren pdf extend', () => {
  test('makes B-LTA with a foreign authority, fetching the list the certificate names', async () => {
    const { code, out } = await run(
      'extend',
      at('signed.pdf'),
      '--out',
      at('lta.pdf'),
      '--tsa',
      `${origin}/tsa`,
      '--trust',
      at('root.pem'),
      '--json',
    );
    expect(out).toContain('"verdict": "genuine"');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      added: ['validation-data', 'timestamp'],
      signatures: [{ formBefore: 'pades-b', form: 'pades-lta', indication: 'TOTAL-PASSED' }, { kind: 'timestamp' }],
    });
    expect(asked).toContain('/crl');
    const original = readFileSync(at('signed.pdf'));
    expect(Buffer.compare(readFileSync(at('lta.pdf')).subarray(0, original.length), original)).toBe(0);
    const info = await run('info', at('lta.pdf'), '--json');
    expect(JSON.parse(info.out)).toMatchObject({
      revisions: [{}, {}, {}, {}],
      pages: { count: 1 },
      signatures: [{ field: 'Seal' }, { subFilter: 'ETSI.RFC3161', coverage: 'whole-file' }],
      validationData: { crls: 1 },
    });
  });

  test('a chain that reaches no anchor is refused, and its addresses are left alone', async () => {
    asked.length = 0;
    const { code, out } = await run(
      'extend',
      at('stranger.pdf'),
      '--out',
      at('no.pdf'),
      '--tsa',
      `${origin}/tsa`,
      '--trust',
      at('root.pem'),
    );
    expect(code).toBe(1);
    expect(out).toContain('untrusted-signer');
    expect(asked).toEqual([]);
    expect(() => readFileSync(at('no.pdf'))).toThrow();
  });

  test('says what an authority says that refuses', async () => {
    const words = ['extend', at('signed.pdf'), '--out', at('no.pdf'), '--tsa', `${origin}/closed`, '--trust', at('root.pem'), '--json'];
    const { code, out } = await run(...words);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ error: 'timestamp-not-usable', detail: expect.stringContaining('closed today') });
  });

  test.each([
    ['a file that is not there', ['extend', 'nowhere.pdf', '--out', 'x.pdf', '--trust', at('root.pem')], 2],
    ['no output named', ['extend', at('signed.pdf')], 3],
    ['another level', ['extend', at('signed.pdf'), '--out', 'x.pdf', '--level', 'x'], 3],
    ['trust that is no certificate', ['extend', at('signed.pdf'), '--out', 'x.pdf', '--trust', at('signed.pdf')], 3],
    ['info of something else', ['info', at('root.pem')], 2],
  ] as const)('%s: the exit code tells', async (_name, words, code) => {
    expect((await run(...words)).code).toBe(code);
  });
});
