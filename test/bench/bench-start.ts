import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { startTemporaryInstance } from '#commands/tour/temporary-instance.ts';
import { median, type Row } from './measure.ts';

const STARTS = 3;

/** Time until ready and resident memory of `npm start`; the baseline is a Node that starts and ends. */
export async function benchStart(): Promise<Row[]> {
  const node: number[] = [];
  const starts: number[] = [];
  const memory: number[] = [];
  const bareMemory: number[] = [];
  for (let round = 0; round < STARTS; round++) {
    const bare = await bareNode();
    node.push(bare.seconds);
    bareMemory.push(bare.mebibytes);
    const began = performance.now();
    const instance = await startTemporaryInstance();
    starts.push((performance.now() - began) / 1000);
    memory.push(residentMebibytes(instance.pid));
    await instance.stop();
  }
  return [
    row('start: first, with database, keys and demo city', 's', median(starts), 'a bare Node', median(node)),
    row('start: resident memory', 'MiB', median(memory), 'a bare Node', median(bareMemory)),
  ];
}

function row(name: string, unit: string, value: number, baseline: string, baselineValue: number): Row {
  return { name, value, unit, baseline, baselineValue, ratio: value / baselineValue };
}

function bareNode(): Promise<{ seconds: number; mebibytes: number }> {
  const began = performance.now();
  return new Promise((done) => {
    const child = spawn(process.execPath, ['-e', 'console.log(process.memoryUsage.rss())'], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.once('exit', () => done({ seconds: (performance.now() - began) / 1000, mebibytes: Number(text) / 2 ** 20 }));
  });
}

function residentMebibytes(pid: number): number {
  const line = readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmRSS:\s+(\d+) kB/)?.[1];
  return Number(line ?? 0) / 1024;
}
