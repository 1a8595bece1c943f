/** ST_Loc (GB/T 33190 §7.3): how a path in one file of a package names another. Entry names have no leading slash. */

import { ZipError } from '#documents/container/zip-error.ts';

/** The directory an entry lies in; '' for the root. */
export function directoryOf(entryName: string): string {
  const slash = entryName.lastIndexOf('/');
  return slash < 0 ? '' : entryName.slice(0, slash);
}

/**
 * The entry name a path stands for: absolute from the root, otherwise from the directory.
 * Undefined when it is empty or leads out of the package.
 */
export function resolvePath(directory: string, loc: string): string | undefined {
  const absolute = loc.startsWith('/');
  const segments = absolute || directory === '' ? [] : directory.split('/');
  for (const segment of loc.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment !== '..') segments.push(segment);
    else if (segments.pop() === undefined) return undefined;
  }
  return segments.length === 0 ? undefined : segments.join('/');
}

/** As readers do that stay at the root when a path leads out of the package, and take every path for a relative one. */
function resolveLoosely(directory: string, loc: string): string {
  const segments: string[] = [];
  for (const segment of `${directory}/${loc}`.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  return segments.join('/');
}

/** More levels than any package has: beyond, only the directory itself is tried. */
const MAX_LEVELS = 16;

/** The directory and those above it. */
function upwards(directory: string): string[] {
  const segments = resolveLoosely('', directory).split('/');
  if (segments.length > MAX_LEVELS) return [directory];
  return segments.map((_segment, index) => segments.slice(0, segments.length - index).join('/'));
}

/** Without slashes at the end, in one pass: a pattern would try each of a million slashes anew. */
export function withoutTrailingSlashes(path: string): string {
  let end = path.length;
  while (end > 0 && path[end - 1] === '/') end--;
  return path.slice(0, end);
}

/** The path with percent escapes decoded; undefined when there are none or they are wrong. */
export function percentDecoded(path: string): string | undefined {
  if (!path.includes('%')) return undefined;
  try {
    const decoded = decodeURIComponent(path);
    return decoded === path ? undefined : decoded;
  } catch {
    return undefined;
  }
}

/** ASCII letters, digits and the like, no dot at the end of a part: only the case is left to fold. */
const PLAIN_NAME = /^[\w/-]*(?:\.[\w-][\w/-]*)*$/;

/**
 * File systems of some readers take such names for one and the same: without regard to case, composition and width, to characters
 * that are not seen (HFS+), to dots and blanks at the end of a part, and to what stands behind a colon (Windows, NTFS). Unpacking turns
 * characters that Windows refuses into underscores, leaves out parts of which nothing stays,
 * and cuts a version number off (Info-ZIP).
 * @param colon what becomes of a colon.
 */
function foldedName(name: string, colon: 'cut' | 'replaced' = 'cut'): string {
  if (PLAIN_NAME.test(name)) return name.toLowerCase();
  const parts = (percentDecoded(name) ?? name)
    .normalize('NFKC')
    .replace(/;\d{0,9}$/, '')
    .split('/')
    .map((part) => (colon === 'cut' ? (part.split(':', 1)[0] ?? '') : part))
    .map((part) => part.replace(/[<>:"|?*]/g, '_').replace(/(?<![. ])[. ]+$/, ''));
  return parts
    .filter((part) => part !== '')
    .join('/')
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .toUpperCase()
    .toLowerCase()
    .normalize('NFC');
}

/** Both readings of a name with a colon in it. */
function foldedNames(name: string): readonly string[] {
  return name.includes(':') ? [foldedName(name), foldedName(name, 'replaced')] : [foldedName(name)];
}

/** `PUBLIC~1.XML`: Windows opens the long-named file of the same beginning under such a name too, and unpacking writes over it. */
const SHORT_PART = /^[^.~]{1,6}~\d{1,6}(?:\.[^.]{0,3})?$/;

/** No producer makes so many names that are one for some file system; each path to one of them leads to all. */
const MAX_TWINS = 64;

/** One that nobody signed is enough to tell; more would be work without end. */
const MAX_SHORT_TWINS = 64;

/** What a name has in common with its short name: each part's first two letters (the next may be a digest) and its extension. */
function shortKey(name: string): string {
  const key = ([first, ...rest]: readonly string[]) => `${first?.slice(0, 2)}.${rest.at(-1)?.slice(0, 3) ?? ''}`;
  return foldedName(name)
    .split('/')
    .map((part) => key(part.replaceAll(' ', '').split('.')))
    .join('/');
}

/** Finds files by the paths that other files give, the strict reading first and then those of tolerant readers. */
export class PathIndex {
  readonly #names: ReadonlySet<string>;
  readonly #byFolded = new Map<string, string[]>();
  /** Names with a short part, by what long names of theirs must have. */
  readonly #short = new Map<string, string[]>();

  /** Throws ZipError for more names that are one than anybody needs. */
  constructor(names: Iterable<string>) {
    this.#names = new Set(names);
    for (const name of this.#names) {
      for (const folded of foldedNames(name)) {
        const twins = this.#byFolded.get(folded);
        if (twins && twins.length >= MAX_TWINS) throw new ZipError('work-limit', name);
        if (twins) twins.push(name);
        else this.#byFolded.set(folded, [name]);
      }
      if (!name.includes('~') || !name.split('/').some((part) => SHORT_PART.test(part))) continue;
      const key = shortKey(name);
      this.#short.set(key, [...(this.#short.get(key) ?? []), name].slice(-MAX_SHORT_TWINS));
    }
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** Names that some file system takes for this one, itself included: by case, by how accents are composed, by a short name. */
  twinsOf(name: string): readonly string[] {
    const twins = foldedNames(name).flatMap((folded) => this.#byFolded.get(folded) ?? []);
    const short = this.#short.size > 0 ? this.#short.get(shortKey(name)) : undefined;
    return short ? [...twins, ...short] : twins;
  }

  /**
   * Every file some reader might take for this path, the most likely one first: relative to the given directories in
   * turn, then from the root, each also percent-decoded and without regard to case; last from the directories above and
   * from the other ones, whether or not the path says that it is absolute.
   * @param others directories that only few readers would look in.
   */
  candidates(loc: string, directories: readonly string[], others: readonly string[] = []): string[] {
    const cleaned = loc.trim().replaceAll('\\', '/');
    const found = new Set<string>();
    const tried = new Set<string>();
    const wide = new Set([...directories, ...others].flatMap(upwards)).add('');
    for (const form of [cleaned, percentDecoded(cleaned)]) {
      if (!form) continue;
      for (const directory of [...directories, '']) {
        const name = resolvePath(directory, form);
        if (!name) continue;
        if (this.#names.has(name)) found.add(name);
        tried.add(name);
      }
      for (const directory of wide) tried.add(resolveLoosely(directory, form));
    }
    const loose = [...tried].flatMap((name) => this.twinsOf(name));
    return [...new Set([...found, ...loose])];
  }
}
