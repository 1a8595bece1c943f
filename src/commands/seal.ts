/**
 * `tongren seal --batch`: seals a folder of OFD and PDF files through the API of a running service, as a job that survives a
 * crash on either side: run again with the same folders it goes on where it was.
 */
import { createHash } from 'node:crypto';
import { createReadStream, openAsBlob } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, extname, join, relative, sep } from 'node:path';
import { ApiClient, ApiRefusal } from './api-client.ts';
import { fileFault } from './file-fault.ts';

export interface SealOptions {
  out: string;
  url: string;
  clientId: string;
  clientKey: string;
  seal: string;
  page?: string;
  at?: string;
  json?: boolean;
}

const EXIT = { good: 0, someFailed: 1, unreachable: 2, wrongUse: 3 } as const;
/** What the job is called and which files it holds; beside the results, so that a second run finds it. */
const JOB_FILE = '.tongren-seal-job.json';
const AT_ONCE = 4;
const POLL_MS = 1_000;
const FETCH_TRIES = 3;

interface KeptJob {
  jobId: string;
  requestId: string;
}
interface Job {
  id: string;
  status: 'collecting' | 'running' | 'paused' | 'done' | 'cancelled';
  files: { waiting: number; sealed: number; failed: number };
  resumesAt?: string;
}
/** One that was not sealed, as `errors.json` tells it. */
interface FailedFile {
  path: string;
  error: string;
  detail: string;
  detailZh: string;
}
interface Run {
  api: ApiClient;
  folder: string;
  out: string;
  /** Key → path inside the folder. */
  paths: ReadonlyMap<string, string>;
  /** Refused already when it was sent; by key. */
  refused: Map<string, FailedFile>;
  say(text: string): void;
  signal: AbortSignal;
}
interface JobFile {
  key: string;
  status: 'waiting' | 'sealed' | 'failed';
  error?: string;
  errorDetail?: string;
  errorDetailZh?: string;
  digest?: string;
}

/** Returns the exit code: 0 all sealed, 1 some were not, 2 the service cannot be reached or refuses, 3 wrong use. */
export async function sealFolder(folder: string, options: SealOptions): Promise<number> {
  const say = (text: string) => void (options.json || console.error(text));
  let paths: Map<string, string>;
  let place: object;
  try {
    paths = await findFiles(folder);
    place = placeOf(options);
  } catch (error) {
    console.error(fileFault(error, folder));
    return EXIT.wrongUse;
  }
  if (paths.size === 0) {
    console.error('There is no OFD or PDF file in the folder. / 目录中没有 OFD 或 PDF 文件。');
    return EXIT.wrongUse;
  }
  const stopping = new AbortController();
  const interrupt = () => stopping.abort();
  process.once('SIGINT', interrupt);
  try {
    const key = await readFile(options.clientKey, 'utf8');
    const api = new ApiClient({ origin: options.url, clientId: options.clientId, key, scope: 'seals:use seals:read' });
    await mkdir(options.out, { recursive: true });
    const run: Run = { api, folder, out: options.out, paths, refused: new Map(), say, signal: stopping.signal };
    let job = await openJob(api, options, place);
    if (job.status === 'cancelled') throw new Error('The job was cancelled. / 任务已取消。');
    if (job.status === 'collecting') job = await sendFiles(run, job);
    if (job.status === 'paused') job = await api.post<Job>(`/api/seal-jobs/${job.id}/resume`);
    job = await waitFor(run, job);
    const failed = await fetchResults(run, job);
    await writeWhole(join(options.out, 'errors.json'), Buffer.from(`${JSON.stringify(failed, null, 2)}\n`));
    const summary = { jobId: job.id, sealed: paths.size - failed.length, failed: failed.length, errors: failed };
    if (options.json) console.log(JSON.stringify(summary, null, 2));
    else console.log(`sealed / 已加盖 ${summary.sealed}, failed / 失败 ${summary.failed}${failed.length ? ' (errors.json)' : ''}`);
    return failed.length > 0 ? EXIT.someFailed : EXIT.good;
  } catch (error) {
    if (stopping.signal.aborted) {
      console.error(
        'Stopped; the job goes on. Run the same command again to fetch the rest. / 已停止；任务仍在进行，重新运行同一命令即可取回其余文件。',
      );
    } else if (error instanceof ApiRefusal) console.error(`${error.message} [${error.code}]`);
    else console.error((error as Error).message);
    return EXIT.unreachable;
  } finally {
    process.off('SIGINT', interrupt);
  }
}

/** Key → path inside the folder. The key is a digest: file names often name people, and those do not leave this machine. */
async function findFiles(folder: string): Promise<Map<string, string>> {
  if (!(await stat(folder).catch(() => undefined))?.isDirectory()) throw new Error(`${folder} is no folder. / 不是目录。`);
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile() && ['.ofd', '.pdf'].includes(extname(entry.name).toLowerCase()));
  const paths = files.map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/')).sort();
  return new Map(paths.map((path) => [createHash('sha256').update(path).digest('hex').slice(0, 40), path]));
}

/** `--page` and `--at X,Y`: millimetres from the left and the top; negative from the right and the bottom. */
function placeOf({ page, at }: SealOptions): object {
  const place: Record<string, string | number> = {};
  if (page !== undefined) {
    if (!/^(first|last|all|seam|[1-9]\d{0,4})$/.test(page)) throw new Error('--page takes first, last, all, seam or a number.');
    place['page'] = /^\d/.test(page) ? Number(page) : page;
  }
  if (at !== undefined) {
    const [x = Number.NaN, y = Number.NaN, ...rest] = at.split(',').map(Number);
    if (rest.length > 0 || !Number.isFinite(x) || !Number.isFinite(y)) throw new Error('--at takes X,Y in millimetres.');
    place[x < 0 || Object.is(x, -0) ? 'fromRightMm' : 'xMm'] = Math.abs(x);
    place[y < 0 || Object.is(y, -0) ? 'fromBottomMm' : 'yMm'] = Math.abs(y);
  }
  return place;
}

async function openJob(api: ApiClient, options: SealOptions, place: object): Promise<Job> {
  const path = join(options.out, JOB_FILE);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text) return api.get<Job>(`/api/seal-jobs/${(JSON.parse(text) as KeptJob).jobId}`);
  const { items } = await api.get<{ items: { id: string; esId?: string; name: string; status: string }[] }>('/api/seals');
  const seal = items.find(({ id, esId }) => id === options.seal || esId === options.seal);
  if (!seal) {
    const known = items.filter(({ status }) => status === 'active').map(({ esId, name }) => `${esId} ${name}`);
    throw new Error(`No seal ${options.seal}. Yours are: / 没有该印章，可用印章：${known.join('; ') || '—'}`);
  }
  const requestId = crypto.randomUUID();
  const job = await api.post<Job>('/api/seal-jobs', { sealId: seal.id, requestId, place });
  await writeWhole(path, Buffer.from(JSON.stringify({ jobId: job.id, requestId } satisfies KeptJob)));
  return job;
}

async function sendFiles({ api, folder, paths, refused, say, signal }: Run, job: Job): Promise<Job> {
  const there = new Set((await listFiles(api, job.id)).map(({ key }) => key));
  const missing = [...paths].filter(([key]) => !there.has(key));
  let sent = 0;
  await atOnce(missing, signal, async ([key, path]) => {
    try {
      await api.put(`/api/seal-jobs/${job.id}/files/${key}`, await openAsBlob(join(folder, path)));
    } catch (error) {
      // A file nobody can seal must not hold up the others: it is told at the end.
      if (!(error instanceof ApiRefusal) || error.status >= 500 || error.status === 401 || error.status === 403) throw error;
      refused.set(key, { path, error: error.code, detail: error.detail, detailZh: error.detailZh ?? '' });
    }
    if (++sent % 100 === 0) say(`sent / 已上传 ${sent}/${missing.length}`);
  });
  return api.post<Job>(`/api/seal-jobs/${job.id}/start`);
}

async function waitFor({ api, say, signal }: Run, first: Job): Promise<Job> {
  let job = first;
  let said = -1;
  let until: string | undefined;
  while (job.status === 'running') {
    signal.throwIfAborted();
    const ended = job.files.sealed + job.files.failed;
    if (ended !== said) say(`sealed / 已加盖 ${job.files.sealed}, failed / 失败 ${job.files.failed}, waiting / 等待 ${job.files.waiting}`);
    said = ended;
    if (job.resumesAt !== until && job.resumesAt !== undefined) {
      say(
        `The seal’s limit for today is reached; the rest goes on at ${job.resumesAt}. You may stop here. / 今日用印已达上限，其余将于该时间继续，可先退出。`,
      );
    }
    until = job.resumesAt;
    await new Promise((done) => setTimeout(done, POLL_MS));
    job = await api.get<Job>(`/api/seal-jobs/${job.id}`);
  }
  if (job.status !== 'done') throw new Error(`The job is ${job.status}. Run again to go on. / 任务状态：${job.status}，重新运行即可继续。`);
  return job;
}

async function fetchResults({ api, out, paths, refused, say, signal }: Run, job: Job): Promise<FailedFile[]> {
  const files = new Map((await listFiles(api, job.id)).map((file) => [file.key, file]));
  const failed: FailedFile[] = [];
  let fetched = 0;
  await atOnce([...paths], signal, async ([key, path]) => {
    const file = files.get(key);
    if (file?.status !== 'sealed') {
      const { error = 'not-sent', errorDetail: detail = '', errorDetailZh: detailZh = '' } = file ?? {};
      failed.push(refused.get(key) ?? { path, error, detail, detailZh });
      return;
    }
    const target = join(out, path);
    if ((await digestOf(target)) === file.digest) return;
    await mkdir(dirname(target), { recursive: true });
    await fetchFile(api, `/api/seal-jobs/${job.id}/files/${key}`, { target, path, digest: file.digest });
    if (++fetched % 100 === 0) say(`fetched / 已取回 ${fetched}`);
  });
  return failed.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Tried again when the connection breaks or the file comes damaged: of ten thousand one may. */
async function fetchFile(
  api: ApiClient,
  address: string,
  file: { target: string; path: string; digest: string | undefined },
): Promise<void> {
  const unfinished = `${file.target}.part`;
  for (let tries = 1; ; tries++) {
    try {
      if ((await writePieces(unfinished, api.pieces(address))) === file.digest) break;
      if (tries === FETCH_TRIES) throw new Error(`${file.path} came damaged. / 文件传输损坏。`);
    } catch (error) {
      if (tries === FETCH_TRIES || (error instanceof ApiRefusal && error.status < 500)) throw error;
      await new Promise((done) => setTimeout(done, POLL_MS));
    }
  }
  await rename(unfinished, file.target);
}

async function listFiles(api: ApiClient, jobId: string): Promise<JobFile[]> {
  const files: JobFile[] = [];
  for (let cursor = ''; ; ) {
    const page = await api.get<{ items: JobFile[]; nextCursor?: string }>(
      `/api/seal-jobs/${jobId}/files?limit=1000${cursor ? `&cursor=${cursor}` : ''}`,
    );
    files.push(...page.items);
    if (!page.nextCursor) return files;
    cursor = page.nextCursor;
  }
}

async function atOnce<T>(items: readonly T[], signal: AbortSignal, work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const run = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      signal.throwIfAborted();
      await work(item);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, run));
}

async function digestOf(path: string): Promise<string | undefined> {
  if (!(await stat(path).catch(() => undefined))?.isFile()) return undefined;
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest('hex');
}

/** Returns the SHA-256 of what was written. */
async function writePieces(path: string, pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(path, 'w');
  try {
    for await (const piece of pieces) {
      hash.update(piece);
      await file.writeFile(piece);
    }
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}

/** A reader never sees half a file. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  await writeFile(`${path}.part`, bytes);
  await rename(`${path}.part`, path);
}
