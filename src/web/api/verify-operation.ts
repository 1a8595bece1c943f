/** Verifying a file, as the public page and the command do, answering CONTRACT's JSON. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { contractReport } from '#documents/contract-report.ts';
import type { VerifyUpload } from '#web/verification/verify-upload.ts';
import { FileVerdictSchema, ProblemSchema } from './schemas.ts';

export function registerVerifyOperation(server: FastifyInstance, verifyUpload: VerifyUpload): void {
  server.withTypeProvider<ZodTypeProvider>().post(
    '/api/verify',
    {
      // Public, and nothing changes by it.
      config: { csrf: false },
      schema: {
        tags: ['verify'],
        summary: 'Verify an OFD, PDF or seal file (multipart field `file`); nothing is kept',
        consumes: ['multipart/form-data'],
        response: { 200: FileVerdictSchema, 413: ProblemSchema, 415: ProblemSchema, 422: ProblemSchema },
      },
    },
    async (request) => contractReport((await verifyUpload(request, { withPictures: false })).report),
  );
}
