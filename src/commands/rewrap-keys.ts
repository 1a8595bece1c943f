/** `tongren keys rewrap`: what lies under the master secret is put under a new one. Nothing that data keys sealed changes. */
import { join } from 'node:path';
import { localDataKeys } from '#adapters/local-data-keys.ts';
import { rewrapKeyFolder } from '#adapters/rewrap-key-folder.ts';
import { systemClock } from '#adapters/system-clock.ts';
import { rewrapDataKeys } from '#audit/rewrap-data-keys.ts';
import { readConfig } from '#config.ts';
import { openInstalledDatabase } from '#edge/open-installation.ts';
import { claimOwnKeys } from '#edge/open-keys.ts';

const REFUSED = 1;

/**
 * Of this process's roles: the signer's key files, the data keys of web and worker. Nobody else may have the key files open; data keys
 * change beside running processes. May be cut off anywhere and run again. Exit code 1 with a sentence when it cannot.
 */
export async function rewrapKeys({ json }: { json?: boolean }): Promise<number> {
  try {
    const config = readConfig(process.env);
    const { secret, secretBefore: before, roles, dataDir } = config;
    if (before === undefined || before === secret)
      throw new Error(
        'TONGREN_SECRET must be the new secret and TONGREN_SECRET_BEFORE the old one. / TONGREN_SECRET 应为新密钥，TONGREN_SECRET_BEFORE 应为旧密钥。',
      );
    const said = {
      ...(roles.includes('signer') ? { keyFiles: await rewrapFiles(dataDir, { secret, before }) } : {}),
      ...(roles.some((role) => role !== 'signer') ? { dataKeys: await rewrapRows(config, { secret, before }) } : {}),
    };
    if (json) console.log(JSON.stringify(said));
    else for (const [name, count] of Object.entries(said)) console.log(`${name}: ${count} rewrapped / 已更换 ${count} 项`);
    return 0;
  } catch (error) {
    console.error((error as Error).message);
    return REFUSED;
  }
}

type Secrets = { secret: string; before: string };

async function rewrapFiles(dataDir: string, secrets: Secrets): Promise<number> {
  const release = claimOwnKeys(dataDir);
  try {
    return (await rewrapKeyFolder(join(dataDir, 'keys'), secrets)).rewrapped;
  } finally {
    release();
  }
}

async function rewrapRows(config: ReturnType<typeof readConfig>, { secret, before }: Secrets): Promise<number> {
  const { db, close } = await openInstalledDatabase(config, process.env);
  try {
    const keys = { before: localDataKeys(before), after: localDataKeys(secret), by: 'system:operator' };
    return await rewrapDataKeys({ db, clock: systemClock }, keys);
  } finally {
    await close();
  }
}
