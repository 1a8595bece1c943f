/** The signer as it is deployed: `npm start` with the signer role alone, a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const START = fileURLToPath(new URL('../../src/start.js', import.meta.url));

export interface SignerService {
  process: ChildProcess;
  /** All it has said. */
  output(): string;
  /** Ends it and waits until it is gone. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Resolves when it says it is ready; rejects with what it said when it ends instead. */
export function startSignerService(settings: Record<string, string>): Promise<SignerService> {
  const environment: Record<string, string> = { PATH: process.env['PATH'] ?? '', TONGREN_ROLES: 'signer', ...settings };
  if (process.env['SOFTHSM2_CONF']) environment['SOFTHSM2_CONF'] = process.env['SOFTHSM2_CONF'];
  const child = spawn(process.execPath, [START], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  return new Promise((done, fail) => {
    const ended = new Promise<void>((gone) => child.once('exit', () => gone()));
    void ended.then(() => fail(new Error(text)));
    const hear = (chunk: Buffer) => {
      text += chunk.toString();
      if (!text.includes('Tongren signer ready')) return;
      done({
        process: child,
        output: () => text,
        async stop(signal = 'SIGTERM') {
          child.kill(signal);
          await ended;
        },
      });
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
  });
}
