import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ApiClient } from '#commands/api-client.ts';
import { writeBulkFiles } from './bulk-files.ts';
import { type BulkTown, bulkTown, peakMiB } from './bulk-town.ts';
import type { Row } from './measure.ts';

const FILES = 300;

/**
 * A job of 300 files through PostgreSQL, signer, web and worker as processes of their own: taken, sealed (each with time-stamps, stored,
 * logged), and given back. Two thirds OFD, one third PDF at B-LTA. The full size, with crashes, is `node test/bench/bulk-sealing.ts`.
 */
export async function benchBulk(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tongren-bulk-files-'));
  const town = await bulkTown();
  try {
    return await measure(town, folder);
  } finally {
    await town.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Job {
  id: string;
  status: string;
  files: { sealed: number };
}

async function measure(town: BulkTown, folder: string): Promise<Row[]> {
  const names = writeBulkFiles(folder, FILES).good;
  const key = readFileSync(town.clientKey, 'utf8');
  const api = new ApiClient({ origin: town.origin, clientId: town.clientId, key, scope: 'seals:use seals:read' });
  const worker = await town.startWorker();
  let job = await api.post<Job>('/api/seal-jobs', { sealId: town.sealId, requestId: 'bench-of-bulk' });
  const path = (index: number) => `/api/seal-jobs/${job.id}/files/file-${index}`;
  const began = performance.now();
  await fourAtOnce(names, (name, index) => api.put(path(index), readFileSync(join(folder, name))));
  const sent = performance.now();
  job = await api.post<Job>(`/api/seal-jobs/${job.id}/start`);
  while (job.status === 'running') {
    await pause(50);
    job = await api.get<Job>(`/api/seal-jobs/${job.id}`);
  }
  const sealed = performance.now();
  if (job.files.sealed !== names.length) throw new Error(`sealed ${job.files.sealed} of ${names.length}`);
  await fourAtOnce(names, (_name, index) => api.bytes(path(index)));
  const fetched = performance.now();
  const perSecond = (ms: number) => (names.length / ms) * 1_000;
  const upload = perSecond(sent - began);
  const row = (name: string, value: number): Row => ({
    name,
    value,
    unit: '/s',
    baseline: 'taking a file in',
    baselineValue: upload,
    ratio: upload / value,
  });
  const peak = peakMiB(worker.pid ?? 0);
  return [
    row('bulk job: file sealed, stored and logged', perSecond(sealed - sent)),
    row('bulk job: sealed file given back', perSecond(fetched - sealed)),
    {
      name: 'bulk job: peak memory of the worker',
      value: peak,
      unit: 'MiB',
      baseline: 'of the web process',
      baselineValue: town.peakOf('web'),
      ratio: peak / town.peakOf('web'),
    },
  ];
}

async function fourAtOnce(names: readonly string[], work: (name: string, index: number) => Promise<unknown>): Promise<void> {
  const queue = [...names.entries()];
  const run = async () => {
    for (let one = queue.shift(); one; one = queue.shift()) await work(one[1], one[0]);
  };
  await Promise.all(Array.from({ length: 4 }, run));
}
