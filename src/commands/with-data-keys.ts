/** What commands about keys open: the installation, and its data keys. */
import { localDataKeys } from '#adapters/local-data-keys.ts';
import { fieldCipher } from '#crypto/field-cipher.ts';
import { type OpenInstallation, openInstallation } from '#edge/open-installation.ts';
import { Problem } from '#problem.ts';
import { openDataKeys } from '#storage/open-data-keys.ts';

const REFUSED = 1;

export type Opened = OpenInstallation & { fields: ReturnType<typeof fieldCipher> & { sealingVersion: number } };

/** Whatever is wrong is said in a sentence, and the exit code is 1. */
export async function withDataKeys(act: (installation: Opened) => Promise<number>): Promise<number> {
  try {
    const installation = await openInstallation(process.env);
    try {
      const { config, deps } = installation;
      const opened = await openDataKeys(deps.db, localDataKeys(config.secret, config.secretBefore), deps.clock.now());
      return await act({
        ...installation,
        fields: { ...fieldCipher(opened), sealingVersion: opened.fieldKeys[0]?.version ?? 1 },
      });
    } finally {
      await installation.close();
    }
  } catch (error) {
    const code = error instanceof Problem ? ` [${error.code}]` : '';
    console.error(`${(error as Error).message}${code}`);
    return REFUSED;
  }
}
