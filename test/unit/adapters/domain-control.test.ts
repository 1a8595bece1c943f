import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { allowListedFetch } from '#adapters/allow-listed-fetch.ts';
import { httpDomainControl } from '#adapters/http-domain-control.ts';
import { simulatedDomainControl } from '#adapters/simulated-domain-control.ts';
import { parseDnsNames } from '#certificates/domain-names.ts';
import { readConfig } from '#config.ts';
import type { Outbound } from '#ports/outbound.ts';

const probe = { name: 'www.example.gov.cn', token: 'T'.repeat(32), expected: 'the text' };

/** A server for a name, on whatever port: what the adapter asks for is sent there. */
async function answering(listener: RequestListener): Promise<Outbound & { asked: string[] }> {
  const server = createServer(listener);
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const outbound = allowListedFetch({ hosts: ['*'], allowLoopback: true });
  const asked: string[] = [];
  return {
    asked,
    request(request) {
      asked.push(request.url);
      const { pathname } = new URL(request.url);
      return outbound.request({ ...request, url: `http://127.0.0.1:${port}${pathname}` });
    },
  };
}
const text =
  (body: string, status = 200, headers: Record<string, string> = {}): RequestListener =>
  (_request, response) =>
    void response.writeHead(status, headers).end(body);

test.each<[string, RequestListener, string | undefined]>([
  ['the text', text('the text'), undefined],
  ['the text with a line end', text('the text\n'), undefined],
  ['another text', text('the text of somebody else'), 'other-content'],
  ['nothing', text('', 404), 'not-found'],
  ['an error page with the text', text('the text', 500), 'not-found'],
  ['a redirection', text('the text', 302, { location: 'http://127.0.0.1/other' }), 'not-found'],
  ['more than a kilobyte', text(`the text${' '.repeat(2_000)}`), 'unreachable'],
  ['a broken connection', (request) => void request.socket.destroy(), 'unreachable'],
])('a name under which stands %s', async (_what, listener, fault) => {
  const outbound = await answering(listener);
  expect(await httpDomainControl(outbound).check(probe)).toBe(fault);
  expect(outbound.asked).toEqual([`http://www.example.gov.cn/.well-known/tongren-domain/${probe.token}`]);
});

test('a name that leads to an address of our own network is asked nothing, unless it is named', async () => {
  let reached = 0;
  const server = createServer((_request, response) => {
    reached++;
    response.end('the text');
  });
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  onTestFinished(() => void server.close());
  const domains = httpDomainControl(allowListedFetch({ hosts: ['*'] }));
  for (const name of ['localhost', '127.0.0.1', '10.0.0.1', '169.254.169.254'])
    expect(await domains.check({ ...probe, name })).toBe('unreachable');
  expect(reached).toBe(0);
});

test('the simulator believes names, and production does not take it', async () => {
  expect(await simulatedDomainControl().check(probe)).toBeUndefined();
  expect(await simulatedDomainControl().check({ ...probe, name: 'unproven.example.gov.cn' })).toBe('not-found');
  expect(readConfig({ TONGREN_DOMAIN_CONTROL: 'simulated' }).domainControl).toBe('simulated');
  expect(() => readConfig({ NODE_ENV: 'production', TONGREN_DOMAIN_CONTROL: 'simulated' })).toThrow(/TONGREN_DOMAIN_CONTROL/);
});

test('host names are taken in lower case, each once', () => {
  expect(parseDnsNames([' WWW.Example.gov.cn ', 'www.example.gov.cn', 'xn--fiqs8s.example.cn', ''])).toEqual([
    'www.example.gov.cn',
    'xn--fiqs8s.example.cn',
  ]);
});

test.each([
  ['none', []],
  ['too many', Array.from({ length: 11 }, (_, n) => `a${n}.example.cn`)],
  ['a wildcard', ['*.example.cn']],
  ['an address', ['192.0.2.1']],
  ['an address of the other kind', ['::1']],
  ['a name without a dot', ['localhost']],
  ['a name with a port', ['example.cn:8080']],
  ['a name with a path', ['example.cn/x']],
  ['a name with who asks', ['user@example.cn']],
  ['a name in Chinese letters', ['示范.cn']],
  ['a final dot', ['example.cn.']],
  ['an underscore', ['_acme.example.cn']],
  ['a long first name', [`${'a'.repeat(60)}.example.cn`]],
  ['a line end', ['example.cn\r\nHost: x.cn']],
])('%s is refused', (_what, names) => {
  expect(() => parseDnsNames(names)).toThrow(expect.objectContaining({ code: 'invalid-input' }));
});
