/** Uploaded files into memory, within bounds; nothing touches the disk. */
import type { FastifyRequest } from 'fastify';
import { Problem } from '#problem.ts';

export const MAX_VERIFIED_BYTES = 100 * 1024 * 1024;
const MAX_NAME_LENGTH = 120;

export interface ReceivedFile {
  name: string;
  bytes: Uint8Array;
}

/**
 * The file parts of a multipart request, at least one; all together no larger than `maxBytes`. Throws `too-large`,
 * `unsupported-media-type`, or `invalid-input` when there is no file or one too many.
 */
export async function receiveFiles(request: FastifyRequest, { maxBytes = MAX_VERIFIED_BYTES, maxFiles = 1 } = {}): Promise<ReceivedFile[]> {
  if (!request.isMultipart()) throw new Problem('unsupported-media-type');
  const received: ReceivedFile[] = [];
  let left = maxBytes;
  try {
    const limits = { fileSize: maxBytes, files: maxFiles + 1, fields: 8, fieldSize: 4096, parts: maxFiles + 9 };
    for await (const part of request.files({ limits })) {
      const bytes = await readWithin(part.file, left);
      // A form sent without choosing a file brings an empty part without a name.
      if (bytes.length === 0 && !part.filename) continue;
      if (received.length === maxFiles) throw tooMany(maxFiles);
      left -= bytes.length;
      received.push({ name: safeName(part.filename), bytes });
    }
  } catch (error) {
    throw error instanceof Problem ? error : multipartFault(error);
  }
  if (received.length === 0) throw missing();
  return received;
}

async function readWithin(stream: AsyncIterable<Buffer> & { truncated: boolean }, maxBytes: number): Promise<Uint8Array> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of stream) {
    length += piece.length;
    if (length > maxBytes) throw new Problem('too-large');
    pieces.push(piece);
  }
  if (stream.truncated) throw new Problem('too-large');
  return Buffer.concat(pieces);
}

function tooMany(maxFiles: number): Problem {
  return new Problem('invalid-input', {
    errors: [{ pointer: '/file', detail: `At most ${maxFiles} files at a time.`, detailZh: `一次最多 ${maxFiles} 个文件。` }],
  });
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
