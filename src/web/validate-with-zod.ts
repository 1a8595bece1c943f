/** Request validation by zod: the parsed value goes on, unknown members are left behind by the schemas themselves. */
import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';
import type { FieldFault } from '#problem.ts';
import { faultsOfZodError } from './zod-faults.ts';

export const zodValidator: FastifySchemaCompiler<z.ZodType> =
  ({ schema }) =>
  (input: unknown) => {
    const result = schema.safeParse(input);
    return result.success ? { value: result.data } : { error: result.error };
  };

export type ParsedForm<T> = { data: T; faults: undefined } | { data: undefined; faults: readonly FieldFault[] };

/** For pages that show faults at their fields again rather than as a problem. */
export function parseForm<T>(schema: z.ZodType<T>, input: unknown): ParsedForm<T> {
  const result = schema.safeParse(input ?? {});
  return result.success ? { data: result.data, faults: undefined } : { data: undefined, faults: faultsOfZodError(result.error) };
}
