import { describe, expect, it } from 'vitest';
import { type DatabaseAddress, openDatabase, Prisma, queryDirectly } from '#storage/database.ts';
import { testDatabase } from '../test-database.ts';

const { db, address } = await testDatabase();

async function preparedNames(client: typeof db): Promise<number> {
  const [row] = await client.$queryRaw<{ count: bigint }[]>`SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'tongren%'`;
  return Number(row?.count);
}

/** The same database by a URL that speaks of a pooler. */
function pooled(address: DatabaseAddress): string {
  const url = new URL('url' in address ? address.url : `postgresql://${address.user}@localhost/${address.database}`);
  if (!('url' in address)) {
    url.searchParams.set('host', address.socketFolder);
    url.searchParams.set('port', String(address.port));
  }
  url.searchParams.set('pgbouncer', 'true');
  return url.href;
}

describe('statements that come again', () => {
  it('are kept prepared by PostgreSQL, with the same answers, also within a transaction that fails', async () => {
    const one = openDatabase(address, { maxConnections: 1 });
    try {
      for (let round = 0; round < 6; round++) {
        const [row] = await one.$queryRaw<{ sum: number }[]>`SELECT ${round}::int + 1 AS sum`;
        expect(row?.sum).toBe(round + 1);
      }
      expect(await preparedNames(one)).toBeGreaterThan(0);
      await expect(one.$transaction((tx) => tx.$queryRaw`SELECT ${0}::int / 0`)).rejects.toThrow();
      const [after] = await one.$queryRaw<{ sum: number }[]>`SELECT ${41}::int + 1 AS sum`;
      expect(after?.sum).toBe(42);
    } finally {
      await one.$disconnect();
    }
  });

  it('are not kept when the address says that a pooler stands between', async () => {
    const one = openDatabase({ url: pooled(address) }, { maxConnections: 1 });
    try {
      for (let round = 0; round < 6; round++) await one.$queryRaw`SELECT ${round}::int + 1 AS sum`;
      expect(await preparedNames(one)).toBe(0);
    } finally {
      await one.$disconnect();
    }
  });
});

describe('past the ORM', () => {
  it('values come back as they went, on the connections of the client, and the statement is kept prepared', async () => {
    const one = openDatabase(address, { maxConnections: 1 });
    try {
      const at = new Date('2026-03-04T05:06:07.089Z');
      const bytes = Uint8Array.of(0, 92, 120, 255);
      for (let round = 0; round < 4; round++) {
        const rows = await queryDirectly(
          one,
          Prisma.sql`SELECT t.at, t.der, t.part, t.name FROM unnest(${[at, at]}::timestamptz[], ${[bytes, bytes]}::bytea[],
            ${[7, null]}::int[], ${['a "quoted" \\ {name}', '黄']}::text[]) AS t(at, der, part, name)`,
        );
        expect(rows).toEqual([
          { at, der: Buffer.from(bytes), part: 7, name: 'a "quoted" \\ {name}' },
          { at, der: Buffer.from(bytes), part: null, name: '黄' },
        ]);
      }
      expect(await preparedNames(one)).toBeGreaterThan(0);
      await expect(queryDirectly(one, Prisma.sql`SELECT ${1}::int / 0`)).rejects.toThrow('division by zero');
      expect(await queryDirectly(one, Prisma.sql`SELECT ${1}::int AS n`)).toEqual([{ n: 1 }]);
    } finally {
      await one.$disconnect();
    }
    await expect(queryDirectly(one, Prisma.sql`SELECT 1`)).rejects.toThrow();
  });

  it('a connection that the server ends while nobody uses it harms nobody', async () => {
    const one = openDatabase(address, { maxConnections: 1 });
    try {
      const [row] = await queryDirectly<{ pid: number }>(one, Prisma.sql`SELECT pg_backend_pid() AS pid`);
      await db.$queryRaw`SELECT pg_terminate_backend(${row?.pid}::int)`;
      await expect.poll(() => queryDirectly(one, Prisma.sql`SELECT 1 AS n`).catch(() => 'broken')).toEqual([{ n: 1 }]);
    } finally {
      await one.$disconnect();
    }
  });
});

describe('in a rush', () => {
  it('a transaction waits for a free connection longer than two seconds', async () => {
    const one = openDatabase(address, { maxConnections: 1 });
    try {
      const slow = one.$transaction((tx) => tx.$queryRaw`SELECT pg_sleep(2.6)::text`);
      const next = one.$transaction((tx) => tx.$queryRaw<{ n: number }[]>`SELECT 1 AS n`);
      await slow;
      expect(await next).toEqual([{ n: 1 }]);
    } finally {
      await one.$disconnect();
    }
  });
});
