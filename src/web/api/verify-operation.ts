/** Verifying a file, as the public page and the command do, answering CONTRACT's JSON. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { contractReport } from '#documents/contract-report.ts';
import type { VerifyUpload } from '#web/verification/verify-upload.ts';
import { FileVerdictSchema, ProblemSchema, SameLicenceSchema } from './schemas.ts';

export function registerVerifyOperation(server: FastifyInstance, verifyUpload: VerifyUpload): void {
  server.withTypeProvider<ZodTypeProvider>().post(
    '/api/verify',
    {
      // Public, and nothing changes by it.
      config: { csrf: false },
      schema: {
        tags: ['verify'],
        summary: 'Verify an OFD, PDF or seal file (multipart field `file`), or two and whether they show one licence; nothing is kept',
        consumes: ['multipart/form-data'],
        response: { 200: z.union([FileVerdictSchema, SameLicenceSchema]), 413: ProblemSchema, 415: ProblemSchema, 422: ProblemSchema },
      },
    },
    async (request) => {
      const { files, comparison } = await verifyUpload(request, { withPictures: false });
      const reports = files.map(({ report }) => contractReport(report));
      if (comparison) return { files: reports, sameLicence: comparison };
      const [only] = reports;
      if (!only) throw new Error('an upload without a file got past its reader');
      return only;
    },
  );
}
