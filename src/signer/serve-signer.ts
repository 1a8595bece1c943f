/**
 * The signer as a process of its own: HTTP over a Unix socket in a folder that only its user may enter, and a token besides.
 * Bodies are the raw structures; answers are raw signatures or `{code, detail}`.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { z } from 'zod';
import { SUITES } from '#crypto/suite.ts';
import type { KeyPurpose } from '#ports/key-store.ts';
import { Problem, type ProblemCode } from '#problem.ts';
import type { GuardedKeyStore } from './guarded-key-store.ts';

/** A revocation list with several hundred thousand entries still fits. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;
const MIN_TOKEN_LENGTH = 32;

export interface SignerAddress {
  socketPath: string;
  /** At least 32 characters. */
  token: string;
}

export interface RunningSigner {
  /** Stops taking requests, finishes those that run, removes the socket. */
  close(): Promise<void>;
}

/** Throws a plain Error with one sentence when the folder is open to others, the token is short, or another signer is listening. */
export async function serveSigner(store: GuardedKeyStore, { socketPath, token }: SignerAddress): Promise<RunningSigner> {
  if (token.length < MIN_TOKEN_LENGTH) throw new Error(`The signer's token must have at least ${MIN_TOKEN_LENGTH} characters.`);
  prepareFolder(dirname(socketPath));
  await removeStaleSocket(socketPath);
  const expected = sha256(token);
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: 60_000 }, (request, response) => {
    answer(store, expected, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.listen(socketPath, () => {
      server.off('error', fail);
      done();
    });
  });
  chmodSync(socketPath, 0o600);
  return {
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeIdleConnections();
      }),
  };
}

function prepareFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stat = statSync(folder);
  if ((stat.mode & 0o077) !== 0) throw new Error(`The signer's socket folder ${folder} is open to others: make it mode 0700.`);
  if (process.getuid && stat.uid !== process.getuid()) throw new Error(`The signer's socket folder ${folder} belongs to another user.`);
}

/** A socket file left by a killed process is removed; one that answers is not. */
async function removeStaleSocket(socketPath: string): Promise<void> {
  if (!existsSync(socketPath)) return;
  if (!lstatSync(socketPath).isSocket()) throw new Error(`${socketPath} is not a socket.`);
  const alive = await new Promise<boolean>((done) => {
    const probe = connect(socketPath);
    probe.once('connect', () => {
      probe.destroy();
      done(true);
    });
    probe.once('error', () => done(false));
  });
  if (alive) throw new Error(`Another signer is listening at ${socketPath}.`);
  rmSync(socketPath, { force: true });
}

const createShape = z.strictObject({ name: z.string(), suite: z.enum(SUITES), purposes: z.array(z.string()).min(1).max(10) });

async function answer(store: GuardedKeyStore, expected: Buffer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  // The digests are compared, so that neither content nor length of the token shows in the time taken.
  const given = sha256(request.headers.authorization?.replace(/^Bearer /, '') ?? '');
  if (!timingSafeEqual(given, expected)) return refuse(response, new Problem('not-allowed'), 401);
  try {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://signer');
    const route = `${request.method} ${pathname}`;
    if (route === 'POST /sign') {
      const structure = await readBody(request);
      const purpose = (searchParams.get('purpose') ?? '') as KeyPurpose;
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
    } else {
      throw new Problem('not-found');
    }
  } catch (error) {
    refuse(response, error instanceof Problem ? error : new Problem(error instanceof SyntaxError ? 'malformed-request' : 'internal'));
  }
}

function describe(key: Awaited<ReturnType<GuardedKeyStore['find']>>): object {
  return { key: key ? { ...key, spki: Buffer.from(key.spki).toString('base64') } : null };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > MAX_BODY_BYTES) throw new Problem('too-large');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function refuse(response: ServerResponse, problem: Problem, status: number = problem.status): void {
  const body: { code: ProblemCode; detail?: string } = { code: problem.code, ...(problem.detail ? { detail: problem.detail } : {}) };
  // What the caller still sends is not wanted any more.
  reply(response.setHeader('connection', 'close'), status, body);
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
