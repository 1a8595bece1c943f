/**
 * One PostgreSQL for a test run: the server of TONGREN_TEST_DATABASE_URL, or the embedded one in a temporary folder.
 * Migrations are applied once to a template database; each test file gets its own copy (`test/test-database.ts`).
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { connectionOptions, type DatabaseAddress } from '../src/storage/database.ts';
import { startEmbeddedPostgres } from '../src/storage/embedded-postgres.ts';
import { applyMigrations } from '../src/storage/migrate.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    postgres: DatabaseAddress;
    template: string;
  }
}

export function addressOf(server: DatabaseAddress, database: string): DatabaseAddress {
  if (!('url' in server)) return { ...server, database };
  const url = new URL(server.url);
  url.pathname = `/${database}`;
  return { url: url.href };
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const url = process.env['TONGREN_TEST_DATABASE_URL'];
  const folder = url ? undefined : mkdtempSync(join(tmpdir(), 'tongren-test-'));
  // The database's own user must be able to enter, when root runs the tests.
  if (folder) chmodSync(folder, 0o755);
  const embedded = folder ? await startEmbeddedPostgres(folder) : undefined;
  const server: DatabaseAddress = embedded ? embedded.address : { url: url ?? '' };
  const template = `tongren_template_${process.pid}_${Date.now()}`;
  const admin = new pg.Client(connectionOptions(server));
  await admin.connect();
  await admin.query(`CREATE DATABASE "${template}"`);
  await applyMigrations(addressOf(server, template));
  project.provide('postgres', server);
  project.provide('template', template);
  return async () => {
    await admin.query(`DROP DATABASE IF EXISTS "${template}" WITH (FORCE)`);
    await admin.end();
    await embedded?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  };
}
