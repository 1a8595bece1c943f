/**
 * The one way out. The host must be named, the address it resolves to must be public or lie in a named network, and the
 * connection goes to exactly the address that was judged, so that a second DNS answer cannot lead elsewhere. No redirects.
 */
import { lookup as lookupAddresses } from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import type { Outbound, OutboundReply, OutboundRequest } from '#ports/outbound.ts';
import { Problem } from '#problem.ts';

export interface OutboundPolicy {
  /** `api.example.gov.cn`, `*.xm.gov.cn`, `host:port`, or `*` for any host with a public address. */
  hosts: readonly string[];
  /** Hosts whose address may be private; they need not be named in `hosts` again. */
  privateHosts?: readonly string[];
  /** Private networks in which any named host may lie, as CIDR: `10.12.0.0/16`. */
  networks?: readonly string[];
  /** Development and demo only: 127.0.0.0/8 and ::1, and plain http there. */
  allowLoopback?: boolean;
}

/** Special-use addresses (RFC 6890 and the IANA registries): nothing public answers there. */
const SPECIAL_USE = [
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.31.196.0/24',
  '192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4',
  '::/128 ::1/128 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8',
].flatMap((line) => line.split(' '));

const LOOPBACK = ['127.0.0.0/8', '::1/128'];

function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', length = ''] = network.split('/');
    const family = isIP(address);
    if (!family || !/^\d{1,3}$/.test(length)) throw new Error(`Not a network: ${network}`);
    list.addSubnet(address, Number(length), family === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}

/** Whether the pattern names this host (and port, where it states one). */
export function hostMatches(pattern: string, url: URL): boolean {
  const hostname = url.hostname.toLowerCase();
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const [, wantedHost = '', wantedPort] = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(pattern.toLowerCase()) ?? [];
  if (wantedPort && wantedPort !== port) return false;
  if (wantedHost === '*') return true;
  return wantedHost.startsWith('*.')
    ? hostname.endsWith(wantedHost.slice(1)) && hostname.length > wantedHost.length - 1
    : hostname === wantedHost;
}

export function allowListedFetch(policy: OutboundPolicy): Outbound {
  const special = blockListOf(SPECIAL_USE);
  const allowedNetworks = blockListOf(policy.networks ?? []);
  const loopback = blockListOf(LOOPBACK);

  const isLoopback = (address: string) => loopback.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  const addressAllowed = (given: string) => {
    // ::ffff:127.0.0.1 is 127.0.0.1 in other clothes.
    const address = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(given)?.[1] ?? given;
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (allowedNetworks.check(address, family)) return true;
    if (isLoopback(address)) return policy.allowLoopback === true;
    return !special.check(address, family) && !/^::ffff:/i.test(address);
  };
  const lookupFor =
    (isPrivateHost: boolean): LookupFunction =>
    (hostname, options, callback) => {
      lookupAddresses(hostname, { ...options, all: true }, (error, addresses) => {
        if (error) return callback(error, '');
        const allowed = addresses.filter(({ address }) => isPrivateHost || addressAllowed(address));
        const [first] = allowed;
        if (!first) return callback(refusal('the host has no address that may be reached') as NodeJS.ErrnoException, '');
        if (options.all) callback(null, allowed);
        else callback(null, first.address, first.family);
      });
    };

  return {
    async request(request) {
      const url = parseAddress(request.url);
      const bare = url.hostname.replace(/^\[|\]$/g, '');
      const onLoopback = bare === 'localhost' || (isIP(bare) !== 0 && isLoopback(bare));
      const plainWillDo = request.signed === true || request.plain === true || (policy.allowLoopback === true && onLoopback);
      if (url.protocol !== 'https:' && !(url.protocol === 'http:' && plainWillDo)) throw refusal('only https');
      const isPrivateHost = policy.privateHosts?.some((pattern) => pattern !== '*' && hostMatches(pattern, url)) === true;
      const isNamed = isPrivateHost || policy.hosts.some((pattern) => hostMatches(pattern, url));
      if (!isNamed && !(policy.allowLoopback && onLoopback)) throw refusal('the host is not on the list');
      if (isIP(bare) && !isPrivateHost && !addressAllowed(bare)) throw refusal('the address is not public');
      return exchange(url, request, lookupFor(isPrivateHost));
    },
  };
}

function parseAddress(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || url.username || url.password) throw refusal('not an address');
  return url;
}

function refusal(why: string): Problem {
  return new Problem('outbound-refused', { cause: new Error(why) });
}

function exchange(url: URL, request: OutboundRequest, lookup: LookupFunction): Promise<OutboundReply> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => reject(error instanceof Problem ? error : new Problem('outbound-failed', { cause: error }));
    const send = url.protocol === 'https:' ? https.request : http.request;
    const outgoing = send(
      url,
      {
        method: request.method,
        headers: { 'user-agent': 'tongren', ...request.headers },
        lookup,
        agent: false,
        signal: AbortSignal.timeout(request.timeoutMs),
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        let size = 0;
        incoming.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > request.maxBytes) {
            fail(refusal('the answer is larger than allowed'));
            outgoing.destroy();
            return;
          }
          chunks.push(chunk);
        });
        incoming.on('error', fail);
        incoming.on('end', () => {
          const headers = new Headers();
          for (const [name, value] of Object.entries(incoming.headers)) {
            for (const one of Array.isArray(value) ? value : [value ?? '']) headers.append(name, one);
          }
          resolve({ status: incoming.statusCode ?? 0, headers, body: Buffer.concat(chunks) });
        });
      },
    );
    outgoing.on('error', fail);
    outgoing.end(request.body);
  });
}
