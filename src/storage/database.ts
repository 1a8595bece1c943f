/** The Prisma client over `pg`. No queries here: each room asks for its own tables. */
import { PrismaPg } from '@prisma/adapter-pg';
import { Prisma, PrismaClient } from './generated/client.ts';

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
  // Minimal errors: the long ones print what was to be written.
  return new PrismaClient({
    errorFormat: 'minimal',
    adapter: new PrismaPg({ ...connectionOptions(address), max: options.maxConnections ?? 12 }),
  });
}

/** P2002: a unique index refused the row. The guard against double use is often exactly this. */
export function isUniqueViolation(error: unknown): boolean {
  return error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002';
}
