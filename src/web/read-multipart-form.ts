/**
 * Forms with a file: the parts are read into memory within bounds before anything else looks at the request,
 * so that the token check and the handlers find an ordinary body. Of forms with many or large files only the fields in front
 * are read; the handler takes the files one by one as they come.
 */
import type { MultipartFile } from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { requireSession } from './session.ts';
import { multipartFault } from './verification/receive-file.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * The route takes a multipart form from who is signed in, or, when `open`, from anybody; no file of it may be larger than this. One
     * file unless said otherwise, and in memory unless it is streamed.
     */
    upload?: { maxFileBytes: number; maxFiles?: number; open?: boolean; isStreamed?: boolean };
  }
  interface FastifyRequest {
    /** Files of the form by field name; those left empty are not there. */
    uploads: ReadonlyMap<string, { name: string; bytes: Uint8Array }>;
    /** Files of a streamed form in their order, those left empty too; each must be read to its end before the next. Fields behind them do not count. */
    streamedFiles: AsyncIterable<MultipartFile>;
  }
}

const MAX_FIELDS = 80;
const MAX_FIELDS_OF_ANYBODY = 8;
const MAX_FIELD_BYTES = 16 * 1024;

export function registerMultipartForms(server: FastifyInstance): void {
  server.decorateRequest('uploads');
  server.decorateRequest('streamedFiles');
  server.addHook('preValidation', async (request) => {
    const uploads = new Map<string, { name: string; bytes: Uint8Array }>();
    request.uploads = uploads;
    const { upload } = request.routeOptions.config;
    if (!upload || !request.isMultipart()) return;
    // Before a byte is read: nobody fills our memory without signing in; what is open to all takes little.
    if (!upload.open) requireSession(request);
    const fields: Record<string, string | string[]> = {};
    const { maxFiles = 1 } = upload;
    const maxFields = upload.open ? MAX_FIELDS_OF_ANYBODY : MAX_FIELDS;
    const limits = {
      fileSize: upload.maxFileBytes,
      files: maxFiles,
      fields: maxFields,
      fieldSize: MAX_FIELD_BYTES,
      parts: maxFields + maxFiles,
    };
    try {
      if (upload.isStreamed) {
        request.body = await fieldsInFront(request, request.parts({ limits }));
        return;
      }
      for await (const part of request.parts({ limits })) {
        if (part.type === 'field') fields[part.fieldname] = together(fields[part.fieldname], String(part.value));
        else {
          const bytes = await part.toBuffer();
          if (bytes.length > 0) uploads.set(part.fieldname, { name: part.filename, bytes });
        }
      }
    } catch (error) {
      throw multipartFault(error);
    }
    request.body = fields;
  });
}

type Parts = ReturnType<FastifyRequest['parts']>;

/** Reads up to the first file and leaves the rest to `streamedFiles`. */
async function fieldsInFront(request: FastifyRequest, parts: Parts): Promise<Record<string, string | string[]>> {
  const fields: Record<string, string | string[]> = {};
  let next = await parts.next();
  for (; !next.done && next.value.type === 'field'; next = await parts.next()) {
    fields[next.value.fieldname] = together(fields[next.value.fieldname], String(next.value.value));
  }
  const first = next.done || next.value.type === 'field' ? undefined : next.value;
  request.streamedFiles = filesFrom(first, parts);
  return fields;
}

async function* filesFrom(first: MultipartFile | undefined, parts: Parts): AsyncGenerator<MultipartFile, void> {
  if (!first) return;
  try {
    yield first;
    for await (const part of parts) if (part.type === 'file') yield part;
  } catch (error) {
    throw multipartFault(error);
  }
}

/** As in ordinary forms: boxes ticked under one name are a list. */
function together(before: string | string[] | undefined, value: string): string | string[] {
  return before === undefined ? value : [before, value].flat();
}
