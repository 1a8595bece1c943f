import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { allowListedFetch, hostMatches } from '#adapters/allow-listed-fetch.ts';

const request = (url: string) => ({ method: 'GET' as const, url, timeoutMs: 1_000, maxBytes: 1_000 });

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

test.each([
  ['api.example.gov.cn', 'https://api.example.gov.cn/x', true],
  ['api.example.gov.cn', 'https://API.Example.Gov.cn/x', true],
  ['api.example.gov.cn', 'https://api.example.gov.cn.evil.com/', false],
  ['*.xm.gov.cn', 'https://a.b.xm.gov.cn/', true],
  ['*.xm.gov.cn', 'https://xm.gov.cn/', false],
  ['*.xm.gov.cn', 'https://evilxm.gov.cn/', false],
  ['host.cn:8443', 'https://host.cn:8443/', true],
  ['host.cn:8443', 'https://host.cn/', false],
  ['host.cn:443', 'https://host.cn/', true],
  ['*', 'https://anything.cn/', true],
])('%s names %s: %s', (pattern, url, expected) => {
  expect(hostMatches(pattern, new URL(url))).toBe(expected);
});

test.each([
  'https://127.0.0.1/',
  'https://localhost/',
  'https://[::1]/',
  'https://[::ffff:127.0.0.1]/',
  'https://2130706433/',
  'https://0x7f.1/',
  'https://10.1.2.3/',
  'https://172.16.0.1/',
  'https://192.168.1.1/',
  'https://169.254.169.254/latest/meta-data',
  'https://100.64.0.1/',
  'https://0.0.0.0/',
  'https://[fe80::1]/',
  'https://[fd00::1]/',
  'https://224.0.0.1/',
  'http://example.com/',
  'ftp://example.com/',
  'file:///etc/passwd',
  'https://user:pass@example.com/',
  'not an address',
])('even with every host named, %s is refused', async (url) => {
  await expect(allowListedFetch({ hosts: ['*'] }).request(request(url))).rejects.toMatchObject({ code: 'outbound-refused' });
});

test('a host that is not named is refused before anything is sent', async () => {
  await expect(allowListedFetch({ hosts: ['api.example.gov.cn'] }).request(request('https://other.example/'))).rejects.toMatchObject({
    code: 'outbound-refused',
  });
});

test('loopback over plain http is for development alone', async () => {
  const port = await serve((_request, response) => response.end('hello'));
  const url = `http://127.0.0.1:${port}/`;
  await expect(allowListedFetch({ hosts: ['*'] }).request(request(url))).rejects.toMatchObject({ code: 'outbound-refused' });
  const reply = await allowListedFetch({ hosts: [], allowLoopback: true }).request(request(url));
  expect([reply.status, Buffer.from(reply.body).toString()]).toEqual([200, 'hello']);
});

test('redirects are answers, not followed', async () => {
  const port = await serve((_request, response) => response.writeHead(302, { location: 'http://169.254.169.254/' }).end());
  const reply = await allowListedFetch({ hosts: [], allowLoopback: true }).request(request(`http://localhost:${port}/`));
  expect([reply.status, reply.headers.get('location')]).toEqual([302, 'http://169.254.169.254/']);
});

test('an answer that is too long, too slow, or breaks off is an error', async () => {
  const outbound = allowListedFetch({ hosts: [], allowLoopback: true });
  const long = await serve((_request, response) => response.end('x'.repeat(5_000)));
  await expect(outbound.request(request(`http://127.0.0.1:${long}/`))).rejects.toMatchObject({ code: 'outbound-refused' });
  const slow = await serve(() => {});
  await expect(outbound.request({ ...request(`http://127.0.0.1:${slow}/`), timeoutMs: 100 })).rejects.toMatchObject({
    code: 'outbound-failed',
  });
  const broken = await serve((_request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('half');
    setTimeout(() => response.destroy(), 20);
  });
  await expect(outbound.request(request(`http://127.0.0.1:${broken}/`))).rejects.toMatchObject({ code: 'outbound-failed' });
});

test('plain http takes only what carries a signature of its own, and then from no address that https could not', async () => {
  const port = await serve((_request, response) => response.end('list'));
  const fetcher = allowListedFetch({ hosts: ['*'], privateHosts: [`localhost:${port}`] });
  const list = request(`http://localhost:${port}/ca.crl`);
  await expect(fetcher.request(list)).rejects.toMatchObject({ code: 'outbound-refused' });
  expect(Buffer.from((await fetcher.request({ ...list, signed: true })).body).toString()).toBe('list');
  const inside = { ...request('http://10.1.2.3/ca.crl'), signed: true };
  await expect(fetcher.request(inside)).rejects.toMatchObject({ code: 'outbound-refused' });
  await expect(fetcher.request({ ...inside, url: 'ftp://example.com/ca.crl' })).rejects.toMatchObject({ code: 'outbound-refused' });
});
