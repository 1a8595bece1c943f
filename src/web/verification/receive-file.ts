/** One uploaded file into memory, within bounds; nothing touches the disk. */
import type { FastifyRequest } from 'fastify';
import { Problem } from '#problem.ts';

export const MAX_VERIFIED_BYTES = 100 * 1024 * 1024;
const MAX_NAME_LENGTH = 120;

export interface ReceivedFile {
  name: string;
  bytes: Uint8Array;
}

/** The first file part of a multipart request. Throws `too-large`, `unsupported-media-type`, or `invalid-input` when there is no file. */
export async function receiveFile(request: FastifyRequest, maxBytes = MAX_VERIFIED_BYTES): Promise<ReceivedFile> {
  if (!request.isMultipart()) throw new Problem('unsupported-media-type');
  const { part, bytes } = await readPart(request, maxBytes);
  // A form sent without choosing a file brings an empty part without a name.
  if (bytes.length === 0 && !part.filename) throw missing();
  return { name: safeName(part.filename), bytes };
}

async function readPart(request: FastifyRequest, maxBytes: number) {
  const part = await request
    .file({ limits: { fileSize: maxBytes, files: 1, fields: 8, fieldSize: 4096, parts: 9 } })
    .catch((error: unknown) => Promise.reject(multipartFault(error)));
  if (!part) throw missing();
  const bytes = await part.toBuffer().catch((error: unknown) => Promise.reject(multipartFault(error)));
  return { part, bytes };
}

/** The parser's own words about broken parts have no status; they are the sender's fault all the same. */
export function multipartFault(error: unknown): unknown {
  return (error as { statusCode?: number }).statusCode === undefined ? new Problem('malformed-request', { cause: error }) : error;
}

function missing(): Problem {
  return new Problem('invalid-input', { errors: [{ pointer: '/file', detail: 'Choose a file.', detailZh: '请选择文件。' }] });
}

/** The last part of the name, without what could confuse a reader. */
export function safeName(name: string | undefined): string {
  const last = (name ?? '').split(/[/\\]/).at(-1) ?? '';
  const plain = last.replace(/[\p{Cc}\p{Cf}]/gu, '').slice(-MAX_NAME_LENGTH);
  return plain || '文件';
}
