import { expect, test } from 'vitest';
import { recordEvent } from '#audit/record-event.ts';
import { testDatabase } from '#test/test-database.ts';

const { db } = await testDatabase();

test('an audit event is written with its transaction and cannot be changed', async () => {
  await db.$transaction((tx) => recordEvent(tx, { kind: 'test-done', actor: 'system:test', subject: 'test:1', at: new Date() }));
  expect(await db.auditEvent.count()).toBe(1);
  await expect(db.auditEvent.updateMany({ data: { kind: 'other' } })).rejects.toThrow(/never changed/);
});
