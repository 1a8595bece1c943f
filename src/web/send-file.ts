import type { FastifyReply } from 'fastify';

/** Sends a file for saving. The name may be Chinese: RFC 6266 with an ASCII fallback. */
export function sendFile(reply: FastifyReply, file: { bytes: Uint8Array; fileName: string; mediaType: string }): FastifyReply {
  const ascii = file.fileName.replace(/[^\x20-\x7e]|["\\]/g, '_');
  return reply
    .header('content-disposition', `attachment; filename="${ascii}"; filename*=UTF-8''${encodeURIComponent(file.fileName)}`)
    .type(file.mediaType)
    .send(Buffer.from(file.bytes.buffer, file.bytes.byteOffset, file.bytes.byteLength));
}
