/**
 * Characters that turn the direction of text around, or set it apart, make an official read another text than was written: a
 * name, a reason, a purpose. They are dropped from what forms and JSON bring; address books put them around telephone numbers, so
 * refusing would hit the innocent. Marks that scripts written from the right need (U+200E, U+200F, U+061C) stay.
 */
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';

const TURNING = /[\u202a-\u202e\u2066-\u2069]/g;

export function dropDirectionMarks(server: FastifyInstance): void {
  server.addHook('preValidation', async (request) => {
    if (isPlain(request.body)) request.body = withoutMarks(request.body);
  });
}

/** Forms and JSON; bytes and streams are not text of ours. Nests were bounded by `refuseNullCharacters`. */
function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) && !(value instanceof Readable);
}

function withoutMarks(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(TURNING, '');
  if (Array.isArray(value)) return value.map(withoutMarks);
  if (!isPlain(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withoutMarks(member)]));
}
