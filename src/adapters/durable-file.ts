/** Small files that are whole or not there, and still there when the machine fails the moment after. */
import { randomBytes } from 'node:crypto';
import { link, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Undefined when there is no such file. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Never over an existing file: false when the name is taken. */
export function writeOnce(folder: string, name: string, text: string): Promise<boolean> {
  return writeAside(folder, name, text, async (aside) => {
    try {
      await link(aside, join(folder, name));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    }
  });
}

/** In the place of what stands there. */
export async function writeOver(folder: string, name: string, text: string): Promise<void> {
  await writeAside(folder, name, text, async (aside) => {
    await rename(aside, join(folder, name));
    return true;
  });
}

/** Names that were given or taken away in it are on the disk when this returns. */
export async function syncFolder(folder: string): Promise<void> {
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Written and synced under another name, which `place` gives its own; what is left under the other goes. Answers what `place` does. */
async function writeAside(folder: string, name: string, text: string, place: (aside: string) => Promise<boolean>): Promise<boolean> {
  const aside = join(folder, `.${name}.${randomBytes(8).toString('hex')}`);
  let isPlaced: boolean;
  try {
    const file = await open(aside, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    isPlaced = await place(aside);
  } finally {
    await rm(aside, { force: true });
  }
  if (isPlaced) await syncFolder(folder);
  return isPlaced;
}
