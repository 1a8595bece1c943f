import { randomBytes } from 'node:crypto';
import { close, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, unlink } from 'node:fs/promises';
import { dirname, join, normalize, sep } from 'node:path';
import type { FileInMaking, FileStore, StoredFile } from '#ports/file-store.ts';

/** Files below one folder. A file is written beside its place, synced and renamed, so that a reader never sees half of it. */
export function fileSystemStore(folder: string): FileStore {
  const pathOf = (name: string) => {
    const path = normalize(join(folder, name));
    if (!path.startsWith(normalize(folder) + sep)) throw new Error('a file name that leads out of the store');
    return path;
  };
  const create = async (name: string, beside = unfinishedOf(pathOf(name))): Promise<FileInMaking> => {
    const path = pathOf(name);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(beside, 'w', 0o600);
    return {
      write(part) {
        for (let done = 0; done < part.length; ) done += writeSync(file.fd, part, done);
      },
      async finish() {
        try {
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(beside, path);
      },
      async abandon() {
        await file.close().catch(() => undefined);
        await rm(beside, { force: true });
      },
    };
  };
  return {
    create: (name) => create(name),
    async put(name, content) {
      const file = await create(name, `${pathOf(name)}.${randomBytes(6).toString('hex')}.part`);
      try {
        file.write(content);
        await file.finish();
      } catch (error) {
        await file.abandon();
        throw error;
      }
    },
    async find(name) {
      return orUndefined(() => readFile(pathOf(name)));
    },
    async open(name) {
      return orUndefined(async () => openStored(pathOf(name)));
    },
    async remove(name) {
      await orUndefined(() => unlink(pathOf(name)));
      await orUndefined(() => unlink(unfinishedOf(pathOf(name))));
    },
    async removeFolder(name) {
      await rm(pathOf(name), { force: true, recursive: true });
    },
  };
}

const unfinishedOf = (path: string) => `${path}.part`;

async function orUndefined<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function openStored(path: string): StoredFile {
  const descriptor = openSync(path, 'r');
  return {
    length: fstatSync(descriptor).size,
    read(start, end) {
      const bytes = Buffer.allocUnsafe(end - start);
      for (let done = 0; done < bytes.length; ) {
        const count = readSync(descriptor, bytes, done, bytes.length - done, start + done);
        if (count === 0) throw new Error('a stored file is shorter than it was');
        done += count;
      }
      return bytes;
    },
    // Nothing was written, so nothing can be lost; on some file systems closing takes longer than reading.
    close: () => close(descriptor, () => undefined),
  };
}
