/** What `code-keys.json` holds now. Public: serve it to anyone, let them keep it for a day. */
import type { Clock } from '#ports/clock.ts';
import type { CodeKeyRing } from './code-key-ring.ts';
import { type CodeKeysFile, type CodeLicenceType, jwkOf } from './code-keys.ts';

/** Keys that can have signed a code still alive, and those to come. A long-retired key is left out: its codes are all dead. */
const KEEP_RETIRED_MS = 24 * 60 * 60 * 1000;

export async function currentCodeKeys(
  deps: { clock: Clock; codes: CodeKeyRing },
  about: { issuer: string; statusListUri: string; licenceTypes: readonly CodeLicenceType[] },
): Promise<CodeKeysFile> {
  const now = deps.clock.now();
  const keys = (await deps.codes.verificationKeys()).filter(
    (key) => !key.validTo || now.getTime() - key.validTo.getTime() < KEEP_RETIRED_MS,
  );
  return {
    issuer: about.issuer,
    asOf: now.toISOString(),
    statusListUri: about.statusListUri,
    keys: keys.map(jwkOf),
    licenceTypes: about.licenceTypes.map((type) => ({ ...type })),
  };
}
