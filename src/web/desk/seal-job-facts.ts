/** What pages tell of bulk sealing jobs, to the department and to operators alike; and the errors of one as a file. */
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { readJobFiles, type SealJobFileView } from '#seals/find-seal-jobs.ts';
import { SEAL_JOB_FILE_STATUSES, SEAL_JOB_STATUSES } from '#seals/seal-job.ts';
import { ERROR_COLUMNS, jobErrorRows, titleOf } from '#seals/seal-job-tables.ts';
import { type FoundSealJob, searchSealJobs } from '#seals/search-seal-jobs.ts';
import { actorDescriber } from '#web/admin/describe-actor.ts';
import { cursorOf } from '#web/path-parameters.ts';
import { sealJobWords } from '#web/seal-job-words.ts';
import { parseForm } from '#web/validate-with-zod.ts';
import type { WebContext } from '#web/web-context.ts';

const JOBS_PER_PAGE = 20;
const FILES_PER_PAGE = 50;
/** Without script the page itself comes again. */
const REFRESH_SECONDS = 10;

const ListFilter = z.object({
  status: z
    .enum([...SEAL_JOB_STATUSES, ''])
    .catch('')
    .default(''),
});
const FilesFilter = z.object({
  show: z
    .enum([...SEAL_JOB_FILE_STATUSES, ''])
    .catch('')
    .default(''),
});

type Query = Record<string, string | undefined>;

/** A page of jobs, of one organisation or of all. */
export async function sealJobsPage(context: WebContext, query: Query, organisationId?: string) {
  const { status } = ListFilter.parse(query);
  const cursor = cursorOf(query);
  const page = await searchSealJobs(context, { organisationId, status: status || undefined, cursor, limit: JOBS_PER_PAGE });
  const describe = actorDescriber(context);
  return {
    jobs: await Promise.all(page.items.map((job) => withProgress(describe, job))),
    nextCursor: page.nextCursor,
    first: cursor === undefined,
    status,
    states: SEAL_JOB_STATUSES.map((value) => ({ value, ...sealJobWords.stateOf(value) })),
    words: sealJobWords,
  };
}

async function withProgress(describe: (actor: string) => Promise<string>, job: FoundSealJob) {
  const { waiting, sealed, failed } = job.files;
  const total = waiting + sealed + failed;
  return { ...job, by: await describe(job.actor), total, ended: sealed + failed };
}

/** One job with a page of its files. @param withNames only for the organisation whose files they are. */
export async function sealJobFacts(context: WebContext, job: FoundSealJob, query: Query, { withNames }: { withNames: boolean }) {
  const { data } = parseForm(FilesFilter, query);
  const show = data?.show ?? '';
  const cursor = cursorOf(query);
  const page = await readJobFiles(context, { jobId: job.id, status: show || undefined, cursor, limit: FILES_PER_PAGE });
  const runs = job.status === 'running';
  return {
    job: await withProgress(actorDescriber(context), job),
    files: page.items.map((file) => shownFile(file, withNames)),
    nextCursor: page.nextCursor,
    first: cursor === undefined,
    show,
    words: sealJobWords,
    ...(runs ? { refreshSeconds: REFRESH_SECONDS, scripts: ['live-progress.js'] } : {}),
  };
}

function shownFile(file: SealJobFileView, withNames: boolean) {
  return { ...file, title: titleOf(file, withNames) };
}

/** All files that could not be sealed, read a piece at a time. */
export function sendJobErrors(
  context: WebContext,
  reply: FastifyReply,
  job: FoundSealJob,
  { withNames }: { withNames: boolean },
): FastifyReply {
  return reply
    .header('content-disposition', `attachment; filename="seal-job-errors-${job.id}.csv"`)
    .header('cache-control', 'no-store')
    .type('text/csv; charset=utf-8')
    .send(Readable.from(errorLines(context, job.id, withNames)));
}

async function* errorLines(context: WebContext, jobId: string, withNames: boolean): AsyncGenerator<string> {
  yield ERROR_COLUMNS;
  yield* jobErrorRows(context, jobId, { withNames });
}
