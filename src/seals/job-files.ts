/** The files of bulk jobs at rest: encrypted piece by piece, so that a large one is never held as a whole. */
import { createHash } from 'node:crypto';
import type { FieldCipher } from '#crypto/field-cipher.ts';
import { FileSealer, openSealedFile, type ReadBytes } from '#crypto/sealed-file.ts';
import { sniffFormat } from '#documents/verify-document.ts';
import type { FileStore } from '#ports/file-store.ts';
import { Problem } from '#problem.ts';

type Deps = { fields: FieldCipher; files: FileStore };

export type SealableFormat = 'ofd' | 'pdf';

/** An OFD file goes from disk to disk; a PDF is signed in memory, which takes two to three times its size. */
export const MAX_JOB_FILE_BYTES: Record<SealableFormat, number> = { ofd: 200 * 1024 * 1024, pdf: 100 * 1024 * 1024 };
const PIECE_BYTES = 256 * 1024;

export interface KeptFile extends ReadBytes {
  close(): void;
}

/** @param place of `placeOfFile`. The caller closes it. */
export async function openJobFile({ fields, files }: Deps, name: string, place: string): Promise<KeptFile | undefined> {
  const stored = await files.open(name);
  if (!stored) return undefined;
  try {
    const { length, read } = openSealedFile(fields, place, stored);
    return { length, read, close: () => stored.close() };
  } catch (error) {
    stored.close();
    throw error;
  }
}

/** What a stored file is known by. */
export interface FileFacts {
  /** SHA-256, hexadecimal. */
  digest: string;
  /** SM3, hexadecimal. */
  sm3: string;
  bytes: number;
  /** Of the data key under which it lies. */
  keyVersion: number;
}

/** Stores what `fill` hands over, whole or not at all. */
export async function keepJobFile(
  { fields, files }: Deps,
  name: string,
  place: string,
  fill: (take: (part: Uint8Array) => void) => Promise<void>,
): Promise<FileFacts> {
  const [sha256, sm3] = [createHash('sha256'), createHash('sm3')];
  let bytes = 0;
  const file = await files.create(name);
  let keyVersion: number;
  try {
    const sealer = new FileSealer(fields, place, (part) => file.write(part));
    keyVersion = sealer.keyVersion;
    await fill((part) => {
      sha256.update(part);
      sm3.update(part);
      bytes += part.length;
      sealer.write(part);
    });
    sealer.finish();
    await file.finish();
  } catch (error) {
    await file.abandon();
    throw error;
  }
  return { digest: sha256.digest('hex'), sm3: sm3.digest('hex'), bytes, keyVersion };
}

export function* piecesOf(file: ReadBytes): Generator<Buffer, void> {
  for (let start = 0; start < file.length; start += PIECE_BYTES) yield file.read(start, Math.min(file.length, start + PIECE_BYTES));
}

/** Throws Problem `unsupported-media-type` for anything that is neither OFD nor PDF, `too-large`. */
export function requireFormat(file: ReadBytes): SealableFormat {
  const format = sniffFormat(file);
  if (format !== 'ofd' && format !== 'pdf') throw new Problem('unsupported-media-type');
  if (file.length > MAX_JOB_FILE_BYTES[format]) throw tooLarge(format);
  return format;
}

export function tooLarge(format: SealableFormat): Problem {
  const [name, megabytes] = [format.toUpperCase(), MAX_JOB_FILE_BYTES[format] / 1024 / 1024];
  return new Problem('too-large', {
    detail: `A job takes ${name} files of up to ${megabytes} MiB.`,
    detailZh: `批量任务中的 ${name} 文件不得超过 ${megabytes} MiB。`,
  });
}
