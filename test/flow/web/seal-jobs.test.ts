/** Bulk sealing as a department's system does it: over the API with a token, and by `tongren seal --batch`. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { exportJWK, exportPKCS8, generateKeyPair } from 'jose';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { trustedCertificates } from '#certificates/find-certificates.ts';
import { ApiClient } from '#commands/api-client.ts';
import { sealFolder } from '#commands/seal.ts';
import { readZip } from '#documents/container/read-zip.ts';
import { verifyDocument } from '#documents/verify-document.ts';
import { registerClient } from '#oidc/register-client.ts';
import { keepJobFile } from '#seals/job-files.ts';
import { runSealJobs } from '#seals/run-seal-jobs.ts';
import { placeOfFile, resultNameOf } from '#seals/seal-job.ts';
import { packFiles, sampleFiles } from '#test/fakes/sample-ofd.ts';
import { samplePdf } from '#test/fakes/sample-pdf.ts';
import { type WebCity, webCity } from './web-city.ts';

const folder = mkdtempSync(join(tmpdir(), 'tongren-seal-'));
const keyFile = join(folder, 'client.pem');
let city: WebCity;
let working: NodeJS.Timeout;

beforeAll(async () => {
  city = await webCity({ listen: true });
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const text = { zh: '批量用印系统', en: 'Bulk sealing' };
  await registerClient(city.context, {
    id: 'bulk-sealing',
    kind: 'system',
    name: text,
    operator: text,
    purpose: text,
    scopes: ['seals:use', 'seals:read'],
    authMethod: 'private_key_jwt',
    jwks: { keys: [{ ...(await exportJWK(publicKey)), use: 'sig', alg: 'ES256' }] },
    organisationId: city.department.id,
    by: 'system:test',
  });
  writeFileSync(keyFile, await exportPKCS8(privateKey));
  working = setInterval(() => void runSealJobs(city.context), 100);
});
afterAll(() => {
  clearInterval(working);
  rmSync(folder, { recursive: true, force: true });
});

const client = (scope = 'seals:use seals:read') =>
  new ApiClient({ origin: city.origin, clientId: 'bulk-sealing', key: readFileSync(keyFile, 'utf8'), scope });

async function fill(name: string): Promise<string> {
  const input = join(folder, name);
  mkdirSync(join(input, '子目录'), { recursive: true });
  for (let n = 0; n < 6; n++) writeFileSync(join(input, `文件${n}.ofd`), packFiles(sampleFiles()));
  writeFileSync(join(input, '子目录', 'one.pdf'), await samplePdf());
  writeFileSync(join(input, 'broken.pdf'), '%PDF-1.7 and no more');
  writeFileSync(join(input, 'no document.ofd'), 'text');
  writeFileSync(join(input, 'ignored.txt'), 'text');
  return input;
}

async function seal(input: string, out: string, change: object = {}) {
  const printed: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((text: string) => void printed.push(text));
  const error = vi.spyOn(console, 'error').mockImplementation((text: string) => void printed.push(text));
  const { items } = await client().get<{ items: { esId: string; status: string }[] }>('/api/seals');
  const number = items.find(({ status }) => status === 'active')?.esId ?? '';
  try {
    const options = { out, url: city.origin, clientId: 'bulk-sealing', clientKey: keyFile, seal: number, json: true, ...change };
    return { exit: await sealFolder(input, options), printed: printed.join('\n') };
  } finally {
    log.mockRestore();
    error.mockRestore();
  }
}

test('a folder is sealed, what cannot be is told file by file, and a second run changes nothing', { timeout: 60_000 }, async () => {
  const input = await fill('in');
  const out = join(folder, 'out');
  const first = await seal(input, out);
  expect(first.exit, first.printed).toBe(1);
  expect(JSON.parse(first.printed)).toMatchObject({
    sealed: 7,
    failed: 2,
    errors: [
      { path: 'broken.pdf', error: 'pdf-not-signable', detail: 'This PDF cannot be signed.', detailZh: '该 PDF 无法签署。' },
      { path: 'no document.ofd', error: 'unsupported-media-type', detailZh: expect.stringMatching(/[\u4e00-\u9fff]/) },
    ],
  });
  const { roots, issuing } = await trustedCertificates(city.context);
  const options = { anchors: roots, officialAnchors: roots, intermediates: issuing, at: city.context.clock.now() };
  for (const path of ['文件3.ofd', '子目录/one.pdf']) {
    expect(verifyDocument(readFileSync(join(out, path)), path, options).report).toMatchObject({ verdict: 'genuine', official: true });
  }
  const before = readFileSync(join(out, '文件3.ofd'));
  rmSync(join(out, '文件5.ofd'));
  const second = await seal(input, out);
  expect(second.exit).toBe(1);
  expect(readFileSync(join(out, '文件3.ofd')).equals(before)).toBe(true);
  expect(readdirSync(out)).toContain('文件5.ofd');
});

test('a sealed file comes whole however late it is read, and whatever was collected meanwhile', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const api = client();
  const { id, files } = await city.context.db.sealJob.findFirstOrThrow({
    where: { status: 'done' },
    include: { files: { where: { status: 'sealed' } } },
  });
  for (const { key, resultDigest } of files) {
    const pieces = await api.pieces(`/api/seal-jobs/${id}/files/${key}`);
    for (let turn = 0; turn < 3; turn++) {
      await new Promise((done) => setTimeout(done, 5));
      collect();
    }
    const hash = createHash('sha256');
    for await (const piece of pieces) hash.update(piece);
    expect(hash.digest('hex')).toBe(resultDigest);
  }
});

test('all sealed files of a job come in one archive', async () => {
  const api = client();
  const { id, files } = await city.context.db.sealJob.findFirstOrThrow({
    where: { status: 'done' },
    include: { files: { where: { status: 'sealed' } } },
  });
  const parts: Uint8Array[] = [];
  for await (const piece of await api.pieces(`/api/seal-jobs/${id}/results.zip`)) parts.push(piece);
  const archive = readZip(Buffer.concat(parts));
  expect(archive.entries.size).toBe(files.length + 2);
  for (const { key, format, resultDigest } of files) {
    expect(
      createHash('sha256')
        .update(archive.read(`${key}.${format}`))
        .digest('hex'),
    ).toBe(resultDigest);
  }
});

test('whoever goes away in the middle of an archive, or does not read on, leaves nothing open and nothing read ahead', async () => {
  const api = client();
  const asked = vi.spyOn(globalThis, 'fetch');
  await api.get('/api/seals');
  const authorization = new Headers(asked.mock.calls.at(-1)?.[1]?.headers).get('authorization') ?? '';
  asked.mockRestore();
  const jobId = await jobOfLargeResults();
  const { open } = city.context.files;
  let [opened, closed] = [0, 0];
  city.context.files.open = async (name) => {
    const file = await open(name);
    if (!file) return undefined;
    opened++;
    const close = () => {
      closed++;
      file.close();
    };
    return { ...file, close };
  };
  try {
    const { host, port } = new URL(city.origin);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(`GET /api/seal-jobs/${jobId}/results.zip HTTP/1.1\r\nhost: ${host}\r\nauthorization: ${authorization}\r\n\r\n`);
    await new Promise((done) => socket.once('readable', done));
    // From here nobody reads: what is sent stops where the connection's buffers are full.
    expect(String(socket.read(12))).toBe('HTTP/1.1 200');
    await vi.waitFor(() => expect(opened - closed).toBe(1), { timeout: 10_000 });
    socket.destroy();
    await vi.waitFor(() => expect(opened - closed).toBe(0), { timeout: 10_000 });
    expect(opened).toBe(1);
  } finally {
    city.context.files.open = open;
    await city.context.db.sealJob.delete({ where: { id: jobId } });
  }
});

/** Three results that are each larger than what a connection buffers. */
async function jobOfLargeResults(): Promise<string> {
  const { db, clock } = city.context;
  const common = {
    organisationId: city.department.id,
    sealId: city.sealId,
    actor: 'client:bulk-sealing',
    place: {},
    createdAt: clock.now(),
  };
  const { id: jobId } = await db.sealJob.create({
    data: { ...common, requestId: 'large-results', status: 'done', finishedAt: clock.now() },
  });
  const content = Buffer.alloc(24 * 1024 * 1024, '%PDF-1.7');
  for (const key of ['one', 'two', 'three']) {
    const [id, claim] = [randomUUID(), randomUUID()];
    const fill = async (take: (part: Uint8Array) => void) => take(content);
    const { digest, bytes } = await keepJobFile(city.context, resultNameOf({ jobId, id }, claim), placeOfFile(id, 'result'), fill);
    const sealed = { status: 'sealed', claim, resultDigest: digest, resultBytes: bytes, finishedAt: clock.now() };
    await db.sealJobFile.create({ data: { id, jobId, key, format: 'pdf', sourceBytes: bytes, sourceDigest: digest, ...sealed } });
  }
  return jobId;
}

test('names of files do not reach the service', async () => {
  const input = join(folder, 'private');
  mkdirSync(input);
  writeFileSync(join(input, '张小三的证明.ofd'), packFiles(sampleFiles()));
  expect((await seal(input, join(folder, 'private-out'))).exit).toBe(0);
  const rows = await city.context.db.sealJobFile.findMany();
  expect(rows.map(({ key }) => key).filter((key) => !/^[0-9a-f]{40}$/.test(key))).toEqual([]);
});

test.each([
  ['a seal that is not ours', { seal: '99999999999999' }, 2, /Yours are/],
  ['a service that is not there', { url: 'http://127.0.0.1:9' }, 2, /does not answer/],
  ['a page that is no page', { page: 'middle' }, 3, /--page/],
  ['a place that is no place', { at: 'here' }, 3, /--at/],
])('%s is refused in a sentence', async (_what, change, exit, words) => {
  const input = join(folder, 'refused');
  mkdirSync(input, { recursive: true });
  writeFileSync(join(input, 'one.ofd'), packFiles(sampleFiles()));
  const told = await seal(input, join(folder, `refused-${exit}-${JSON.stringify(change).length}`), change);
  expect(told.exit).toBe(exit);
  expect(told.printed).toMatch(words);
});

test('the scope decides: one who may only look cannot seal', async () => {
  await expect(
    client('seals:read').post('/api/seal-jobs', { sealId: crypto.randomUUID(), requestId: 'not-allowed-1' }),
  ).rejects.toMatchObject({
    status: 403,
    code: 'not-allowed',
  });
});

test('an upload that breaks off leaves nothing, and can be sent again', async () => {
  const api = client();
  const asked = vi.spyOn(globalThis, 'fetch');
  const { items } = await api.get<{ items: { id: string; status: string }[] }>('/api/seals');
  const authorization = new Headers(asked.mock.calls.at(-1)?.[1]?.headers).get('authorization') ?? '';
  asked.mockRestore();
  const sealId = items.find(({ status }) => status === 'active')?.id;
  const job = await api.post<{ id: string }>('/api/seal-jobs', { sealId, requestId: 'breaks-off-1' });
  const path = `/api/seal-jobs/${job.id}/files/half`;
  const happened: string[] = [];
  const { create } = city.context.files;
  city.context.files.create = async (name) => {
    const file = await create(name);
    happened.push('begun');
    return { ...file, abandon: async () => void happened.push('abandoned', String(await file.abandon())) };
  };
  try {
    const headers = { authorization, 'content-type': 'application/pdf', 'content-length': 1_000_000 };
    const sending = request(`${city.origin}${path}`, { method: 'PUT', headers });
    sending.on('error', () => undefined);
    sending.write('%PDF-1.7\n');
    await vi.waitFor(() => expect(happened).toContain('begun'), { timeout: 10_000 });
    sending.destroy();
    await vi.waitFor(() => expect(happened).toContain('abandoned'), { timeout: 10_000 });
  } finally {
    city.context.files.create = create;
  }
  expect(await city.context.db.sealJobFile.count({ where: { jobId: job.id } })).toBe(0);
  await api.put(path, Uint8Array.from(await samplePdf()));
  expect(await city.context.db.sealJobFile.count({ where: { jobId: job.id } })).toBe(1);
});

test('a body beyond the limit is refused before it is kept', async () => {
  const api = client();
  const { items } = await api.get<{ items: { id: string; status: string }[] }>('/api/seals');
  const sealId = items.find(({ status }) => status === 'active')?.id;
  const job = await api.post<{ id: string }>('/api/seal-jobs', { sealId, requestId: 'too-large-1' });
  const huge = new Uint8Array(101 * 1024 * 1024);
  huge.set(Buffer.from('%PDF-1.7\n'));
  await expect(api.put(`/api/seal-jobs/${job.id}/files/huge`, huge)).rejects.toMatchObject({
    status: 413,
    code: 'too-large',
    detail: expect.stringContaining('PDF files of up to 100 MiB'),
    detailZh: expect.stringContaining('100 MiB'),
  });
  expect(await city.context.db.sealJobFile.count({ where: { jobId: job.id } })).toBe(0);
});
