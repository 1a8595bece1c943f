/** The files of a key ceremony: encrypted root keys and shares, as they are written, read back and proven. */
import { createHash } from 'node:crypto';
import { chmod, open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '#adapters/system-clock.ts';
import type { CertificateDeps } from '#certificates/certificate-deps.ts';
import { type OpenRoots, openRoots, parseRootKeyFile, type RootKeyFile, withRoots } from '#certificates/root-vault.ts';
import { formatShare, parseShare, type SecretShare } from '#crypto/secret-shares.ts';
import { importPublicKey, verifyMessage } from '#crypto/suite.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';

/** Where the keys of offline roots are, and who brought shares. Empty for roots in the key store. */
export interface RootAccess {
  root: string[];
  share: string[];
}

/** Reads what was brought. Throws a plain Error in a sentence, or SecretShareError. */
export async function readAccess({ root, share }: RootAccess): Promise<{ files: RootKeyFile[]; shares: SecretShare[] }> {
  const files = await Promise.all(root.map(async (path) => parseRootKeyFile(await readText(path))));
  const texts = await Promise.all(share.map(async (given) => (given.toUpperCase().startsWith('TRS1-') ? given : readText(given))));
  return { files, shares: texts.map((text) => parseShare(/TRS1-[0-9A-Z\s-]+/i.exec(text)?.[0] ?? text)) };
}

export async function readText(path: string): Promise<string> {
  const { size } = await stat(path);
  if (size > 100_000) throw new Error(`${path} is too large. / 文件过大。`);
  return readFile(path, 'utf8');
}

export interface WrittenFile {
  name: string;
  sha256: string;
}

/** Each in a file of its own, readable by its owner alone, on the disk before this returns; never over a file that is there. */
export async function writeRootFiles(
  folder: string,
  files: readonly RootKeyFile[],
  shares: readonly SecretShare[],
): Promise<WrittenFile[]> {
  const contents = new Map<string, string>();
  for (const file of files) contents.set(`${file.keyName}.key.json`, `${JSON.stringify(file, null, 2)}\n`);
  for (const share of shares) contents.set(`share-${share.set}-${share.index}.txt`, shareText(share, shares.length));
  const written: WrittenFile[] = [];
  for (const [name, text] of contents) {
    const handle = await open(join(folder, name), 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await chmod(join(folder, name), 0o400);
    written.push(writtenFile(name, text));
  }
  return written;
}

/** A digest of a share in the transcript would say nothing, but nobody needs it there. */
export function writtenFile(name: string, text: string): WrittenFile {
  return { name, sha256: name.endsWith('.json') ? createHash('sha256').update(text).digest('hex') : '' };
}

function shareText(share: SecretShare, count: number): string {
  return [
    `通认根密钥份额 ${share.index}/${count}（任意 ${share.threshold} 份可恢复根密钥）`,
    `Tongren root key, share ${share.index} of ${count}; any ${share.threshold} restore it. Keep it apart from the others and from the key files.`,
    '',
    formatShare(share),
    '',
  ].join('\n');
}

/** From the files as they are on the disk, by the last shares as well as by the first. */
export async function proveRestored(folder: string, files: readonly RootKeyFile[], shares: readonly SecretShare[]): Promise<void> {
  const threshold = files[0]?.threshold ?? shares.length;
  for (const chosen of [shares.slice(0, threshold), shares.slice(-threshold)]) {
    const access = await readAccess({
      root: files.map(({ keyName }) => join(folder, `${keyName}.key.json`)),
      share: chosen.map(({ set, index }) => join(folder, `share-${set}-${index}.txt`)),
    });
    const roots = openRoots(access.files, access.shares);
    try {
      for (const file of access.files) await proveKey(roots, file);
    } finally {
      roots.close();
    }
  }
}

/** The restored key signs what its public key verifies. */
export async function proveKey(roots: OpenRoots, file: RootKeyFile): Promise<void> {
  const message = new TextEncoder().encode(`tongren restore test ${file.keyName}`);
  const signature = await roots.sign(file.keyName, 'crl', message);
  const spki = Uint8Array.from(Buffer.from(file.spki, 'base64'));
  if (!verifyMessage(importPublicKey(spki), message, signature))
    throw new Error(`${file.keyName} does not fit its public key. / 根密钥与公钥不匹配。`);
}

/** The root signs here by the same rules as in the signer: it must see the authorities' keys to know whom it certifies. */
export function withOpenRoots(deps: CertificateDeps, roots: OpenRoots): CertificateDeps {
  const { keys } = deps;
  const seeing = { ...roots, find: async (name: string) => (await roots.find(name)) ?? keys.find(name) };
  return { ...deps, keys: withRoots(guardedKeyStore(seeing, { clock: systemClock }), keys) };
}
