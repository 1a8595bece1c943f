import type { Config } from '#config.ts';
import type { DatabaseAddress } from '#storage/database.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '#storage/embedded-postgres.ts';
import { applyMigrations } from '#storage/migrate.ts';

export interface OpenedStorage {
  address: DatabaseAddress;
  /** Set when the database is the one that npm brings. */
  embedded: EmbeddedPostgres | undefined;
  close(): Promise<void>;
}

/** The configured PostgreSQL or the embedded one, migrated. Throws a plain Error with one sentence when it cannot be reached. */
export async function openStorage(config: Pick<Config, 'databaseUrl' | 'dataDir'>): Promise<OpenedStorage> {
  const embedded = config.databaseUrl ? undefined : await startEmbeddedPostgres(config.dataDir);
  const address: DatabaseAddress = embedded?.address ?? { url: config.databaseUrl ?? '' };
  try {
    await applyMigrations(address);
  } catch (error) {
    await embedded?.stop();
    throw config.databaseUrl && isUnreachable(error) ? unreachable(config.databaseUrl, error) : error;
  }
  return { address, embedded, close: async () => embedded?.stop() };
}

const UNREACHABLE = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ETIMEDOUT', 'EAI_AGAIN', '3D000', '28P01', '28000', '57P03']);

function isUnreachable(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string };
  return UNREACHABLE.has(code ?? '') || /timeout|terminated/i.test(message ?? '') || error instanceof AggregateError;
}

/** Names host and database, never user or password. */
function unreachable(databaseUrl: string, cause: unknown): Error {
  const { host, pathname } = new URL(databaseUrl);
  const why = (cause as { code?: string }).code ?? 'no answer';
  return new Error(`DATABASE_URL: the database ${pathname.slice(1)} on ${host} cannot be reached (${why}). / 无法连接数据库。`, { cause });
}
