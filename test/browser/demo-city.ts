/** The program as a newcomer starts it: its own process, a data folder that is thrown away, demo city and apps on ports of their own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '#test/free-port.ts';

const START = fileURLToPath(new URL('../../src/start.js', import.meta.url));
const START_TIMEOUT_MS = 60_000;

export interface DemoCity {
  origin: string;
  /** The two relying apps. */
  apps: [string, string];
  stop(): Promise<void>;
}

export async function startDemoCity(): Promise<DemoCity> {
  const folder = mkdtempSync(join(tmpdir(), 'tongren-demo-'));
  const [port, one, other] = [await freePort(), await freePort(), await freePort()];
  // Nothing of the tests' own settings: what a newcomer has not set either.
  const rest = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(TONGREN_|DATABASE_URL$|REDIS_URL$)/.test(name)));
  const environment = {
    ...rest,
    NODE_ENV: 'development',
    TONGREN_DATA_DIR: folder,
    TONGREN_PORT: `${port}`,
    TONGREN_DEMO_PORTS: `${one},${other}`,
  };
  const child = spawn(process.execPath, [START], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  await isReady(child);
  return {
    origin: `http://localhost:${port}`,
    apps: [`http://localhost:${one}`, `http://localhost:${other}`],
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function isReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    const timer = setTimeout(() => reject(new Error(`not ready in time: ${said}`)), START_TIMEOUT_MS);
    const listen = (data: Buffer) => {
      said += data;
      if (!said.includes('Ctrl-C')) return;
      clearTimeout(timer);
      resolve();
    };
    child.stdout?.on('data', listen);
    child.stderr?.on('data', listen);
    child.once('exit', (code) => reject(new Error(`ended with ${code}: ${said}`)));
  });
}
