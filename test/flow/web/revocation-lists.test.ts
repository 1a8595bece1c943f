/** `/crl/…` as caches and verifiers use it: what changed is sent, what did not is not, and a HEAD reads no list. */
import { afterEach, expect, test, vi } from 'vitest';
import { findCrl, readCrlPieces } from '#certificates/find-crl.ts';
import { publishCrl, publishDelta } from '#certificates/publish-crls.ts';
import { parseCrl } from '#pki/crl.ts';
import { webCity } from './web-city.ts';

const city = await webCity();
const { server, context } = city;
const { clock } = city.deps;
const KEY = 'ca-devices-p256';
const ask = (method: 'GET' | 'HEAD', headers: Record<string, string> = {}, file = KEY) =>
  server.inject({ method, url: `/crl/${file}.crl`, headers });
const tagOf = async (file = KEY) => String((await ask('HEAD', {}, file)).headers.etag);

/** Whether the bytes of a list are read while this runs. */
async function readsList(work: () => Promise<unknown>): Promise<boolean> {
  const asked = vi.spyOn(context.db, '$queryRaw');
  await work();
  return asked.mock.calls.some(([sql]) => String(sql).includes('AS piece'));
}
afterEach(() => vi.restoreAllMocks());

test('a list comes whole, with its length, its age, its end and a tag of its own bytes', async () => {
  const reply = await ask('GET');
  expect(reply.statusCode).toBe(200);
  const stored = await findCrl(context, KEY);
  expect(reply.rawPayload.equals(Buffer.from(stored?.der ?? []))).toBe(true);
  expect(reply.headers).toMatchObject({
    'content-type': 'application/pkix-crl',
    'content-length': String(stored?.der.length),
    'cache-control': 'public, max-age=60',
    expires: new Date(clock.now().getTime() + 60_000).toUTCString(),
  });
  expect(reply.headers.etag).toMatch(/^"[0-9a-f]{64}"$/);
  expect(parseCrl(reply.rawPayload).thisUpdate).toEqual(stored?.thisUpdate);
});

test('a HEAD tells the same and reads no list; a GET does read it', async () => {
  const full = await ask('GET');
  let head: typeof full | undefined;
  expect(await readsList(async () => (head = await ask('HEAD')))).toBe(false);
  expect(head?.statusCode).toBe(200);
  expect(head?.rawPayload.length).toBe(0);
  for (const name of ['etag', 'content-length', 'content-type', 'cache-control', 'last-modified', 'expires']) {
    expect(head?.headers[name], name).toBe(full.headers[name]);
  }
  vi.restoreAllMocks();
  expect(await readsList(() => ask('GET'))).toBe(true);
});

test.each([
  ['the tag', (tag: string) => tag],
  ['a list of tags', (tag: string) => `"other", ${tag}`],
  ['the tag as a proxy weakened it', (tag: string) => `W/${tag}`],
  ['a star', () => '*'],
])('who has the list already, by %s, is told so without it', async (_how, write) => {
  const tag = await tagOf();
  let reply: Awaited<ReturnType<typeof ask>> | undefined;
  expect(await readsList(async () => (reply = await ask('GET', { 'if-none-match': write(tag) })))).toBe(false);
  expect([reply?.statusCode, reply?.rawPayload.length, reply?.headers.etag]).toEqual([304, 0, tag]);
  expect(reply?.headers['cache-control']).toBe('public, max-age=60');
  expect((await ask('GET', { 'if-none-match': '"other"' })).statusCode).toBe(200);
});

test('a new list has a new tag, also where nothing but its number changed', async () => {
  const before = await tagOf();
  clock.advance(5_000);
  await publishCrl(context, KEY);
  expect(await tagOf()).not.toBe(before);
  expect((await ask('GET', { 'if-none-match': before })).statusCode).toBe(200);
});

test('by time: unchanged since the list was made; but not where two lists were made in one second', async () => {
  clock.advance(5_000);
  await publishCrl(context, KEY);
  const first = await ask('HEAD');
  const since = String(first.headers['last-modified']);
  expect((await ask('GET', { 'if-modified-since': since })).statusCode).toBe(304);
  expect((await ask('GET', { 'if-modified-since': new Date(Date.parse(since) - 1_000).toUTCString() })).statusCode).toBe(200);
  expect((await ask('GET', { 'if-modified-since': 'yesterday' })).statusCode).toBe(200);
  await publishCrl(context, KEY);
  const second = await ask('GET', { 'if-modified-since': since });
  expect(second.statusCode).toBe(200);
  expect(second.headers['last-modified']).toBeUndefined();
  expect(second.headers.etag).not.toBe(first.headers.etag);
});

test('the delta has tags of its own, and the complete list keeps its tag when only a delta is made', async () => {
  const [complete, delta] = [await tagOf(), await tagOf(`${KEY}-delta`)];
  expect(complete).not.toBe(delta);
  clock.advance(5_000);
  await publishDelta(context, KEY);
  expect(await tagOf()).toBe(complete);
  expect(await tagOf(`${KEY}-delta`)).not.toBe(delta);
});

test('nobody keeps a list past its end', async () => {
  await publishCrl(context, 'ca-services-p256');
  const list = await findCrl(context, 'ca-services-p256');
  const now = clock.now();
  clock.set(new Date((list?.nextUpdate.getTime() ?? 0) - 20_500));
  expect((await ask('HEAD', {}, 'ca-services-p256')).headers['cache-control']).toBe('public, max-age=20');
  clock.set(new Date((list?.nextUpdate.getTime() ?? 0) + 1_000));
  const late = await ask('HEAD', {}, 'ca-services-p256');
  expect(late.headers['cache-control']).toBe('public, max-age=0');
  expect(late.headers.expires).toBe(clock.now().toUTCString());
  clock.set(now);
});

test('a list that was stored in one row, before there were pieces and tags, is served all the same', async () => {
  clock.advance(5_000);
  await publishCrl(context, KEY);
  const list = await findCrl(context, KEY);
  const where = { issuerKey: KEY, number: list?.number ?? 0n, scope: 'complete' };
  const etag = await tagOf();
  await context.db.revocationListPiece.deleteMany({ where });
  await context.db.revocationList.updateMany({ where, data: { der: Uint8Array.from(list?.der ?? []), size: null, digest: null } });
  const reply = await ask('GET');
  expect(reply.headers).toMatchObject({ etag, 'content-length': String(list?.der.length) });
  expect(reply.rawPayload.equals(Buffer.from(list?.der ?? []))).toBe(true);
  expect((await ask('GET', { 'if-none-match': etag })).statusCode).toBe(304);
});

test('a list that vanishes while it is read does not pass for a whole one', async () => {
  const list = await findCrl(context, KEY);
  const pieces = readCrlPieces(context, { issuerKey: KEY, number: list?.number ?? 0n, size: (list?.der.length ?? 0) + 1 }, 'complete');
  await expect(
    (async () => {
      for await (const _ of pieces);
    })(),
  ).rejects.toThrow(/ends at/);
});

test('no list, no tag: an unknown authority is not found and not kept', async () => {
  const reply = await ask('HEAD', { 'if-none-match': '*' }, 'ca-devices-p256-99');
  expect(reply.statusCode).toBe(404);
  expect(reply.headers.etag).toBeUndefined();
  expect(reply.headers['cache-control']).toBe('no-store');
});

test('the pages of operators show the lists without reading them', async () => {
  const operator = await city.as(city.operator);
  for (const path of ['/admin', '/admin/services']) {
    vi.restoreAllMocks();
    let page = '';
    expect(await readsList(async () => (page = (await operator.get(path)).body)), path).toBe(false);
    expect(page).toMatch(/吊销列表[\s\S]*<td data-label=/);
  }
});
