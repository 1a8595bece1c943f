import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const START = fileURLToPath(new URL('../../start.js', import.meta.url));
const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 30_000;

export interface TemporaryInstance {
  origin: string;
  appOrigins: readonly [string, string];
  dataDir: string;
  pid: number;
  /** The environment in which commands find this instance. */
  environment: NodeJS.ProcessEnv;
  stop(): Promise<void>;
}

/** The service as `npm start` runs it, in a folder and on ports of its own; all gone after `stop`. */
export async function startTemporaryInstance(): Promise<TemporaryInstance> {
  const dataDir = await mkdtemp(join(tmpdir(), 'tongren-tour-'));
  // As root the database runs as another user: one that may not enter would be given a folder elsewhere, which stays behind.
  await chmod(dataDir, 0o755);
  const [port = 0, first = 0, second = 0] = await freePorts(3);
  const environment = withoutOurs({
    TONGREN_DATA_DIR: dataDir,
    TONGREN_PORT: String(port),
    TONGREN_DEMO_PORTS: `${first},${second}`,
    TONGREN_LOG_LEVEL: 'error',
  });
  const child = spawn(process.execPath, [START], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  let words = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (words = (words + chunk.toString()).slice(-20_000)));
  const stop = async () => {
    await stopChild(child);
    await rm(dataDir, { recursive: true, force: true });
  };
  const origin = `http://localhost:${port}`;
  try {
    await untilReady(origin, child, () => words);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    origin,
    appOrigins: [`http://localhost:${first}`, `http://localhost:${second}`],
    dataDir,
    pid: child.pid ?? 0,
    environment,
    stop,
  };
}

/** The caller's environment without settings that would lead to another installation. */
function withoutOurs(settings: Record<string, string>): NodeJS.ProcessEnv {
  const others = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('TONGREN_') && !['DATABASE_URL', 'REDIS_URL', 'NODE_ENV'].includes(name),
  );
  return { ...Object.fromEntries(others), ...settings };
}

async function untilReady(origin: string, child: ChildProcess, words: () => string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`The service did not start:\n${words()}`);
    const ready = await fetch(`${origin}/health/ready`).then(
      (reply) => reply.ok,
      () => false,
    );
    // The demo's apps are the last to listen.
    if (ready && words().includes('Ctrl-C')) return;
    await sleep(100);
  }
  throw new Error(`The service was not ready in time:\n${words()}`);
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  child.kill('SIGINT');
  const hard = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(hard);
}

/** Ports that were free a moment ago, held open together so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((done, fail) => {
          server.once('error', fail);
          server.listen(0, '127.0.0.1', () => {
            const address = server.address();
            done(typeof address === 'object' && address ? address.port : 0);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}
