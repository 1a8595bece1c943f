/**
 * Files for a bulk job as a person brings them: with the names they have, which may name people, singly or in a ZIP archive. Names are
 * kept encrypted; the file's key is made of its name by a secret, so that the same file brought again is the same file.
 */
import { randomUUID } from 'node:crypto';
import { inflatedPieces } from '#documents/container/inflated-pieces.ts';
import { readZip, type ZipArchive } from '#documents/container/read-zip.ts';
import { ZipError } from '#documents/container/zip-error.ts';
import { Problem } from '#problem.ts';
import { addJobFile } from './create-seal-job.ts';
import { keepJobFile, MAX_JOB_FILE_BYTES, openJobFile } from './job-files.ts';
import { folderOf, placeOfFile, requireJob, type SealJobDeps, type SealJobParty } from './seal-job.ts';

/** Of one archive; larger sets are brought in several. */
export const MAX_ARCHIVE_BYTES = 1024 ** 3;
export const MAX_ARCHIVE_ENTRIES = 5_000;
const ARCHIVE_LIMITS = {
  maxEntries: MAX_ARCHIVE_ENTRIES,
  maxInflatedBytes: 8 * 1024 ** 3,
  maxEntryBytes: MAX_JOB_FILE_BYTES.ofd,
  maxRatio: 200,
  onlyCarries: true,
};
const MAX_NAME_LENGTH = 200;

type Content = AsyncIterable<Uint8Array>;

export interface NamedFiles {
  jobId: string;
  by: SealJobParty;
  name: string;
  content: Content;
}

/** What became of one file. */
export interface NamedFileResult {
  name: string;
  /** Why it was not taken. */
  refusal?: Problem;
}

/**
 * One OFD or PDF, or all of a ZIP archive. What is wrong with one file is told of that file, and the others are taken.
 * Throws what concerns the job: Problem `seal-job-not-found`, `not-allowed`, `seal-job-state`, `seal-job-too-large`.
 */
export async function addNamedFiles(deps: SealJobDeps, { jobId, by, name, content }: NamedFiles): Promise<NamedFileResult[]> {
  if (/\.zip$/i.test(name)) return addArchive(deps, { jobId, by, name, content });
  return [await addNamed(deps, { jobId, by, name, content })];
}

const OF_THE_JOB: readonly string[] = ['seal-job-not-found', 'not-allowed', 'seal-job-state', 'seal-job-too-large'];

async function addNamed(deps: SealJobDeps, { jobId, by, name: given, content }: NamedFiles): Promise<NamedFileResult> {
  const name = given.slice(-MAX_NAME_LENGTH);
  try {
    await addJobFile(deps, { jobId, by, name, key: keyOf(deps, jobId, name), content });
    return { name };
  } catch (error) {
    if (error instanceof ZipError) return { name, refusal: unreadable(error) };
    if (error instanceof Problem && error.code === 'request-id-taken') return { name, refusal: nameTaken() };
    if (!(error instanceof Problem) || error.status >= 500 || OF_THE_JOB.includes(error.code)) throw error;
    return { name, refusal: error };
  }
}

function nameTaken(): Problem {
  const detail = 'The job holds another file of this name already.';
  return new Problem('request-id-taken', { detail, detailZh: '任务中已有同名但内容不同的文件。' });
}

function keyOf({ fields }: SealJobDeps, jobId: string, name: string): string {
  return Buffer.from(fields.lastingIdentifier('seal-job-file', `${jobId}/${name}`))
    .toString('hex')
    .slice(0, 24);
}

async function addArchive(deps: SealJobDeps, { jobId, by, name, content }: NamedFiles): Promise<NamedFileResult[]> {
  const job = await requireJob(deps, jobId, by);
  if (job.status !== 'collecting') throw new Problem('seal-job-state');
  const id = randomUUID();
  const stored = `${folderOf(jobId)}/${id}.archive.enc`;
  // On the disk first: its directory is at its end.
  try {
    await keepJobFile(deps, stored, placeOfFile(id, 'archive'), (take) => within(content, take));
    const file = await openJobFile(deps, stored, placeOfFile(id, 'archive'));
    if (!file) throw new Error(`the archive ${id} is not in the file store`);
    try {
      return await addEntries(deps, readZip(file, ARCHIVE_LIMITS), { jobId, by, name });
    } finally {
      file.close();
    }
  } catch (error) {
    if (error instanceof ZipError) return [{ name, refusal: unreadable(error) }];
    if (error instanceof Problem && error.code === 'too-large') return [{ name, refusal: error }];
    throw error;
  } finally {
    await deps.files.remove(stored);
  }
}

async function within(content: Content, take: (part: Uint8Array) => void): Promise<void> {
  let bytes = 0;
  for await (const part of content) {
    bytes += part.length;
    if (bytes > MAX_ARCHIVE_BYTES) throw new Problem('too-large');
    take(part);
  }
}

async function addEntries(
  deps: SealJobDeps,
  archive: ZipArchive,
  { jobId, by, name }: Omit<NamedFiles, 'content'>,
): Promise<NamedFileResult[]> {
  const entries = [...archive.entries.values()].filter((entry) => !isDebris(entry.name));
  if (entries.length === 0) return [{ name, refusal: archiveProblem('There is no file in the archive.', '压缩包中没有文件。') }];
  const results: NamedFileResult[] = [];
  for (const entry of entries) results.push(await addNamed(deps, { jobId, by, name: entry.name, content: inflatedPieces(entry) }));
  return results;
}

/** What operating systems put into archives beside people's files. */
function isDebris(name: string): boolean {
  return name.startsWith('__MACOSX/') || /(?:^|\/)(?:\.[^/]*|Thumbs\.db|desktop\.ini)$/i.test(name);
}

function unreadable(error: ZipError): Problem {
  return archiveProblem(
    `The archive cannot be read (${error.reason}). ZIP without encryption, up to 1 GiB, is understood.`,
    `压缩包无法读取（${error.reason}）。请使用不超过 1 GiB 的未加密 ZIP 压缩包。`,
    error,
  );
}

function archiveProblem(detail: string, detailZh: string, cause?: unknown): Problem {
  return new Problem('unsupported-media-type', { detail, detailZh, ...(cause ? { cause } : {}) });
}
