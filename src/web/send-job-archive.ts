import type { FastifyReply, FastifyRequest } from 'fastify';
import type { SealJobParty } from '#seals/seal-job.ts';
import { openJobArchive } from '#seals/seal-job-archive.ts';
import { streamFile } from './send-file.ts';
import type { WebContext } from './web-context.ts';

/** All sealed files of a job, to its page and to systems alike. Throws as `openJobArchive`; a result that cannot be read is in the log. */
export async function sendJobArchive(
  context: WebContext,
  request: FastifyRequest,
  reply: FastifyReply,
  { jobId, by }: { jobId: string; by: SealJobParty },
): Promise<FastifyReply> {
  const onDamaged = (fileId: string) => request.log.error({ jobId, fileId }, 'the result of a file cannot be read');
  return streamFile(reply, await openJobArchive(context, { jobId, by, onDamaged }));
}
