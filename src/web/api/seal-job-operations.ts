/** Sealing in bulk for departments' systems: a job, its files one by one, progress, results. */
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { Problem } from '#problem.ts';
import { addJobFile, changeSealJob, createSealJob, SEAL_JOB_ACTS } from '#seals/create-seal-job.ts';
import { findSealJob, listJobFiles, listSealJobs, readSealedFile } from '#seals/find-seal-jobs.ts';
import { SEAL_JOB_FILE_STATUSES, SEAL_JOB_STATUSES } from '#seals/seal-job.ts';
import { streamFile } from '#web/send-file.ts';
import { sendJobArchive } from '#web/send-job-archive.ts';
import type { WebContext } from '#web/web-context.ts';
import { authorise } from './authorise.ts';
import { refusals, tokenOrSession } from './schemas.ts';

const NEED = { scope: 'seals:use', role: 'issuer' } as const;
const id = z.object({ id: z.uuid() });
const fileOf = z.object({ id: z.uuid(), key: z.string().regex(/^[A-Za-z0-9._-]{1,100}$/) });
const millimetres = z.number().min(0).max(2_000);

const Place = z
  .strictObject({
    page: z.union([z.enum(['first', 'last', 'all', 'seam']), z.int().min(1).max(100_000)]).optional(),
    xMm: millimetres.optional(),
    fromRightMm: millimetres.optional(),
    yMm: millimetres.optional(),
    fromBottomMm: millimetres.optional(),
  })
  .describe(
    'Centre of the seal in millimetres; `seam` puts a strip of it on each page’s edge. Default: last page, 45 from the right, 55 from the bottom',
  );

const JobSchema = z
  .object({
    id: z.string(),
    sealId: z.string(),
    status: z.enum(SEAL_JOB_STATUSES),
    place: Place,
    files: z.object({ waiting: z.int(), sealed: z.int(), failed: z.int() }),
    createdAt: z.date(),
    startedAt: z.date().optional(),
    finishedAt: z.date().optional(),
    resumesAt: z.date().optional().describe('The seal was used today as often as it may be: the rest waits until then'),
  })
  .meta({ id: 'SealJob' });

const FileSchema = z
  .object({
    id: z.string(),
    key: z.string(),
    format: z.enum(['ofd', 'pdf']),
    status: z.enum(SEAL_JOB_FILE_STATUSES),
    error: z.string().optional().describe('Code of the problem'),
    errorDetail: z.string().optional().describe('What is wrong with this file'),
    errorDetailZh: z.string().optional().describe('The same in Chinese'),
    digest: z.string().optional().describe('SHA-256 of the sealed file'),
    bytes: z.int().optional(),
  })
  .meta({ id: 'SealJobFile' });

export function registerSealJobOperations(server: FastifyInstance, context: WebContext): void {
  const api = server.withTypeProvider<ZodTypeProvider>();
  const security = tokenOrSession(NEED.scope);
  const common = { tags: ['seals'], security };

  api.post(
    '/api/seal-jobs',
    {
      schema: {
        ...common,
        summary: 'Begin a job: many OFD and PDF files under one seal',
        description: 'The same request id sent again gives the same job. Add the files, then start it.',
        body: z.strictObject({ sealId: z.uuid(), requestId: z.string().regex(/^[A-Za-z0-9_-]{8,64}$/), place: Place.default({}) }),
        response: { 201: JobSchema, ...refusals },
      },
    },
    async (request, reply) => {
      const by = await authorise(context, request, NEED);
      const { sealId, requestId, place } = request.body;
      return reply.code(201).send(await createSealJob(context, { sealId, requestId, place: withoutGaps(place), by }));
    },
  );

  api.get(
    '/api/seal-jobs',
    {
      schema: {
        ...common,
        summary: 'The newest jobs of this organisation',
        response: { 200: z.object({ items: z.array(JobSchema) }), ...refusals },
      },
    },
    async (request) => ({ items: await listSealJobs(context, { by: await authorise(context, request, NEED) }) }),
  );

  api.get(
    '/api/seal-jobs/:id',
    { schema: { ...common, summary: 'Progress of a job', params: id, response: { 200: JobSchema, ...refusals } } },
    async (request) => findSealJob(context, { jobId: request.params.id, by: await authorise(context, request, NEED) }),
  );

  api.post(
    '/api/seal-jobs/:id/:act',
    {
      schema: {
        ...common,
        summary: 'Start, pause, resume or cancel a job',
        params: z.object({ id: z.uuid(), act: z.enum(SEAL_JOB_ACTS) }),
        response: { 200: JobSchema, ...refusals },
      },
    },
    async (request) => {
      const by = await authorise(context, request, NEED);
      return changeSealJob(context, { jobId: request.params.id, act: request.params.act, by });
    },
  );

  api.get(
    '/api/seal-jobs/:id/files',
    {
      schema: {
        ...common,
        summary: 'Files of a job, with what went wrong',
        params: id,
        querystring: z.object({
          status: z.enum(SEAL_JOB_FILE_STATUSES).optional(),
          cursor: z.uuid().optional(),
          limit: z.coerce.number().int().min(1).max(1_000).default(100),
        }),
        response: { 200: z.object({ items: z.array(FileSchema), nextCursor: z.string().optional() }), ...refusals },
      },
    },
    async (request) => {
      const by = await authorise(context, request, NEED);
      return listJobFiles(context, { ...request.query, jobId: request.params.id, by });
    },
  );

  // In its own scope: only here a file is taken as the body, and handed on as it comes.
  void server.register(async (scope) => {
    scope.addContentTypeParser(['application/octet-stream', 'application/ofd', 'application/pdf'], (_request, body, done) =>
      done(null, body),
    );
    scope.withTypeProvider<ZodTypeProvider>().put(
      '/api/seal-jobs/:id/files/:key',
      {
        schema: {
          ...common,
          summary: 'Add a file to a job that has not been started; the body is the OFD (up to 200 MiB) or PDF (up to 100 MiB) itself',
          description: 'The key is your own name for the file: no names of people. Sent again with the same bytes nothing changes.',
          consumes: ['application/octet-stream'],
          params: fileOf,
          response: { 201: z.object({ key: z.string(), digest: z.string(), added: z.boolean() }), ...refusals },
        },
      },
      async (request, reply) => {
        const by = await authorise(context, request, NEED);
        const { id: jobId, key } = request.params;
        return reply.code(201).send(await addJobFile(context, { jobId, key, content: piecesOfBody(request.body), by }));
      },
    );
  });

  api.get(
    '/api/seal-jobs/:id/files/:key',
    { schema: { ...common, summary: 'The sealed file', params: fileOf } },
    async (request, reply) => {
      const by = await authorise(context, request, NEED);
      return streamFile(reply, await readSealedFile(context, { jobId: request.params.id, key: request.params.key, by }));
    },
  );

  api.get(
    '/api/seal-jobs/:id/results.zip',
    {
      schema: {
        ...common,
        summary: 'All sealed files of a job in one ZIP archive',
        description:
          'What has been sealed so far, under the names the files came with (a system’s: `{key}.{format}`), with `results.csv` (SHA-256, SM3, seal number, time) and, when some could not be sealed, `errors.csv`. Of a job that has not ended the rest is missing: look at its progress first. Above 4 GiB the archive is ZIP64.',
        params: id,
      },
    },
    async (request, reply) => {
      const by = await authorise(context, request, NEED);
      return sendJobArchive(context, request, reply, { jobId: request.params.id, by });
    },
  );
}

/** Throws Problem `malformed-request` when the sender goes away before the end. */
async function* piecesOfBody(body: unknown): AsyncGenerator<Uint8Array, void> {
  if (!(body instanceof Readable)) return;
  try {
    yield* body;
  } catch (cause) {
    throw new Problem('malformed-request', { cause });
  }
}

function withoutGaps(place: z.output<typeof Place>) {
  return Object.fromEntries(Object.entries(place).filter(([, value]) => value !== undefined));
}
