/** Ids come back from addresses and forms; PostgreSQL refuses what is none, and that would be our error instead of a plain "not found". */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(text);
}
