/** The roots and the issuing authorities of each suite. Idempotent: a restart, and a start after a crash in the middle, finds them as they were. */

import { ISSUING_AREAS } from '#pki/profiles.ts';
import type { KeyStore } from '#ports/key-store.ts';
import { type Authority, listAuthorities } from './authorities.ts';
import { AUTHORITY_SUITES, type AuthoritySuite, type CertificateDeps } from './certificate-deps.ts';
import { type AuthorityNaming, makeAuthority } from './make-authority.ts';
import { publishDueCrls } from './publish-crls.ts';
import { setParts } from './publish-parts.ts';

/**
 * Makes what is missing: keys, certificates, a first CRL of each authority. Throws when a key is gone that a certificate of ours
 * names, unless it is that of a root which was taken away on purpose.
 */
export async function initialiseAuthorities(deps: CertificateDeps, naming: AuthorityNaming = {}): Promise<void> {
  await Promise.all(AUTHORITY_SUITES.map((suite) => initialiseSuite(deps, suite, naming)));
  await setParts(deps, deps.crlPartitions ?? {});
  await publishDueCrls(deps);
}

async function initialiseSuite(deps: CertificateDeps, suite: AuthoritySuite, naming: AuthorityNaming): Promise<void> {
  const present = (await listAuthorities(deps)).filter((authority) => authority.suite === suite);
  await Promise.all(present.filter(({ state }) => state === 'current').map((authority) => requireKey(deps.keys, authority)));
  const find = (area: Authority['area']) => present.find((authority) => authority.area === area && authority.state !== 'retired');
  const root = find('root') ?? (await makeAuthority(deps, { area: 'root', suite, naming }));
  const missing = ISSUING_AREAS.filter((area) => !find(area));
  if (missing.length === 0) return;
  if (root.state === 'offline') {
    throw new Error(
      `No authority of suite ${suite} issues for ${missing.join(', ')}, and the root is offline: make it with \`tongren ca rotate\`.`,
    );
  }
  await Promise.all(missing.map((area) => makeAuthority(deps, { area, suite, naming, root })));
}

async function requireKey(keys: KeyStore, { keyName, certificate }: Authority): Promise<void> {
  const key = await keys.find(keyName);
  if (key && Buffer.compare(key.spki, certificate.spki) === 0) return;
  throw new Error(
    `The key store does not hold the key ${keyName} that the database's certificate names: the two belong to different installations.`,
  );
}
