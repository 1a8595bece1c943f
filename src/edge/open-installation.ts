/**
 * The installation as a command needs it that changes something: settings, database and keys, beside a running service or without
 * one. Starts the embedded database when nothing else runs there, and stops what it started.
 */
import { systemClock } from '#adapters/system-clock.ts';
import type { CertificateDeps } from '#certificates/certificate-deps.ts';
import { type Config, readConfig } from '#config.ts';
import { type Database, openDatabase } from '#storage/database.ts';
import { findInstalledDatabase } from './installation.ts';
import { openKeys, type RoomKeys } from './open-keys.ts';
import { openStorage } from './open-storage.ts';

export interface OpenInstallation {
  config: Config;
  deps: CertificateDeps & { keys: RoomKeys };
  close(): Promise<void>;
}

/** Throws ConfigError, or a plain Error in a sentence. */
export async function openInstallation(environment: NodeJS.ProcessEnv): Promise<OpenInstallation> {
  const config = { ...readConfig(environment), logLevel: 'silent' as const };
  const undo: (() => Promise<void> | void)[] = [];
  const close = async () => {
    for (const step of undo.reverse()) await step();
  };
  try {
    const { db, close: closeDatabase } = await openInstalledDatabase(config, environment);
    undo.push(closeDatabase);
    const { keys, close: closeKeys } = await openKeys(config);
    undo.push(closeKeys);
    return { config, deps: { db, keys, clock: systemClock, publicOrigin: config.origin }, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The database alone: for what is done before keys open. */
export async function openInstalledDatabase(
  config: Pick<Config, 'databaseUrl' | 'dataDir'>,
  environment: NodeJS.ProcessEnv,
): Promise<{ db: Database; close: () => Promise<void> }> {
  const running = config.databaseUrl ? undefined : findInstalledDatabase(environment);
  const storage = running ? undefined : await openStorage(config);
  const db = openDatabase(running ?? storage?.address ?? { url: config.databaseUrl ?? '' }, { maxConnections: 4 });
  const close = async () => {
    await db.$disconnect();
    await storage?.close();
  };
  return { db, close };
}
