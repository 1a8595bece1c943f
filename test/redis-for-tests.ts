/** A Redis for tests: the one named by TONGREN_TEST_REDIS_URL, else a server of our own when the machine has the program. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { afterAll } from 'vitest';
import { freePort } from '#test/free-port.ts';

/** Undefined when there is none: tests that need it are then skipped. In CI the variable is set, so there they never are. */
export async function redisForTests(): Promise<{ url: string; stop(): Promise<void> } | undefined> {
  const given = process.env['TONGREN_TEST_REDIS_URL'];
  return given ? { url: given, stop: async () => {} } : ownRedis();
}

/** A server of this test file's own, to be stopped at will; undefined when the machine lacks the program. */
export async function ownRedis(): Promise<{ url: string; stop(): Promise<void> } | undefined> {
  if (spawnSync('redis-server', ['--version']).status !== 0) return undefined;
  const port = await freePort();
  const server = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], {
    stdio: 'ignore',
  });
  const stop = () => stopped(server);
  afterAll(stop);
  for (let attempt = 0; !(await answers(port)); attempt++) {
    if (attempt > 100) throw new Error('redis-server did not start');
    await new Promise((done) => setTimeout(done, 50));
  }
  return { url: `redis://127.0.0.1:${port}`, stop };
}

function stopped(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return Promise.resolve();
  const gone = new Promise<void>((done) => void server.once('exit', () => done()));
  server.kill('SIGKILL');
  return gone;
}

function answers(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', () => done(false));
  });
}
