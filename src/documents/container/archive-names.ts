/**
 * Names for files that people named, so that an archive of them unpacks everywhere: no way out of the folder, nothing that a system
 * refuses or takes for something else, and no two that are one file where capitals do not count.
 */

/** Most file systems take 255 bytes; some of them are for what tells two apart. */
const MAX_PART_BYTES = 230;
const MAX_NAME_LENGTH = 200;
const MAX_EXTENSION_LENGTH = 16;
/** Not to be seen; some turn what is seen around. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
/** Refused by Windows, or read by some system as more than a character. */
const FORBIDDEN = /[<>:"|?*\\]/g;
/** Windows drops them; with them go `.` and `..`. */
const AT_THE_END = /[\s.]+$/u;
/** Windows has no files of these names, whatever their extension. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?=\.|$)/i;

interface Taken {
  kind: 'file' | 'folder';
  next: number;
}

/** Gives every name once. Names already given stay as they are; a later one of the same name gets a number. */
export class ArchiveNames {
  readonly #taken = new Map<string, Taken>();

  /** @param reserved names the archive itself uses. */
  constructor(reserved: readonly string[] = []) {
    for (const name of reserved) this.#free(name, '', 'file');
  }

  /** @param name as it was given, perhaps with folders before it. @param fallback when nothing of it is left. */
  give(name: string, fallback: string): string {
    const parts = safeParts(name);
    const file = parts.pop() ?? fallback;
    let folder = '';
    for (const part of parts) folder = `${this.#free(part, folder, 'folder')}/`;
    return this.#free(file, folder, 'file');
  }

  #free(part: string, folder: string, kind: Taken['kind']): string {
    const first = this.#taken.get(keyOf(folder + part));
    if (first?.kind === 'folder' && kind === 'folder') return folder + part;
    if (!first) return this.#take(folder + part, kind);
    for (;;) {
      const name = folder + numbered(part, ++first.next);
      const other = this.#taken.get(keyOf(name));
      if (!other) return this.#take(name, kind);
    }
  }

  #take(name: string, kind: Taken['kind']): string {
    this.#taken.set(keyOf(name), { kind, next: 1 });
    return name;
  }
}

const keyOf = (name: string) => name.normalize('NFC').toLowerCase();

function safeParts(name: string): string[] {
  return name
    .slice(-MAX_NAME_LENGTH)
    .toWellFormed()
    .normalize('NFC')
    .split('/')
    .map(safePart)
    .filter((part) => part !== '');
}

function safePart(part: string): string {
  const plain = part.replace(UNSEEN, '').replace(FORBIDDEN, '_').trimStart().replace(AT_THE_END, '');
  return shortened(plain.replace(DEVICE, '_$&'));
}

/** Cut in the middle of its stem, so that the extension stays. */
function shortened(part: string): string {
  if (Buffer.byteLength(part) <= MAX_PART_BYTES) return part;
  const { stem, extension } = split(part);
  let kept = '';
  let bytes = Buffer.byteLength(extension);
  for (const character of stem) {
    bytes += Buffer.byteLength(character);
    if (bytes > MAX_PART_BYTES) break;
    kept += character;
  }
  return `${kept.replace(AT_THE_END, '')}${extension}`;
}

function numbered(part: string, number: number): string {
  const { stem, extension } = split(part);
  return `${stem} (${number})${extension}`;
}

function split(part: string): { stem: string; extension: string } {
  const dot = part.lastIndexOf('.');
  if (dot <= 0 || part.length - dot > MAX_EXTENSION_LENGTH) return { stem: part, extension: '' };
  return { stem: part.slice(0, dot), extension: part.slice(dot) };
}
