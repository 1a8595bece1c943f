/** The Prisma client over `pg`. No queries here: each room asks for its own tables. */
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { Prisma, PrismaClient } from './generated/client.ts';
import { statementNames } from './statement-names.ts';

export type Database = PrismaClient;
export type Transaction = Prisma.TransactionClient;
export { Prisma };

/** Where PostgreSQL is: a URL, or the folder of the embedded server's socket. */
export type DatabaseAddress = { url: string } | { socketFolder: string; port: number; user: string; database: string };

/** What `pg` wants to hear to connect there. */
export function connectionOptions(address: DatabaseAddress) {
  return 'url' in address
    ? { connectionString: address.url, connectionTimeoutMillis: 5_000 }
    : { host: address.socketFolder, port: address.port, user: address.user, database: address.database, connectionTimeoutMillis: 5_000 };
}

/**
 * In a rush a transaction waits for its turn rather than fail (2 s, the library's own limit, is less than fifty licences at once take on
 * two cores), and a slow machine has time to end it.
 */
const TRANSACTION_OPTIONS = { maxWait: 10_000, timeout: 15_000 };

/** What lies under a client, for `queryDirectly`. */
const drivers = new WeakMap<Database, { pool: pg.Pool; nameOf: (text: string) => string | undefined }>();

/** A client with its own pool. Close it with `$disconnect()`. */
export function openDatabase(address: DatabaseAddress, options: { maxConnections?: number } = {}): Database {
  const nameOf = keepsStatements(address) ? statementNames() : () => undefined;
  const pool = new pg.Pool({
    ...connectionOptions(address),
    // For a turn as well as for a connection.
    connectionTimeoutMillis: TRANSACTION_OPTIONS.maxWait,
    max: options.maxConnections ?? 12,
  });
  // A connection that breaks while nobody uses it is replaced by the pool; whoever asks next is told if there is none to be had.
  pool.on('error', () => {});
  const adapter = new PrismaPg(pool, {
    disposeExternalPool: true,
    // Undefined is what `pg` takes for a statement without a name; the adapter's type knows only of those with one.
    statementNameGenerator: ({ sql }) => nameOf(sql) as string,
  });
  // Minimal errors: the long ones print what was to be written.
  const db = new PrismaClient({ errorFormat: 'minimal', adapter, transactionOptions: TRANSACTION_OPTIONS });
  drivers.set(db, { pool, nameOf });
  return db;
}

/**
 * Rows of a statement as the driver gives them, past the ORM, on the same connections: for the few that are executed for every
 * certificate, where the ORM's own work costs more than the database's. Not for transactions. Throws the driver's errors.
 */
export async function queryDirectly<T extends object>(db: Database, statement: Prisma.Sql): Promise<T[]> {
  const driver = drivers.get(db);
  if (!driver) throw new Error('This client was not opened by openDatabase.');
  const { text, values } = statement;
  const name = driver.nameOf(text);
  return (await driver.pool.query<T>({ ...(name ? { name } : {}), text, values })).rows;
}

/** Behind a pooler that changes the connection between two transactions, prepared statements get lost; Prisma's parameter says so. */
function keepsStatements(address: DatabaseAddress): boolean {
  return !('url' in address) || new URL(address.url).searchParams.get('pgbouncer') !== 'true';
}

/** P2002: a unique index refused the row. The guard against double use is often exactly this. */
export function isUniqueViolation(error: unknown): boolean {
  return error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002';
}
