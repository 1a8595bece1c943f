import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const TONGREN = fileURLToPath(new URL('../../tongren.js', import.meta.url));

export interface CommandOutcome {
  code: number;
  output: string;
}

/** Runs `tongren …` as its users do, in an environment of the caller's choice. */
export function runTongren(words: readonly string[], environment: NodeJS.ProcessEnv): Promise<CommandOutcome> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [TONGREN, ...words], { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
    child.once('error', fail);
    child.once('exit', (code) => done({ code: code ?? -1, output }));
  });
}
