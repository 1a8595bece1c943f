import { createHmac, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { localDataKeys } from '#adapters/local-data-keys.ts';
import { rotateDataKey } from '#audit/rotate-data-key.ts';
import { protectIdentifyCode } from '#certificates/name-person.ts';
import { fieldCipher, replaceableFieldCipher } from '#crypto/field-cipher.ts';
import { pairwiseSubject } from '#oidc/pairwise-subject.ts';
import { DATA_KEY_LEAD_MS, openDataKeys } from '#storage/open-data-keys.ts';
import { testDatabase } from '#test/test-database.ts';

const { db } = await testDatabase();
const at = new Date('2026-06-01T00:00:00Z');

test('processes that start at once agree on the data keys, and a later start finds the same', async () => {
  const opened = await Promise.all(Array.from({ length: 6 }, () => openDataKeys(db, localDataKeys('one secret'), at)));
  const again = await openDataKeys(db, localDataKeys('one secret'), at);
  for (const other of opened) expect(other).toEqual(again);
  expect(again.fieldKeys).toHaveLength(1);
  expect(again.indexKeys).toHaveLength(1);
  expect(again.identifierKey).not.toEqual(again.indexKeys[0]?.key);
});

test('an older installation keeps the identifiers that others know: their key begins as the blind-index key they came from', async () => {
  const dataKeys = localDataKeys('an older secret');
  const { db: older } = await testDatabase();
  const indexKey = randomBytes(32);
  for (const [purpose, key] of [['field', randomBytes(32)] as const, ['index', indexKey] as const]) {
    await older.dataKey.create({ data: { purpose, version: 1, wrapped: Uint8Array.from(await dataKeys.wrap(key)), createdAt: at } });
  }
  const opened = await Promise.all(Array.from({ length: 4 }, () => openDataKeys(older, dataKeys, at)));
  const person = '0198f5a0-0000-7000-8000-000000000001';
  const subject = createHmac('sha256', indexKey).update(`oidc.pairwise-subject\0https://app.example\0${person}`).digest('base64url');
  const code = createHmac('sha256', indexKey).update('certificate-identify-code\x00110101199003078355').digest('hex');
  for (const keys of opened) {
    const fields = fieldCipher(keys);
    expect(pairwiseSubject(fields, 'https://app.example', person)).toBe(subject);
    expect(protectIdentifyCode(fields, '110101199003078355', 'hashed')).toBe(`H1:${code}`);
  }
  expect(await older.dataKey.count({ where: { purpose: 'identifier' } })).toBe(1);

  // Lost when the key they came from is gone too: no start makes up others.
  await older.dataKey.updateMany({ where: { purpose: 'index' }, data: { version: 2 } });
  await older.dataKey.deleteMany({ where: { purpose: 'identifier' } });
  await expect(openDataKeys(older, dataKeys, at)).rejects.toThrow('identifiers is missing');
  expect(await older.dataKey.count({ where: { purpose: 'identifier' } })).toBe(0);
});

test('another master secret is told apart in a sentence', async () => {
  await expect(openDataKeys(db, localDataKeys('another secret'), at)).rejects.toThrow('another TONGREN_SECRET');
});

test('a new data key opens at once everywhere, seals when every process knows it, and the old one stays readable', async () => {
  const dataKeys = localDataKeys('one secret');
  const later = (ms: number) => new Date(at.getTime() + 3_600_000 + ms);
  const before = await openDataKeys(db, dataKeys, later(0));
  const running = replaceableFieldCipher(before);
  const old = running.seal('person.name:1', '张三');

  const made = await rotateDataKey({ db, clock: { now: () => later(0) }, dataKeys }, 'system:operator');
  expect(made).toEqual({ version: 2, sealsFrom: later(DATA_KEY_LEAD_MS) });
  running.replaceKeys(await openDataKeys(db, dataKeys, later(30_000)));
  expect(running.seal('person.name:1', '张三')[0]).toBe(1);

  // Another process, started when the lead is over, seals with the new key: the one that learned of it in time can read.
  const other = replaceableFieldCipher(await openDataKeys(db, dataKeys, later(DATA_KEY_LEAD_MS)));
  const fresh = other.seal('person.name:1', '李四');
  expect(fresh[0]).toBe(2);
  expect(running.openText('person.name:1', fresh)).toBe('李四');
  expect(other.openText('person.name:1', old)).toBe('张三');
  expect(other.blindIndex('phone', '1')).toEqual(running.blindIndex('phone', '1'));
  expect(await db.auditEvent.count({ where: { kind: 'data-key-made' } })).toBe(1);
});
