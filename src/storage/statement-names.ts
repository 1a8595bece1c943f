/** Which statements PostgreSQL keeps prepared, so that it parses and plans them once for a connection and not at every call. */

/** Times a text is seen before it gets a name: what is put together for one call (lists of another length each time) never does. */
const SEEN_BEFORE_NAMED = 3;
/** PostgreSQL keeps each of them for as long as the connection lives. */
const MAX_NAMED = 400;
/** Texts counted but not named; then counting begins anew. */
const MAX_COUNTED = 2_000;
/** Longer texts are made for one call. */
const MAX_TEXT = 8_192;

/**
 * A function from the text of a statement to its name; undefined for one that is better planned at each call. A name belongs to one
 * text for ever, as `pg` demands.
 */
export function statementNames({ maxNamed = MAX_NAMED } = {}): (text: string) => string | undefined {
  const named = new Map<string, string>();
  const counted = new Map<string, number>();
  return (text) => {
    const name = named.get(text);
    if (name !== undefined || text.length > MAX_TEXT || named.size >= maxNamed) return name;
    const seen = (counted.get(text) ?? 0) + 1;
    if (seen >= SEEN_BEFORE_NAMED) {
      const fresh = `tongren_${named.size + 1}`;
      named.set(text, fresh);
      counted.delete(text);
      return fresh;
    }
    if (counted.size >= MAX_COUNTED) counted.clear();
    counted.set(text, seen);
    return undefined;
  };
}
