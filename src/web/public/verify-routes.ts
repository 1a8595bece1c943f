/** Public verification: drop a file, learn who sealed it and whether it was changed. Nothing is kept. */
import type { FastifyInstance } from 'fastify';
import { MAX_VERIFIED_BYTES } from '#web/verification/receive-file.ts';
import type { VerifyUpload } from '#web/verification/verify-upload.ts';

export function registerVerifyRoutes(server: FastifyInstance, verifyUpload: VerifyUpload): void {
  const maxMegabytes = MAX_VERIFIED_BYTES / 1024 / 1024;
  server.get('/verify', { schema: { hide: true } }, async (_request, reply) => reply.page('public/verify', { maxMegabytes }));

  // Anybody may verify anything and nothing changes by it, so there is no request to forge.
  server.post('/verify', { config: { csrf: false }, schema: { hide: true } }, async (request, reply) => {
    const { files, comparison } = await verifyUpload(request, { withPictures: true });
    const shown = files.map(({ report, pictures }) => ({ report, images: pictures.map(asDataUrl) }));
    return reply.page('public/verify-result', { files: shown, comparison, maxMegabytes });
  });
}

function asDataUrl(png: Uint8Array): string {
  return `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
}
