/** Public verification: drop a file, learn who sealed it and whether it was changed. Nothing is kept. */
import type { FastifyInstance } from 'fastify';
import type { SignatureReport } from '#documents/verdict.ts';
import { findSealStatusOfCertificate, type PublicSealStatus } from '#seals/find-seal-status.ts';
import { sealWords } from '#web/seal-words.ts';
import { MAX_VERIFIED_BYTES } from '#web/verification/receive-file.ts';
import type { VerifyUpload } from '#web/verification/verify-upload.ts';
import type { WebContext } from '#web/web-context.ts';

export function registerVerifyRoutes(server: FastifyInstance, context: WebContext, verifyUpload: VerifyUpload): void {
  const maxMegabytes = MAX_VERIFIED_BYTES / 1024 / 1024;
  server.get('/verify', { schema: { hide: true } }, async (_request, reply) => reply.page('public/verify', { maxMegabytes }));

  // Anybody may verify anything and nothing changes by it, so there is no request to forge.
  server.post('/verify', { config: { csrf: false }, schema: { hide: true } }, async (request, reply) => {
    const { files, comparison } = await verifyUpload(request, { withPictures: true });
    const shown = await Promise.all(
      files.map(async ({ report, pictures }) => ({
        report,
        images: pictures.map(asDataUrl),
        seals: await Promise.all(report.signatures.map((signature) => sealNow(context, signature))),
      })),
    );
    return reply.page('public/verify-result', { files: shown, comparison, maxMegabytes, sealStatus: sealWords.now });
  });
}

function asDataUrl(png: Uint8Array): string {
  return `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
}

/** How a seal of ours stands today; a signature that does not hold says nothing of any seal. */
async function sealNow(context: WebContext, { verdict, signer }: SignatureReport): Promise<PublicSealStatus | undefined> {
  return verdict === 'genuine' && signer?.serial ? findSealStatusOfCertificate(context, signer.serial) : undefined;
}
