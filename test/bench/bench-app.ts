/** The whole service in this process, on the embedded PostgreSQL, with its guarded file keys: what `npm start` runs, without its log. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allowListedFetch } from '#adapters/allow-listed-fetch.ts';
import { fileKeyStore } from '#adapters/file-keys.ts';
import { fileSystemStore } from '#adapters/file-system-store.ts';
import { inProcessStore } from '#adapters/in-process-store.ts';
import { localDataKeys } from '#adapters/local-data-keys.ts';
import { simulatedPopulationRegistry } from '#adapters/simulated-population-registry.ts';
import { simulatedSmsGateway } from '#adapters/simulated-sms-gateway.ts';
import { systemClock } from '#adapters/system-clock.ts';
import { type App, buildApp } from '#app.ts';
import { readConfig } from '#config.ts';
import { DEMO_POPULATION } from '#demo/demo-people.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import { openDatabase } from '#storage/database.ts';
import { startEmbeddedPostgres } from '#storage/embedded-postgres.ts';
import { applyMigrations } from '#storage/migrate.ts';
import { freePort } from '#test/free-port.ts';

export interface BenchApp {
  app: App;
  origin: string;
  close(): Promise<void>;
}

export async function benchApp(): Promise<BenchApp> {
  const folder = mkdtempSync(join(tmpdir(), 'tongren-bench-'));
  chmodSync(folder, 0o755);
  const postgres = await startEmbeddedPostgres(folder);
  await applyMigrations(postgres.address);
  const db = openDatabase(postgres.address);
  const config = { ...readConfig({ TONGREN_PORT: String(await freePort()), TONGREN_DATA_DIR: folder }), roles: ['web'] as const };
  const ports = {
    clock: systemClock,
    keys: guardedKeyStore(await fileKeyStore({ folder: join(folder, 'keys'), secret: config.secret }), { clock: systemClock }),
    dataKeys: localDataKeys(config.secret),
    files: fileSystemStore(join(folder, 'files')),
    ephemeral: inProcessStore(),
    sms: simulatedSmsGateway({ clock: systemClock }),
    outbound: allowListedFetch({ hosts: [], allowLoopback: true }),
    registry: simulatedPopulationRegistry(DEMO_POPULATION),
  };
  const app = await buildApp(config, ports, db, { logger: false });
  await app.server?.listen({ port: config.port, host: config.host });
  return {
    app,
    origin: config.origin,
    async close() {
      await app.close();
      await db.$disconnect();
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
