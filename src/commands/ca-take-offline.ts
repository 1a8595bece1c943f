/**
 * `tongren ca take-offline`: roots whose keys lie in files of the key store, as those of a development or an early installation, become
 * encrypted files and shares. Only when they came back from what was written are they destroyed in the store.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileKeyStore, readRootKey } from '#adapters/file-keys.ts';
import { type Authority, isRoot, listAuthorities } from '#certificates/authorities.ts';
import type { AuthoritySuite } from '#certificates/certificate-deps.ts';
import { openRoots, sealRoots } from '#certificates/root-vault.ts';
import { takeRootsOffline } from '#certificates/take-roots-offline.ts';
import type { OpenInstallation } from '#edge/open-installation.ts';
import { EXIT, fail, inInstallation, tell, transcriptOf } from './ca.ts';
import { writeTranscript } from './ca-transcript.ts';
import { proveRestored, readAccess, withOpenRoots, writeRootFiles } from './root-files.ts';

export interface TakeOfflineOptions {
  out: string;
  shares: number;
  threshold: number;
  participant: string[];
  /** Where a signer of its own keeps its keys, and the file with its secret. Default: the keys of this process. */
  keyFolder?: string;
  keySecret?: string;
  json?: boolean;
}

interface OnlineRoot {
  root: Authority;
  key: { keyName: string; suite: AuthoritySuite; spki: Uint8Array; pkcs8: Uint8Array };
}

type KeyFolder = Parameters<typeof readRootKey>[0];

/** Finds again what an earlier try left, whatever state it was in: a root with a key in the folder is to be taken. */
export function takeOffline(options: TakeOfflineOptions): Promise<number> {
  return inInstallation(async ({ config, deps }) => {
    const place = await findKeyFolder(config, options);
    if (!place)
      return fail(
        EXIT.wrongUse,
        'The keys are with a signer of its own: name its folder (--key-folder) and secret (--key-secret). / 密钥由独立签名进程保管，请用 --key-folder 和 --key-secret 指定其目录和口令文件。',
      );
    const online = await findOnlineRoots(deps, place);
    if (online.length === 0)
      return fail(
        EXIT.refused,
        'No root has its key in these files: it is offline already, or in a token, which no key ever leaves. / 此处没有在线根密钥：已离线，或在密码设备中不可导出。',
      );
    try {
      await mkdir(options.out, { recursive: true, mode: 0o700 });
      const { files, shares } = sealRoots(
        online.map(({ key }) => key),
        options,
      );
      const written = await writeRootFiles(options.out, files, shares);
      await proveRestored(options.out, files, shares);
      const restored = await readAccess({
        root: files.map(({ keyName }) => join(options.out, `${keyName}.key.json`)),
        share: shares.slice(0, options.threshold).map(({ set, index }) => join(options.out, `share-${set}-${index}.txt`)),
      });
      const roots = openRoots(restored.files, restored.shares);
      try {
        // What the service relies on from now on is signed by the restored keys, not by those in the store.
        const taken = await takeRootsOffline(
          withOpenRoots(deps, roots),
          online.map(({ root }) => root),
          'system:ceremony',
        );
        const transcript = { ...transcriptOf('take-offline', options.participant, files[0], taken), files: written };
        await writeTranscript(options.out, transcript);
        await destroy(place, taken);
        tell(transcript, options.json);
      } finally {
        roots.close();
      }
    } finally {
      for (const { key } of online) key.pkcs8.fill(0);
    }
    console.error(
      'Gone from the key store. What cannot be undone: backups of the key folder still hold these keys; destroy them. / 已从密钥库删除。此前的密钥目录备份仍含根密钥，须一并销毁，本命令无法代劳。',
    );
    return EXIT.good;
  });
}

async function findKeyFolder(config: OpenInstallation['config'], options: TakeOfflineOptions): Promise<KeyFolder | undefined> {
  if (options.keyFolder && options.keySecret)
    return { folder: options.keyFolder, secret: (await readFile(options.keySecret, 'utf8')).trim() };
  if (options.keyFolder || options.keySecret || !config.roles.includes('signer')) return undefined;
  return { folder: join(config.dataDir, 'keys'), secret: config.secret };
}

async function findOnlineRoots(deps: OpenInstallation['deps'], place: KeyFolder): Promise<OnlineRoot[]> {
  const online: OnlineRoot[] = [];
  for (const root of (await listAuthorities(deps)).filter((one) => isRoot(one) && one.state !== 'retired')) {
    const { keyName, suite, certificate } = root;
    const key = await readRootKey(place, keyName);
    if (!key) continue;
    if (Buffer.compare(key.spki, certificate.spki) !== 0)
      throw new Error(`The key ${keyName} in these files is not that of the root’s certificate. / 密钥与根证书不匹配。`);
    online.push({ root, key: { keyName, suite, spki: key.spki, pkcs8: key.pkcs8 } });
  }
  return online;
}

/** The public half stays, so that the name is never given again. Throws a plain Error when a private half is still there. */
async function destroy(place: KeyFolder, roots: readonly Authority[]): Promise<void> {
  const store = await fileKeyStore(place);
  for (const { keyName } of roots) {
    // What took over is the same key in its encrypted file.
    await store.retire(keyName, keyName);
    if (await readRootKey(place, keyName)) throw new Error(`${keyName} is still in the key store. / 根密钥仍在密钥库中。`);
  }
}
