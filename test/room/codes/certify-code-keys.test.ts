import { expect, test } from 'vitest';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { certifyCodeKeys } from '#codes/certify-code-keys.ts';
import { codeKeyRing } from '#codes/code-key-ring.ts';
import { currentCodeKeys } from '#codes/publish-keys.ts';
import { ensureCodeKeys } from '#codes/rotate-code-key.ts';
import { isIssuedBy, parseCertificate } from '#pki/certificate.ts';
import { profileOf } from '#pki/profiles.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import { memoryKeyStore } from '#test/fakes/memory-key-store.ts';
import { testClock } from '#test/fakes/test-clock.ts';
import { testDatabase } from '#test/test-database.ts';

const { db } = await testDatabase();
const clock = testClock();
const keys = guardedKeyStore(memoryKeyStore(), { clock, limits: {} });
const deps = { db, clock, keys, publicOrigin: 'https://id.example' };

test('each code key gets one certificate of the authority, published beside it', async () => {
  await initialiseAuthorities(deps);
  await ensureCodeKeys(deps);
  await certifyCodeKeys(deps);
  expect(await certifyCodeKeys(deps)).toBe(0);

  const about = { issuer: 'https://id.example', statusListUri: 'https://id.example/list', licenceTypes: [] };
  const file = await currentCodeKeys({ clock, codes: codeKeyRing(deps) }, about);
  const certified = file.keys.filter(({ purpose }) => purpose === 'code') as { x5c?: string[]; x: string }[];
  expect(certified).toHaveLength(2);
  for (const { x5c = [], x } of certified) {
    const [leaf, issuer] = x5c.map((text) => parseCertificate(Buffer.from(text, 'base64')));
    if (!leaf || !issuer) throw new Error('a certificate is missing');
    expect(profileOf(leaf)).toBe('code-signer');
    expect(isIssuedBy(leaf, issuer)).toBe(true);
    expect(Buffer.from(leaf.spki).includes(Buffer.from(x, 'base64url'))).toBe(true);
  }
});
