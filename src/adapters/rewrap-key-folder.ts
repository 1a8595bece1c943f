/**
 * The keys of a folder under another secret. First what will open it lies beside, then each file is written anew, whole or not at all, and
 * last the new takes the place of the old. Cut off anywhere, it goes on when run again; in between nobody opens the folder with either.
 */
import { timingSafeEqual } from 'node:crypto';
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfThere, syncFolder, writeOnce, writeOver } from './durable-file.ts';
import {
  FOLDER_FILE,
  type KeyFile,
  keyShape,
  masterOf,
  NEXT_FOLDER_FILE,
  newMaster,
  RETIRED_SUFFIX,
  type RetiredFile,
  readJson,
  retiredMac,
  retiredShape,
  SUFFIX,
  seal,
  unseal,
} from './file-keys.ts';

export interface RewrappedFolder {
  /** Files written anew by this call. */
  rewrapped: number;
  /** All there are. */
  files: number;
}

/**
 * Nobody else may have the folder open. Answers 0 when it is under the new secret already, or is not there. Throws a plain Error in a
 * sentence when neither secret opens it, and, before anything is written, when a file is damaged.
 */
export async function rewrapKeyFolder(folder: string, secrets: { secret: string; before: string }): Promise<RewrappedFolder> {
  const current = await readIfThere(join(folder, FOLDER_FILE));
  if (current === undefined) return { rewrapped: 0, files: 0 };
  const next = await readIfThere(join(folder, NEXT_FOLDER_FILE));
  const names = (await readdir(folder)).filter(
    (name) => !name.startsWith('.') && [SUFFIX, RETIRED_SUFFIX].some((end) => name.endsWith(end)),
  );
  const path = join(folder, FOLDER_FILE);
  if (next === undefined && (await masterOf(path, current, secrets.secret))) return { rewrapped: 0, files: names.length };
  const old = await masterOf(path, current, secrets.before);
  if (!old)
    throw new Error(`Neither TONGREN_SECRET nor TONGREN_SECRET_BEFORE opens the keys in ${folder}. / 新旧主密钥均无法打开密钥目录。`);
  const fresh = await freshMaster(folder, next, secrets.secret);
  const masters = { old, fresh: fresh.master };

  const texts = new Map<string, string>();
  for (const name of names) {
    const text = rewrapFile(name, (await readIfThere(join(folder, name))) ?? '', masters);
    if (text !== undefined) texts.set(name, text);
  }
  if (next === undefined && !(await writeOnce(folder, NEXT_FOLDER_FILE, fresh.text)))
    throw new Error(`Somebody else is changing the secret of ${folder}. / 另一进程正在更换主密钥。`);
  for (const [name, text] of texts) await writeOver(folder, name, text);
  await rename(join(folder, NEXT_FOLDER_FILE), path);
  await syncFolder(folder);
  return { rewrapped: texts.size, files: names.length };
}

async function freshMaster(folder: string, next: string | undefined, secret: string): Promise<{ text: string; master: Buffer }> {
  if (next === undefined) return newMaster(secret);
  const master = await masterOf(join(folder, NEXT_FOLDER_FILE), next, secret);
  if (!master)
    throw new Error(`The change of the secret of ${folder} was begun to another TONGREN_SECRET. / 更换主密钥时使用的是另一个新密钥。`);
  return { text: next, master };
}

type Masters = Record<'old' | 'fresh', Buffer>;

/** What is to be written; undefined when it is under the fresh master already. */
function rewrapFile(name: string, text: string, masters: Masters): string | undefined {
  const isRetired = name.endsWith(RETIRED_SUFFIX);
  const key = name.slice(0, -(isRetired ? RETIRED_SUFFIX : SUFFIX).length);
  const shown = (file: object) => JSON.stringify(file, undefined, 2);
  const parsed = (isRetired ? retiredShape : keyShape).safeParse(readJson(text));
  if (parsed.success && parsed.data.name === key) {
    if (isRetired) {
      const { mac, ...header } = parsed.data as RetiredFile;
      if (isMac(mac, masters.fresh, header)) return undefined;
      if (isMac(mac, masters.old, header)) return shown({ ...header, mac: retiredMac(masters.fresh, header).toString('base64') });
    } else {
      const file = parsed.data as KeyFile;
      if (unsealIf(masters.fresh, file)) return undefined;
      const pkcs8 = unsealIf(masters.old, file);
      if (pkcs8) {
        const { sealed: _, ...header } = file;
        const fresh = shown({ ...header, sealed: seal(masters.fresh, header, pkcs8).toString('base64') });
        pkcs8.fill(0);
        return fresh;
      }
    }
  }
  throw new Error(
    `The key file ${name} is damaged or was changed: bring it back from a backup, or take it away, and run again. / 密钥文件 ${name} 已损坏或被改动。`,
  );
}

function isMac(mac: string, master: Buffer, header: Omit<RetiredFile, 'mac'>): boolean {
  const given = Buffer.from(mac, 'base64');
  return given.length === 32 && timingSafeEqual(given, retiredMac(master, header));
}

function unsealIf(master: Buffer, file: KeyFile): Buffer | undefined {
  try {
    return unseal(master, file);
  } catch {
    return undefined;
  }
}
