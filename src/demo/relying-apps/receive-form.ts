import type { IncomingMessage } from 'node:http';

const MAX_BYTES = 32 * 1024;

/** A posted form, whole or not at all. @throws when it is larger than a logout token ever is. */
export async function receiveForm(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Error('the form is too large');
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}
