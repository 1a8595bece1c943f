import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, inject } from 'vitest';
import { connectionOptions, type Database, type DatabaseAddress, openDatabase } from '#storage/database.ts';
import { addressOf } from './postgres-for-tests.ts';

export interface TestDatabase {
  db: Database;
  address: DatabaseAddress;
}

/** A migrated, empty database of this test file's own; dropped when the file is done. */
export async function testDatabase(): Promise<TestDatabase> {
  const server = inject('postgres');
  const name = `t_${randomBytes(8).toString('hex')}`;
  const admin = new pg.Client(connectionOptions(server));
  await admin.connect();
  // Another file may be copying the template at this moment; PostgreSQL then asks to try again.
  for (let attempt = 0; ; attempt++) {
    try {
      await admin.query(`CREATE DATABASE "${name}" TEMPLATE "${inject('template')}"`);
      break;
    } catch (error) {
      if (attempt > 50) throw error;
      await new Promise((done) => setTimeout(done, 100));
    }
  }
  const address = addressOf(server, name);
  const db = openDatabase(address, { maxConnections: 20 });
  afterAll(async () => {
    await db.$disconnect();
    await admin.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
    await admin.end();
  });
  return { db, address };
}
