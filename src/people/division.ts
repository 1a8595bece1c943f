/** Administrative divisions: six digits by GB/T 2260, or twelve with township and village as statistics count them. */

/** Form only. Divisions are dissolved and their codes stay on old papers, so no list of today's decides. */
export function isDivisionCode(text: string): boolean {
  return /^[1-8]\d{5}(\d{6})?$/.test(text);
}

/** The province's own code, for example 350000. */
export function provinceOfDivision(code: string): string {
  return `${code.slice(0, 2)}0000`;
}

/** True when `inner` is `outer` or lies within it: trailing pairs of zeros stand for the whole. */
export function isWithinDivision(inner: string, outer: string): boolean {
  const prefix = outer.length === 12 ? outer.replace(/(000000|000)$/, '') : outer;
  const significant = prefix.length === 6 ? prefix.replace(/(0000|00)$/, '') : prefix;
  return inner.startsWith(significant);
}
