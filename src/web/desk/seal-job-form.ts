/** Bulk sealing begun in the browser: which seal, where, and the files, taken as they come. */
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { SealPlaceRule } from '#documents/seal-place.ts';
import { Problem } from '#problem.ts';
import { addNamedFiles, MAX_ARCHIVE_BYTES, type NamedFileResult } from '#seals/add-named-files.ts';
import type { SealJobParty } from '#seals/seal-job.ts';
import { safeName } from '#web/verification/receive-file.ts';
import type { WebContext } from '#web/web-context.ts';

/** Files of one form; more are added in further ones. */
export const MAX_FILES_AT_ONCE = 500;
export const JOB_UPLOAD = { upload: { maxFileBytes: MAX_ARCHIVE_BYTES, maxFiles: MAX_FILES_AT_ONCE, isStreamed: true } };

const millimetres = z
  .string()
  .trim()
  .regex(/^(?:\d{1,4}(?:\.\d{1,2})?)?$/, 'A number of millimetres. / 请填写毫米数。')
  .default('')
  .transform((text) => (text === '' ? undefined : Number(text)))
  .refine((value) => value === undefined || value <= 2_000, 'At most 2000. / 不超过 2000。');

export const NewJobForm = z
  .object({
    sealId: z.uuid('Choose a seal. / 请选择印章。'),
    requestId: z.string().regex(/^[A-Za-z0-9_-]{8,64}$/),
    page: z.enum(['last', 'first', 'all', 'seam', 'number']).default('last'),
    pageNumber: z
      .string()
      .trim()
      .regex(/^(?:[1-9]\d{0,4})?$/, 'A page number. / 请填写页码。')
      .default(''),
    fromRightMm: millimetres,
    fromBottomMm: millimetres,
    begin: z.enum(['now', 'later']).default('now'),
  })
  .refine(({ page, pageNumber }) => page !== 'number' || pageNumber !== '', {
    path: ['pageNumber'],
    message: 'Which page? / 请填写页码。',
  });

export function placeOf({ page, pageNumber, fromRightMm, fromBottomMm }: z.output<typeof NewJobForm>): SealPlaceRule {
  if (page === 'seam') return { page };
  return {
    page: page === 'number' ? Number(pageNumber) : page,
    ...(fromRightMm === undefined ? {} : { fromRightMm }),
    ...(fromBottomMm === undefined ? {} : { fromBottomMm }),
  };
}

/** Takes every file of the form; those that were refused come back with the reason. Throws what concerns the job as a whole. */
export async function takeFiles(context: WebContext, request: FastifyRequest, jobId: string, by: SealJobParty): Promise<NamedFileResult[]> {
  const results: NamedFileResult[] = [];
  if (!request.isMultipart()) throw new Problem('unsupported-media-type');
  for await (const part of request.streamedFiles) {
    // A form sent without choosing a file brings an empty part without a name.
    if (part.filename) {
      results.push(...(await addNamedFiles(context, { jobId, by, name: safeName(part.filename), content: wholeOf(part.file) })));
    }
    // What was refused in the middle is passed over, so that the next one comes.
    part.file.resume();
  }
  return results;
}

async function* wholeOf(file: AsyncIterable<Buffer> & { truncated: boolean }): AsyncGenerator<Uint8Array, void> {
  yield* file;
  if (file.truncated) throw new Problem('too-large');
}
