/** Parts of an address: what cannot be one of ours is simply not there. */
import { isUuid } from '#people/is-uuid.ts';
import { Problem } from '#problem.ts';

/** Throws `not-found` for anything that is no UUID. */
export function requireUuid(text: string | undefined): string {
  if (text === undefined || !isUuid(text)) throw new Problem('not-found');
  return text;
}

/** A paging cursor as we gave it, or nothing. */
export function cursorOf(query: unknown): string | undefined {
  const cursor = (query as { cursor?: unknown }).cursor;
  return typeof cursor === 'string' && cursor.length > 0 && cursor.length <= 200 ? cursor : undefined;
}
