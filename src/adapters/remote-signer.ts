/** The key store of another process, reached over its Unix socket (`serveSigner`) or by mutual TLS (`serveSignerTls`). */
import { Agent, type ClientRequest, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import { z } from 'zod';
import { SUITES, type Suite } from '#crypto/suite.ts';
import type { KeyPurpose, KeyStore, StoredKey } from '#ports/key-store.ts';
import { CATALOGUE, Problem, type ProblemCode } from '#problem.ts';

/** A head of the log with the links of some hundred keys still fits. */
const MAX_ANSWER_BYTES = 1024 * 1024;
const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_CONNECTIONS = 16;

const keyShape = z.object({
  key: z
    .object({
      name: z.string(),
      suite: z.enum(SUITES),
      purposes: z.array(z.string()),
      spki: z.base64(),
      retired: z.literal(true).optional(),
    })
    .nullable(),
});
const problemShape = z.object({ code: z.string(), detail: z.string().optional(), detailZh: z.string().optional() });
const headShape = z.object({ head: z.string(), spki: z.base64(), first: z.base64(), links: z.array(z.string()).max(1_000) });
const changeShape = z.object({
  ...{ before: z.string(), after: z.string(), fingerprint: z.string(), formerFingerprint: z.string() },
  ...{ line: z.int(), at: z.string(), endorsed: z.boolean(), already: z.boolean() },
});

/** Where the signer is and how we show who we are: a token over the socket, a certificate over the network. */
export type SignerPlace =
  | { socketPath: string; token: string }
  /** PEM texts are asked for at each call, so that certificates can be renewed without a restart. */
  | { url: string; material: () => { certificate: string; key: string; authority: string } };

export type RemoteSignerOptions = SignerPlace & {
  timeoutMs?: number;
  /** What the signer's own store offers. */
  suites?: readonly Suite[];
};

/** The newest signed head, the key that signed it, the first key there was, and the links from that to this. */
export interface SignerLogHead {
  head: string;
  spki: Uint8Array;
  first: Uint8Array;
  links: string[];
}

export interface RemoteSigner extends KeyStore {
  /** The newest signed head of the signer's log, to be kept where the signer cannot reach it. */
  logHead(): Promise<SignerLogHead>;
  /** The next key of that log takes over. Throws Problem `signing-refused` where the signer's policy does not let this caller. */
  rotateLogKey(change: { compromised: boolean }): Promise<z.infer<typeof changeShape>>;
}

/** Throws Problem `signer-unavailable` when nobody answers there; every refusal comes as the Problem the signer threw. */
export function remoteSigner(options: RemoteSignerOptions): RemoteSigner {
  const limits = { keepAlive: true, maxSockets: MAX_CONNECTIONS };
  const agent = 'url' in options ? new TlsAgent(limits) : new Agent(limits);
  const known = new Map<string, StoredKey>();

  const remember = (body: Buffer): StoredKey | undefined => {
    const { key } = keyShape.parse(JSON.parse(body.toString('utf8')));
    if (!key) return undefined;
    const { name, suite, purposes, spki, retired } = key;
    const stored = {
      name,
      suite,
      purposes: purposes as KeyPurpose[],
      spki: Uint8Array.from(Buffer.from(spki, 'base64')),
      ...(retired && { retired }),
    };
    known.set(key.name, stored);
    return stored;
  };

  return {
    suites: options.suites ?? SUITES,
    async create(name, suite, purposes) {
      const body = await call(options, agent, 'POST', '/key', Buffer.from(JSON.stringify({ name, suite, purposes })));
      const stored = remember(body);
      if (!stored) throw new Problem('signer-unavailable');
      return stored;
    },
    async find(name) {
      // But for its retirement, which the signer tells who still wants to sign with it, a key never changes.
      return known.get(name) ?? remember(await call(options, agent, 'GET', `/key?${new URLSearchParams({ name })}`));
    },
    async sign(name, purpose, structure, evidence) {
      const query = new URLSearchParams({ key: name, purpose });
      // A few hundred octets at most: it goes beside the structure, which stays exactly what is signed.
      if (evidence) query.set('evidence', Buffer.from(evidence).toString('base64url'));
      return Uint8Array.from(await call(options, agent, 'POST', `/sign?${query}`, structure));
    },
    async retire(name, successor) {
      await call(
        options,
        agent,
        'POST',
        '/key/retire',
        Buffer.from(JSON.stringify(successor === undefined ? { name } : { name, successor })),
      );
      known.delete(name);
    },
    async logHead() {
      return logHeadOf(headShape.parse(JSON.parse((await call(options, agent, 'GET', '/log-head')).toString('utf8'))));
    },
    async rotateLogKey(change) {
      const answer = await call(options, agent, 'POST', '/log-key/rotate', Buffer.from(JSON.stringify(change)));
      return changeShape.parse(JSON.parse(answer.toString('utf8')));
    },
  };
}

/** From base64, as it travels. */
export function logHeadOf({ head, spki, first, links }: z.infer<typeof headShape>): SignerLogHead {
  const bytes = (text: string) => Uint8Array.from(Buffer.from(text, 'base64'));
  return { head, spki: bytes(spki), first: bytes(first), links };
}

interface Call {
  method: 'GET' | 'POST';
  path: string;
  body?: Uint8Array;
}

/** A kept connection may have been closed by a signer that restarted: then once more, on a new one. Nothing was done on the old. */
async function call(options: RemoteSignerOptions, agent: Agent, method: 'GET' | 'POST', path: string, body?: Uint8Array): Promise<Buffer> {
  const wanted: Call = { method, path, ...(body ? { body } : {}) };
  try {
    return await callOnce(options, agent, wanted);
  } catch (error) {
    if (!(error instanceof StaleConnection)) throw error;
    return callOnce(options, undefined, wanted);
  }
}

class StaleConnection extends Error {}

function callOnce(options: RemoteSignerOptions, agent: Agent | undefined, { method, path, body }: Call): Promise<Buffer> {
  return new Promise((done, fail) => {
    const unavailable = (cause: unknown) => fail(new Problem('signer-unavailable', { cause }));
    const outgoing = open(options, {
      agent: agent ?? false,
      method,
      path,
      timeout: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      headers: body ? { 'content-length': body.length } : {},
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('the signer took too long')));
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      const stale = agent && outgoing.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      if (stale) fail(new StaleConnection());
      else unavailable(error);
    });
    outgoing.on('response', (response) => {
      collect(response).then((answer) => {
        const ok = response.statusCode === 200 || response.statusCode === 201;
        if (ok) done(answer);
        else fail(problemOf(answer));
      }, unavailable);
    });
    outgoing.end(body);
  });
}

function open(place: SignerPlace, asked: RequestOptions): ClientRequest {
  if ('socketPath' in place) {
    const { socketPath, token } = place;
    return request({ ...asked, socketPath, headers: { ...asked.headers, authorization: `Bearer ${token}` } });
  }
  const { hostname, port } = new URL(place.url);
  const { certificate, key, authority } = place.material();
  return tlsRequest({
    ...asked,
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port || 443,
    cert: certificate,
    key,
    ca: authority,
    minVersion: 'TLSv1.3',
  });
}

async function collect(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += (chunk as Buffer).length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error('the signer answered too much');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function problemOf(answer: Buffer): Problem {
  try {
    const { code, detail, detailZh } = problemShape.parse(JSON.parse(answer.toString('utf8')));
    if (Object.hasOwn(CATALOGUE, code))
      return new Problem(code as ProblemCode, { ...(detail ? { detail } : {}), ...(detailZh ? { detailZh } : {}) });
  } catch (cause) {
    return new Problem('signer-unavailable', { cause });
  }
  return new Problem('signer-unavailable');
}
