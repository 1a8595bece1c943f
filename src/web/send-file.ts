import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';

/** Sends a file for saving. The name may be Chinese: RFC 6266 with an ASCII fallback. */
export function sendFile(reply: FastifyReply, file: { bytes: Uint8Array; fileName: string; mediaType: string }): FastifyReply {
  return describe(reply, file).send(Buffer.from(file.bytes.buffer, file.bytes.byteOffset, file.bytes.byteLength));
}

/**
 * The same piece by piece, for files that are not held in memory; of those made on the way nobody knows the length. An error on the way
 * breaks the connection off: half a file never looks whole. A reader who goes away ends the pieces.
 */
export function streamFile(
  reply: FastifyReply,
  file: { length?: number; pieces: () => AsyncIterable<Uint8Array>; fileName: string; mediaType: string },
): FastifyReply {
  // For HEAD a stream would be read to its end all the same, and thrown away.
  const pieces = reply.request.method === 'HEAD' ? [] : file.pieces();
  if (file.length !== undefined) reply.header('content-length', file.length);
  return describe(reply, file).send(Readable.from(pieces, { objectMode: false }));
}

function describe(reply: FastifyReply, { fileName, mediaType }: { fileName: string; mediaType: string }): FastifyReply {
  const ascii = fileName.replace(/[^\x20-\x7e]|["\\]/g, '_');
  return reply
    .header('content-disposition', `attachment; filename="${ascii}"; filename*=UTF-8''${encodeURIComponent(fileName)}`)
    .type(mediaType);
}
