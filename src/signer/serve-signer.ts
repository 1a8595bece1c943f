/**
 * The signer as a process of its own, over a Unix socket in a folder that only its user may enter; each caller shows a token of its
 * own besides. Over the network: `serve-signer-tls.ts`.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { answerCaller, type Doorway } from './answer-caller.ts';
import { OWN_CALLER } from './caller-policy.ts';
import type { GuardedKeyStore } from './guarded-key-store.ts';

export const SERVER_LIMITS = { requestTimeout: 30_000, keepAliveTimeout: 60_000 } as const;
const MIN_TOKEN_LENGTH = 32;

export interface SignerAddress {
  socketPath: string;
  /** Of the one caller `service`. At least 32 characters, like all tokens. */
  token?: string;
  /** Caller → token. */
  tokens?: Readonly<Record<string, string>>;
}

export type SignerEars = Pick<Doorway, 'onStranger' | 'logHead'>;

export interface RunningSigner {
  /** Stops taking requests, finishes those that run, removes the socket. */
  close(): Promise<void>;
}

/**
 * Throws a plain Error with one sentence when the folder is open to others, a token is short, two callers have one token, or another
 * signer is listening.
 */
export async function serveSigner(store: GuardedKeyStore, address: SignerAddress, ears: SignerEars = {}): Promise<RunningSigner> {
  const { socketPath } = address;
  const doorway = { ...ears, storeOf: callersByToken(store, address) };
  prepareFolder(dirname(socketPath));
  await removeStaleSocket(socketPath);
  const server = createServer(SERVER_LIMITS, (request, response) => {
    answerCaller(doorway, request, response).catch(() => response.destroy());
  });
  await listening(server, () => server.listen(socketPath));
  chmodSync(socketPath, 0o600);
  return { close: () => closed(server) };
}

export async function listening(server: Server, listen: () => void): Promise<void> {
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.once('listening', () => {
      server.off('error', fail);
      done();
    });
    listen();
  });
}

export function closed(server: Server): Promise<void> {
  return new Promise((done) => {
    server.close(() => done());
    server.closeIdleConnections();
  });
}

/** Digests are compared, all of them every time, so that neither content nor length of a token shows in the time taken. */
function callersByToken(store: GuardedKeyStore, { token, tokens = {} }: SignerAddress) {
  const all = [...(token === undefined ? [] : [[OWN_CALLER, token] as const]), ...Object.entries(tokens)];
  if (all.length === 0) throw new Error('The signer has no token for any caller.');
  if (all.some(([, text]) => text.length < MIN_TOKEN_LENGTH))
    throw new Error(`The signer's token must have at least ${MIN_TOKEN_LENGTH} characters.`);
  if (new Set(all.map(([, text]) => text)).size < all.length) throw new Error('Two callers of the signer have the same token.');
  const expected = all.map(([caller, text]) => ({ store: store.as(caller), digest: sha256(text) }));
  return (request: IncomingMessage) => {
    const given = sha256(request.headers.authorization?.replace(/^Bearer /, '') ?? '');
    return expected.filter(({ digest }) => timingSafeEqual(given, digest))[0]?.store;
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

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
