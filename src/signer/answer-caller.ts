/** What a caller may send to the signer, once it is known who it is: bodies are the raw structures, answers raw signatures or `{code, detail}`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { SUITES } from '#crypto/suite.ts';
import type { KeyPurpose, StoredKey } from '#ports/key-store.ts';
import { Problem, type ProblemCode } from '#problem.ts';
import type { CallerKeyStore } from './guarded-key-store.ts';

const MAX_BODY_BYTES = 32 * 1024 * 1024;
/** A revocation list of two million entries still fits. */
const MAX_LIST_BYTES = 96 * 1024 * 1024;

/** How a transport finds out who is asking; undefined for a stranger. */
export interface Doorway {
  storeOf: (request: IncomingMessage) => CallerKeyStore | undefined;
  /** Told of each stranger. */
  onStranger?: () => void;
  /** The newest signed head of the log. */
  logHead?: () => Promise<object>;
}

const createShape = z.strictObject({ name: z.string(), suite: z.enum(SUITES), purposes: z.array(z.string()).min(1).max(10) });

const retireShape = z.strictObject({ name: z.string(), successor: z.string().optional() });

const rotateShape = z.strictObject({ compromised: z.boolean() });

/** Answers one request; never throws because of what was sent. */
export async function answerCaller(doorway: Doorway, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const store = doorway.storeOf(request);
  if (!store) {
    doorway.onStranger?.();
    return refuse(response, new Problem('not-allowed'), 401);
  }
  try {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://signer');
    const route = `${request.method} ${pathname}`;
    if (route === 'POST /sign') {
      const purpose = (searchParams.get('purpose') ?? '') as KeyPurpose;
      const structure = await readBody(request, purpose === 'crl' ? MAX_LIST_BYTES : MAX_BODY_BYTES);
      const shown = searchParams.get('evidence');
      const evidence = shown === null ? undefined : Uint8Array.from(Buffer.from(shown, 'base64url'));
      const signature = await store.sign(searchParams.get('key') ?? '', purpose, structure, evidence);
      response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(signature);
    } else if (route === 'GET /key') {
      reply(response, 200, describe(await store.find(searchParams.get('name') ?? '')));
    } else if (route === 'POST /key') {
      const parsed = createShape.safeParse(JSON.parse((await readBody(request)).toString('utf8')));
      if (!parsed.success) throw new Problem('malformed-request');
      const { name, suite, purposes } = parsed.data;
      reply(response, 201, describe(await store.create(name, suite, purposes as KeyPurpose[])));
    } else if (route === 'POST /key/retire') {
      const parsed = retireShape.safeParse(JSON.parse((await readBody(request)).toString('utf8')));
      if (!parsed.success) throw new Problem('malformed-request');
      await store.retire(parsed.data.name, parsed.data.successor);
      reply(response, 200, {});
    } else if (route === 'POST /log-key/rotate') {
      const parsed = rotateShape.safeParse(JSON.parse((await readBody(request)).toString('utf8')));
      if (!parsed.success) throw new Problem('malformed-request');
      reply(response, 200, await store.rotateLogKey(parsed.data));
    } else if (route === 'GET /log-head' && doorway.logHead) {
      reply(response, 200, await doorway.logHead());
    } else {
      throw new Problem('not-found');
    }
  } catch (error) {
    refuse(response, error instanceof Problem ? error : new Problem(error instanceof SyntaxError ? 'malformed-request' : 'internal'));
  }
}

function describe(key: StoredKey | undefined): object {
  return { key: key ? { ...key, spki: Buffer.from(key.spki).toString('base64') } : null };
}

async function readBody(request: IncomingMessage, maxBytes = MAX_BODY_BYTES): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > maxBytes) throw new Problem('too-large');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function refuse(response: ServerResponse, problem: Problem, status: number = problem.status): void {
  const { code, detail, detailZh } = problem;
  const body: { code: ProblemCode; detail?: string; detailZh?: string } = {
    code,
    ...(detail ? { detail } : {}),
    ...(detailZh ? { detailZh } : {}),
  };
  // What the caller still sends is not wanted any more.
  reply(response.setHeader('connection', 'close'), status, body);
}
