/** Bulk sealing for a department: its jobs, one with its files and what is to be done with it, and beginning one by sending files. */
import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '#problem.ts';
import type { NamedFileResult } from '#seals/add-named-files.ts';
import { changeSealJob, createSealJob, SEAL_JOB_ACTS, type SealJobAct } from '#seals/create-seal-job.ts';
import { readSealedFile } from '#seals/find-seal-jobs.ts';
import { listSeals } from '#seals/find-seals.ts';
import { describeSealJob, type FoundSealJob } from '#seals/search-seal-jobs.ts';
import { requireUuid } from '#web/path-parameters.ts';
import { type Refusal, refusalOf, refusalOfFaults } from '#web/refusal.ts';
import { sealJobWords } from '#web/seal-job-words.ts';
import { streamFile } from '#web/send-file.ts';
import { sendJobArchive } from '#web/send-job-archive.ts';
import { requireStaff } from '#web/session.ts';
import { organisationName } from '#web/staff-position.ts';
import { parseForm } from '#web/validate-with-zod.ts';
import type { WebContext } from '#web/web-context.ts';
import { sealJobFacts, sealJobsPage, sendJobErrors } from './seal-job-facts.ts';
import { JOB_UPLOAD, MAX_FILES_AT_ONCE, NewJobForm, placeOf, takeFiles } from './seal-job-form.ts';
import { DESK_SECTIONS } from './sections.ts';

type Query = { Querystring: Record<string, string> };
const PLACE = '/desk/seal-jobs';

export function registerSealJobRoutes(server: FastifyInstance, context: WebContext): void {
  const options = { schema: { hide: true } };
  const common = { sections: DESK_SECTIONS, surface: 'desk', place: PLACE };

  server.get<Query>(PLACE, options, async (request, reply) => {
    const { organisationId } = requireStaff(request, 'issuer');
    const [page, organisation] = await Promise.all([
      sealJobsPage(context, request.query, organisationId),
      organisationName(context, organisationId),
    ]);
    return reply.page('desk/seal-jobs', { ...common, ...page, organisation });
  });

  async function formPage(request: FastifyRequest, reply: FastifyReply, refusal: Refusal | undefined = undefined) {
    const { organisationId } = requireStaff(request, 'issuer');
    if (refusal) reply.code(refusal.status);
    const seals = (await listSeals(context, { organisationId })).filter(({ status }) => status === 'active');
    const values = { requestId: randomUUID(), page: 'last', begin: 'now', ...((request.body ?? request.query ?? {}) as object) };
    const facts = { seals, values, refusal, maxFiles: MAX_FILES_AT_ONCE, pages: sealJobWords.pages, scripts: ['submit-once.js'] };
    return reply.page('desk/seal-job-new', { ...common, ...facts });
  }

  server.get(`${PLACE}/new`, options, async (request, reply) => formPage(request, reply));

  server.post(PLACE, { ...options, config: JOB_UPLOAD }, async (request, reply) => {
    const by = requireStaff(request, 'issuer');
    const { data, faults } = parseForm(NewJobForm, request.body);
    if (!data) return formPage(request, reply, refusalOfFaults(faults));
    let job: { id: string };
    try {
      const { sealId, requestId } = data;
      job = await createSealJob(context, { sealId, requestId, place: placeOf(data), by });
    } catch (error) {
      return formPage(request, reply, refusalOf(error));
    }
    return take(request, reply, job.id, data.begin === 'now');
  });

  /** Adds what the form brings; begins the job when that is wanted and nothing was refused. */
  async function take(request: FastifyRequest, reply: FastifyReply, jobId: string, begin: boolean) {
    const by = requireStaff(request, 'issuer');
    let results: NamedFileResult[];
    try {
      results = await takeFiles(context, request, jobId, by);
      if (results.length === 0) throw new Problem('invalid-input', { errors: [NO_FILE] });
      if (begin && results.every(({ refusal }) => !refusal)) await changeSealJob(context, { jobId, act: 'start', by });
    } catch (error) {
      return jobPage(request, reply, { jobId, refusal: refusalOf(error) });
    }
    const refused = results.flatMap(({ name, refusal }) => (refusal ? [{ name, ...refusalOf(refusal) }] : []));
    if (refused.length > 0) return jobPage(request, reply, { jobId, refused, taken: results.length - refused.length });
    return reply.redirect(`${PLACE}/${jobId}`, 303);
  }

  interface Shown {
    jobId?: string;
    refusal?: Refusal;
    /** Files that were just sent and not taken. */
    refused?: readonly (Refusal & { name: string })[];
    taken?: number;
  }

  async function requireOwn(request: FastifyRequest, jobId = requireUuid((request.params as { id?: string }).id)): Promise<FoundSealJob> {
    const { organisationId } = requireStaff(request, 'issuer');
    const job = await describeSealJob(context, jobId);
    if (job?.organisationId !== organisationId) throw new Problem('seal-job-not-found');
    return job;
  }

  async function jobPage(request: FastifyRequest, reply: FastifyReply, { jobId, refusal, refused = [], taken = 0 }: Shown = {}) {
    const job = await requireOwn(request, jobId);
    if (refusal) reply.code(refusal.status);
    else if (refused.length > 0) reply.code(422);
    const facts = await sealJobFacts(context, job, request.query as Record<string, string>, { withNames: true });
    return reply.page('desk/seal-job', { ...common, ...facts, refusal, refused, taken, maxFiles: MAX_FILES_AT_ONCE });
  }

  server.get(`${PLACE}/:id`, options, async (request, reply) => jobPage(request, reply));

  server.get(`${PLACE}/:id/errors.csv`, options, async (request, reply) =>
    sendJobErrors(context, reply, await requireOwn(request), { withNames: true }),
  );

  server.get(`${PLACE}/:id/results.zip`, options, async (request, reply) => {
    const { id: jobId } = await requireOwn(request);
    return sendJobArchive(context, request, reply, { jobId, by: requireStaff(request, 'issuer') });
  });

  server.get<{ Params: { key: string } }>(`${PLACE}/:id/files/:key`, options, async (request, reply) => {
    const { id: jobId } = await requireOwn(request);
    return streamFile(reply, await readSealedFile(context, { jobId, key: request.params.key, by: requireStaff(request, 'issuer') }));
  });

  server.post(`${PLACE}/:id/files`, { ...options, config: JOB_UPLOAD }, async (request, reply) => {
    const { id } = await requireOwn(request);
    return take(request, reply, id, false);
  });

  server.post<{ Params: { act: string } }>(`${PLACE}/:id/:act`, options, async (request, reply) => {
    const act = SEAL_JOB_ACTS.find((one): one is SealJobAct => one === request.params.act);
    if (!act) throw new Problem('not-found');
    const job = await requireOwn(request);
    try {
      if (act === 'start' && Object.values(job.files).every((count) => count === 0))
        throw new Problem('invalid-input', { errors: [NO_FILE] });
      await changeSealJob(context, { jobId: job.id, act, by: requireStaff(request, 'issuer') });
    } catch (error) {
      return jobPage(request, reply, { refusal: refusalOf(error) });
    }
    return reply.redirect(`${PLACE}/${job.id}`, 303);
  });
}

const NO_FILE = { pointer: '/file', detail: 'Choose files to seal.', detailZh: '请选择要盖章的文件。' };
