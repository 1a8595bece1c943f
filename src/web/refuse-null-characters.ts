/** PostgreSQL text cannot hold U+0000: input that has it is refused here, once, and not as a failure of the store. */
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { Problem } from '#problem.ts';
import { pointerOf } from './zod-faults.ts';

const MAX_DEPTH = 12;

export function refuseNullCharacters(server: FastifyInstance): void {
  server.addHook('preValidation', async (request) => {
    for (const [part, value] of [
      ['', request.body],
      ['query', request.query],
      ['params', request.params],
    ] as const) {
      if (Buffer.isBuffer(value) || value instanceof Readable) continue;
      const path = findNullCharacter(value, part ? [part] : []);
      if (path) {
        const detail = 'The null character is not allowed.';
        throw new Problem('invalid-input', { errors: [{ pointer: pointerOf(path), detail, detailZh: '不允许包含空字符。' }] });
      }
    }
  });
}

/** The way to the first string with U+0000, or to a nest too deep to be a form of ours. */
function findNullCharacter(value: unknown, path: readonly PropertyKey[]): readonly PropertyKey[] | undefined {
  if (typeof value === 'string') return value.includes('\0') ? path : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  if (path.length > MAX_DEPTH) return path;
  for (const [name, member] of Object.entries(value)) {
    const found = name.includes('\0') ? path : findNullCharacter(member, [...path, name]);
    if (found) return found;
  }
  return undefined;
}
