/** The Prisma client over `pg`. No queries here: each room asks for its own tables. */
import { PrismaPg } from '@prisma/adapter-pg';
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

/** A client with its own pool. Close it with `$disconnect()`. */
export function openDatabase(address: DatabaseAddress, options: { maxConnections?: number } = {}): Database {
  const nameOf = keepsStatements(address) ? statementNames() : undefined;
  const adapter = new PrismaPg(
    { ...connectionOptions(address), max: options.maxConnections ?? 12 },
    // Undefined is what `pg` takes for a statement without a name; the adapter's type knows only of those with one.
    nameOf && { statementNameGenerator: ({ sql }) => nameOf(sql) as string },
  );
  // Minimal errors: the long ones print what was to be written.
  return new PrismaClient({ errorFormat: 'minimal', adapter });
}

/** Behind a pooler that changes the connection between two transactions, prepared statements get lost; Prisma's parameter says so. */
function keepsStatements(address: DatabaseAddress): boolean {
  return !('url' in address) || new URL(address.url).searchParams.get('pgbouncer') !== 'true';
}

/** P2002: a unique index refused the row. The guard against double use is often exactly this. */
export function isUniqueViolation(error: unknown): boolean {
  return error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002';
}
