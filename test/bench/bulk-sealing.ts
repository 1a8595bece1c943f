/**
 * `node test/bench/bulk-sealing.ts [--files 10000] [--calm]`: a job of that size over the HTTP API, its worker killed with SIGKILL in the
 * middle and started again, paused and resumed; then the same folder by `tongren seal --batch`. Checks that every good file has one
 * result, one entry in the seal's log and one digest, also in the archive of all, and that every bad one says why in both languages. `--calm`: nothing is killed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ApiClient, ApiRefusal } from '#commands/api-client.ts';
import { BytesInFile } from '#documents/container/byte-source.ts';
import { readZip } from '#documents/container/read-zip.ts';
import { verifyDocument } from '#documents/verify-document.ts';
import { type BulkFiles, writeBulkFiles } from './bulk-files.ts';
import { bulkTown, cpuSeconds, peakMiB } from './bulk-town.ts';

const { values } = parseArgs({
  options: { files: { type: 'string', default: '10000' }, calm: { type: 'boolean', default: false }, only: { type: 'string' } },
});
const count = Number(values.files);
const began = performance.now();
const say = (text: string) => console.log(`${((performance.now() - began) / 1000).toFixed(1).padStart(7)} s  ${text}`);
const assert = (fact: boolean, text: string) => {
  if (!fact) throw new Error(`not so: ${text}`);
  say(`ok: ${text}`);
};

interface Job {
  id: string;
  status: string;
  files: { waiting: number; sealed: number; failed: number };
}
interface JobFile {
  key: string;
  status: string;
  error?: string;
  errorDetail?: string;
  errorDetailZh?: string;
  digest?: string;
}

const town = await bulkTown();
const api = new ApiClient({
  origin: town.origin,
  clientId: town.clientId,
  key: readFileSync(town.clientKey, 'utf8'),
  scope: 'seals:use seals:read',
});
let worker: ChildProcess;
try {
  const folder = join(town.folder, 'in');
  const files = writeBulkFiles(folder, count);
  say(`${count} files, ${(files.bytes / 2 ** 20).toFixed(1)} MiB, ${files.bad.size} of them bad`);
  worker = await town.startWorker();
  if (values.only !== 'cli') await throughApi(folder, files);
  if (values.only !== 'api') await throughCommand(folder, files);
  say(
    `peak memory: worker ${peakMiB(worker.pid ?? 0).toFixed(0)} MiB, web ${town.peakOf('web').toFixed(0)} MiB, signer ${town.peakOf('signer').toFixed(0)} MiB`,
  );
} finally {
  await town.close();
}
process.exit(0);

async function throughApi(folder: string, files: BulkFiles): Promise<void> {
  let job = await api.post<Job>('/api/seal-jobs', { sealId: town.sealId, requestId: 'bulk-by-the-api' });
  const refused = new Map<string, string>();
  const queue = [...files.good, ...files.bad.keys()].sort();
  const from = performance.now();
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
        try {
          await api.put(`/api/seal-jobs/${job.id}/files/${keyOf(name)}`, readFileSync(join(folder, name)));
        } catch (error) {
          if (!(error instanceof ApiRefusal)) throw error;
          refused.set(name, error.code);
        }
      }
    }),
  );
  say(`sent: ${rate(count, performance.now() - from)}`);
  job = await api.post<Job>(`/api/seal-jobs/${job.id}/start`);
  const spent = () => [cpuSeconds(worker.pid ?? 0), town.cpuOf('signer'), town.cpuOf('web')];
  let mark = { at: performance.now(), ended: 0, cpu: spent() };
  const until = async (share: number) => {
    while (job.status === 'running' && job.files.sealed < share * files.good.length) {
      await pause(250);
      job = await api.get<Job>(`/api/seal-jobs/${job.id}`);
    }
    const ended = job.files.sealed + job.files.failed;
    say(`${ended} ended: ${rate(ended - mark.ended, performance.now() - mark.at)}; worker ${peakMiB(worker.pid ?? 0).toFixed(0)} MiB`);
    const cost = spent().map((seconds, index) =>
      ((1_000 * (seconds - (mark.cpu[index] ?? 0))) / Math.max(1, ended - mark.ended)).toFixed(1),
    );
    say(`  processor time of a file: worker ${cost[0]} ms, signer ${cost[1]} ms; web meanwhile ${cost[2]} ms`);
    mark = { at: performance.now(), ended, cpu: spent() };
  };
  if (!values.calm) {
    await until(0.25);
    const gone = once(worker, 'exit');
    worker.kill('SIGKILL');
    await gone;
    say('worker killed with SIGKILL');
    worker = await town.startWorker();
    mark = { ...mark, cpu: spent() };
    await until(0.5);
    await api.post(`/api/seal-jobs/${job.id}/pause`);
    await pause(3_000);
    const [one, two] = [await api.get<Job>(`/api/seal-jobs/${job.id}`), await pause(2_000, api.get<Job>(`/api/seal-jobs/${job.id}`))];
    assert(JSON.stringify(one.files) === JSON.stringify((await two).files) && one.files.waiting > 0, 'nothing is sealed while paused');
    job = await api.post<Job>(`/api/seal-jobs/${job.id}/resume`);
    mark = { at: performance.now(), ended: one.files.sealed + one.files.failed, cpu: spent() };
  }
  await until(0.99);
  await until(2);
  await check(job.id, files, refused, keyOf);
  await throughArchive(job.id);
}

/** All results at once; meanwhile somebody else asks for a page again and again. */
async function throughArchive(jobId: string): Promise<void> {
  const path = join(town.folder, 'results.zip');
  const [peakBefore, cpuBefore, from] = [town.peakOf('web'), town.cpuOf('web'), performance.now()];
  let [slowest, isSending] = [0, true];
  const others = (async () => {
    while (isSending) {
      const asked = performance.now();
      await (await fetch(`${town.origin}/login`)).arrayBuffer();
      slowest = Math.max(slowest, performance.now() - asked);
      await pause(20);
    }
  })();
  await pipeline(api.pieces(`/api/seal-jobs/${jobId}/results.zip`), createWriteStream(path));
  const seconds = (performance.now() - from) / 1_000;
  isSending = false;
  await others;
  const file = new BytesInFile(path);
  const mebibytes = file.length / 2 ** 20;
  const archive = readZip(file, { maxEntries: 0xffff, maxInflatedBytes: 2 ** 40, maxEntryBytes: 2 ** 30, maxRatio: 2, onlyCarries: true });
  say(
    `archive: ${archive.entries.size} entries, ${mebibytes.toFixed(0)} MiB in ${seconds.toFixed(1)} s, ${(mebibytes / seconds).toFixed(0)} MiB/s; ` +
      `web ${(town.cpuOf('web') - cpuBefore).toFixed(1)} s of processor time, peak ${peakBefore.toFixed(0)} to ${town.peakOf('web').toFixed(0)} MiB; others waited ${slowest.toFixed(0)} ms at most`,
  );
  const [, ...lines] = Buffer.from(archive.read('results.csv')).toString('utf8').trimEnd().split('\r\n');
  const wrong = lines.filter((line) => {
    const [name = '', , , digest] = line.split(',');
    return createHash('sha256').update(archive.read(name)).digest('hex') !== digest;
  });
  file.close();
  const { sealed } = (await api.get<Job>(`/api/seal-jobs/${jobId}`)).files;
  assert(lines.length === sealed && wrong.length === 0, `the archive holds each of ${sealed} results with the digest it lists`);
}

function keyOf(name: string): string {
  return `f-${createHash('sha256').update(name).digest('hex').slice(0, 20)}`;
}

function rate(n: number, ms: number): string {
  return `${n} in ${(ms / 1000).toFixed(1)} s, ${((n / ms) * 1000).toFixed(0)} files/s`;
}

async function check(jobId: string, files: BulkFiles, refused: ReadonlyMap<string, string>, key: typeof keyOf): Promise<void> {
  const rows: JobFile[] = [];
  for (let cursor = ''; ; ) {
    const path = `/api/seal-jobs/${jobId}/files?limit=1000${cursor ? `&cursor=${cursor}` : ''}`;
    const page = await api.get<{ items: JobFile[]; nextCursor?: string }>(path);
    rows.push(...page.items);
    if (!page.nextCursor) break;
    cursor = page.nextCursor;
  }
  const byKey = new Map(rows.map((row) => [row.key, row]));
  const codes = [...files.bad].filter(([name, code]) => (refused.get(name) ?? byKey.get(key(name))?.error) !== code);
  assert(
    codes.length === 0,
    `each of ${files.bad.size} bad files says why (${codes.map(([name]) => `${name}: ${refused.get(name) ?? byKey.get(key(name))?.error}`).join(', ')})`,
  );
  const dumb = rows
    .filter(({ status }) => status === 'failed')
    .filter(({ errorDetail = '', errorDetailZh = '' }) => !errorDetail || !/[\u4e00-\u9fff]/.test(errorDetailZh));
  assert(dumb.length === 0, 'each failed file has words in both languages');
  const sealed = rows.filter(({ status }) => status === 'sealed');
  assert(sealed.length === files.good.length, `all ${files.good.length} good files are sealed`);
  const uses = await town.db.sealUse.findMany({ where: { subject: `seal-job:${jobId}` }, select: { digest: true } });
  assert(uses.length === sealed.length, `the seal's log has ${uses.length} entries`);
  const digests = new Set(sealed.map(({ digest }) => digest));
  assert(
    digests.size === sealed.length && uses.every(({ digest }) => digests.has(digest)),
    'each result has its own digest, the one in the log',
  );
  const stored = readdirSync(join(town.folder, 'data', 'files', 'seal-jobs', jobId));
  assert(stored.length === sealed.length, `the store holds ${stored.length} results and no sources`);
  const trust = await town.trust();
  for (const name of files.good.filter((_, index) => index % Math.ceil(files.good.length / 40) === 0)) {
    const bytes = await api.bytes(`/api/seal-jobs/${jobId}/files/${key(name)}`);
    if (createHash('sha256').update(bytes).digest('hex') !== byKey.get(key(name))?.digest) throw new Error(`${name}: another digest`);
    const { report } = verifyDocument(bytes, name, { ...trust, at: new Date() });
    if (report.verdict !== 'genuine' || !report.official) throw new Error(`${name}: ${JSON.stringify(report.reasons)}`);
  }
  say('ok: results drawn by lot are genuine and official');
}

/** The command is interrupted once in the middle of its work, and started again. */
async function throughCommand(folder: string, files: BulkFiles): Promise<void> {
  const program = fileURLToPath(new URL('../../src/tongren.js', import.meta.url));
  const out = join(town.folder, 'out');
  const args = [
    'seal',
    '--batch',
    folder,
    '--out',
    out,
    '--url',
    town.origin,
    '--client-id',
    town.clientId,
    '--client-key',
    town.clientKey,
  ];
  const run = () => spawn(process.execPath, [program, ...args, '--seal', town.sealId], { stdio: ['ignore', 'pipe', 'pipe'] });
  const from = performance.now();
  if (!values.calm) {
    const first = run();
    await pause(4_000);
    const gone = once(first, 'exit');
    first.kill('SIGKILL');
    await gone;
    say('command killed with SIGKILL');
  }
  const child = run();
  let [words, printed] = ['', ''];
  let peak = 0;
  const watch = setInterval(() => {
    try {
      peak = Math.max(peak, peakMiB(child.pid ?? 0));
    } catch {}
  }, 500);
  child.stderr.on('data', (chunk: Buffer) => {
    words += chunk.toString();
  });
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  const [code] = await once(child, 'exit');
  clearInterval(watch);
  say(`command: exit ${code}, ${printed.trim()}; ${rate(count, performance.now() - from)}, peak ${peak.toFixed(0)} MiB`);
  if (code === 2 || code === 3) throw new Error(words);
  const told = JSON.parse(readFileSync(join(out, 'errors.json'), 'utf8')) as {
    path: string;
    error: string;
    detail: string;
    detailZh: string;
  }[];
  assert(
    told.length === files.bad.size && told.every(({ path, error }) => files.bad.get(path) === error),
    'errors.json tells the bad ones',
  );
  for (const one of told.slice(0, 5)) say(`  ${one.path}: ${one.error}: ${one.detail} ${one.detailZh}`);
  const { jobId } = JSON.parse(readFileSync(join(out, '.tongren-seal-job.json'), 'utf8')) as { jobId: string };
  const uses = await town.db.sealUse.findMany({ where: { subject: `seal-job:${jobId}` }, select: { digest: true } });
  const digests = new Set(
    files.good.map((name) =>
      createHash('sha256')
        .update(readFileSync(join(out, name)))
        .digest('hex'),
    ),
  );
  assert(
    uses.length === files.good.length && uses.every(({ digest }) => digests.has(digest)),
    'the folder holds each result once, as the log says',
  );
}
