import type { FastifyRequest } from 'fastify';
import { faultyField } from '#problem.ts';

/** One text field of a posted form, empty when it is missing. Throws Problem `invalid-input` when it is longer than the page allows. */
export function field(request: FastifyRequest, name: string, maxLength: number): string {
  const value = (request.body as Record<string, unknown> | null | undefined)?.[name];
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string' || value.length > maxLength) throw faultyField(`/${name}`, 'This is too long.', '内容过长。');
  return value;
}
