import { expect, test } from 'vitest';
import { ensureSigningKeys, loadSigningKeys, promoteSigningKey, rotateSigningKey, sweepRetiredKeys } from '#oidc/signing-keys.ts';
import { testClock } from '#test/fakes/test-clock.ts';
import { testFields } from '#test/fakes/test-fields.ts';
import { testDatabase } from '#test/test-database.ts';

const { db } = await testDatabase();
const clock = testClock();
const deps = { db, clock, fields: testFields() };
const list = async () => (await loadSigningKeys(deps)).map(({ alg, state }) => `${alg} ${state}`);

test('processes that start at the same moment make one key of each algorithm', async () => {
  await Promise.all(Array.from({ length: 5 }, () => ensureSigningKeys(deps)));
  expect(await list()).toEqual(['ES256 active', 'RS256 active']);
  await ensureSigningKeys(deps);
  expect(await list()).toHaveLength(2);
});

test('the private part is stored sealed', async () => {
  const [row] = await db.oidcSigningKey.findMany({ where: { alg: 'ES256' } });
  const [key] = await loadSigningKeys(deps);
  expect(Buffer.from(row?.sealedJwk ?? []).toString('latin1')).not.toContain(String(key?.privateJwk.d));
  expect(JSON.stringify(row?.publicJwk)).not.toContain('"d"');
});

test('a new key is published first, signs after promotion, and the old one stays listed for a month', async () => {
  const before = (await loadSigningKeys(deps))[0]?.kid;
  const kid = await rotateSigningKey(deps, { alg: 'ES256', by: 'staff:test' });
  expect(await list()).toEqual(['ES256 active', 'ES256 next', 'RS256 active']);
  expect((await loadSigningKeys(deps))[0]?.kid).toBe(before);
  await promoteSigningKey(deps, { kid, by: 'staff:test' });
  expect((await loadSigningKeys(deps)).map((key) => key.kid).slice(0, 2)).toEqual([kid, before]);
  expect(await list()).toEqual(['ES256 active', 'ES256 retired', 'RS256 active']);
  await expect(promoteSigningKey(deps, { kid, by: 'staff:test' })).rejects.toMatchObject({ code: 'signing-key-not-found' });
  clock.advance(29 * 86_400_000);
  expect(await sweepRetiredKeys(deps)).toBe(0);
  clock.advance(2 * 86_400_000);
  expect(await sweepRetiredKeys(deps)).toBe(1);
  expect(await db.auditEvent.count({ where: { actor: 'staff:test' } })).toBe(2);
});
