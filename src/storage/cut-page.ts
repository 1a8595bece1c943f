/**
 * A page of rows, of which one more was read than is shown (`take: limit + 1`): it tells that there is another page. The cursor is the id
 * of the last row shown.
 */
export function cutPage<Row extends { id: string }>(rows: readonly Row[], limit: number): { shown: Row[]; next: { nextCursor?: string } } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { shown, next: rows.length > limit && last ? { nextCursor: last.id } : {} };
}
