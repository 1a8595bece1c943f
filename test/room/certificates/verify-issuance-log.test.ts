import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { trustedCertificates } from '#certificates/find-certificates.ts';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { issueCertificate } from '#certificates/issue-certificate.ts';
import { leafHashOf } from '#certificates/log-entry.ts';
import type { HeadDocument } from '#certificates/log-head.ts';
import { latestHead, prepareLog, publishLog } from '#certificates/log-publish.ts';
import { describeLog, listLogEntries, proveByHash, proveConsistency } from '#certificates/log-read.ts';
import { type VerifyLogOptions, verifyLogInDatabase } from '#certificates/log-verify-database.ts';
import { type AskLog, verifyLogRemotely } from '#certificates/log-verify-remote.ts';
import { generateKeyPair } from '#crypto/suite.ts';
import { toPem } from '#pki/pem.ts';
import { Problem } from '#problem.ts';
import { connectionOptions, type Transaction } from '#storage/database.ts';
import { memoryKeyStore } from '../../fakes/memory-key-store.ts';
import { testClock } from '../../fakes/test-clock.ts';
import { testDatabase } from '../../test-database.ts';

const { db, address } = await testDatabase();
const clock = testClock('2026-06-01T08:00:00.500Z');
const deps = { db, clock, keys: memoryKeyStore(), publicOrigin: 'https://trust.example.cn' };
await initialiseAuthorities(deps);
await prepareLog(deps);

const issue = async (commonName: string, inside = deps) => {
  const { certificate } = await issueCertificate(inside, {
    profile: 'web-server',
    suite: 'es256',
    subject: { commonName },
    spki: generateKeyPair('es256').spki,
    days: 365,
    by: 'system:test',
    subjectAltNames: [{ dns: commonName }],
  });
  return certificate;
};
const first = await issue('first.example.cn');
for (let at = 0; at < 9; at++) await issue(`server-${at}.example.cn`);
await publishLog(deps);
const keptHead = (await latestHead(deps))?.document as HeadDocument;
clock.advance(60_000);
for (let at = 0; at < 5; at++) await issue(`later-${at}.example.cn`);
await publishLog(deps);
const SIZE = (await latestHead(deps))?.document.tree_size ?? 0;

class Undo extends Error {}

/** What the check says of a database that somebody with all rights changed past the triggers; everything is put back. */
async function verdictAfter(change: (tx: Transaction) => Promise<unknown>, options: VerifyLogOptions = {}) {
  let verdict: Awaited<ReturnType<typeof verifyLogInDatabase>> | undefined;
  const work = db.$transaction(async (tx) => {
    await tx.$executeRaw`SET LOCAL session_replication_role = replica`;
    await change(tx);
    const inside = { $transaction: (walk: (inner: Transaction) => Promise<unknown>) => walk(tx) };
    verdict = await verifyLogInDatabase({ db: inside as unknown as typeof db }, options);
    throw new Undo();
  });
  await work.catch((error: unknown) => (error instanceof Undo ? undefined : Promise.reject(error)));
  return verdict ?? Promise.reject(new Error('no verdict'));
}

const kinds = (verdict: { faults: readonly { kind: string }[] }) => [...new Set(verdict.faults.map(({ kind }) => kind))].sort();

describe('in the database', () => {
  test('an untouched log is intact, also against an earlier head, and shows where a certificate stands', async () => {
    const verdict = await verifyLogInDatabase({ db }, { keptHead, certificate: first.der });
    expect(verdict).toEqual({
      intact: true,
      entries: SIZE,
      head: { size: SIZE, at: clock.now().toISOString() },
      keysProven: false,
      waiting: 0,
      certificate: { index: Number((await db.logEntry.findUniqueOrThrow({ where: { serialHex: first.serialHex } })).index) },
      faults: [],
    });
  });

  test('a changed certificate is named', async () => {
    const verdict = await verdictAfter(async (tx) => {
      const other = await tx.issuedCertificate.findFirstOrThrow({ where: { subject: 'server-1.example.cn' } });
      await tx.$executeRaw`UPDATE "issued_certificate" SET "der" = ${other.der} WHERE "serial_hex" = ${first.serialHex}`;
    });
    expect(verdict.faults).toEqual([{ kind: 'changed', index: expect.any(Number), serial: first.serialHex }]);
  });

  test('a certificate replaced together with its leaf hash is found by the hashes above it and by the heads', async () => {
    const verdict = await verdictAfter(
      (tx) => tx.$executeRaw`
      UPDATE "issuance_log_entry" SET "leaf_hash" = ${Buffer.alloc(32, 7)} WHERE "serial_hex" = ${first.serialHex}`,
    );
    expect(verdict.faults).toContainEqual({ kind: 'changed', index: expect.any(Number), serial: first.serialHex });
    expect(kinds(verdict)).toEqual(['changed', 'forked']);
  });

  test('a removed entry and a removed certificate are named by their place', async () => {
    const entry = await verdictAfter((tx) => tx.$executeRaw`DELETE FROM "issuance_log_entry" WHERE "entry_index" = 5`);
    expect(entry.faults).toContainEqual({ kind: 'removed', index: 5 });
    expect(kinds(entry)).toContain('unlogged');
    const certificate = await verdictAfter(
      (tx) => tx.$executeRaw`DELETE FROM "issued_certificate" WHERE "serial_hex" = ${first.serialHex}`,
    );
    expect(certificate.faults).toEqual([{ kind: 'extra', index: expect.any(Number), serial: first.serialHex }]);
  });

  test.each([
    [4, 5],
    [3, 8],
    [2, 13],
  ])('entries %i and %i in each other’s place are told as reordered', async (a, b) => {
    const verdict = await verdictAfter(async (tx) => {
      await tx.$executeRaw`UPDATE "issuance_log_entry" SET "entry_index" = -1 WHERE "entry_index" = ${a}`;
      await tx.$executeRaw`UPDATE "issuance_log_entry" SET "entry_index" = ${a} WHERE "entry_index" = ${b}`;
      await tx.$executeRaw`UPDATE "issuance_log_entry" SET "entry_index" = ${b} WHERE "entry_index" = -1`;
    });
    expect(verdict.faults.filter(({ kind }) => kind === 'reordered')).toEqual([
      { kind: 'reordered', index: a },
      { kind: 'reordered', index: b },
    ]);
    expect(kinds(verdict)).toEqual(['forked', 'reordered']);
  });

  test('an entry without a certificate, and a certificate slipped past the log, are named', async () => {
    const extra = await verdictAfter((tx) =>
      tx.logEntry.create({ data: { index: BigInt(SIZE), leafHash: new Uint8Array(32), serialHex: 'abcd' } }),
    );
    expect(extra.faults).toContainEqual({ kind: 'extra', index: SIZE, serial: 'abcd' });
    const unlogged = await verdictAfter(
      (tx) => tx.$executeRaw`
      INSERT INTO "issued_certificate" SELECT gen_random_uuid(), 'beef', "issuer_key", NULL, "profile", "suite", "subject", "not_before",
        "not_after", "tbs", "der", "issued_at", "issued_by" FROM "issued_certificate" WHERE "serial_hex" = ${first.serialHex}`,
    );
    expect(unlogged.faults).toEqual([{ kind: 'unlogged', serial: 'beef' }]);
  });

  test('a certificate that is kept waiting is told as late', async () => {
    const verdict = await verdictAfter(
      (tx) => tx.$executeRaw`
      INSERT INTO "issuance_log_pending" ("serial_hex", "since") VALUES ('feed', now() - interval '1 hour')`,
    );
    expect(verdict.faults).toEqual([{ kind: 'late', serial: 'feed' }]);
    expect(verdict.waiting).toBe(1);
  });

  test('a cut tail shows by the heads that are left, and when those are cut too, by a head kept elsewhere', async () => {
    const cut = async (tx: Transaction) => {
      await tx.$executeRaw`DELETE FROM "issued_certificate" WHERE "serial_hex" IN (SELECT "serial_hex" FROM "issuance_log_entry" WHERE "entry_index" >= 10)`;
      await tx.$executeRaw`DELETE FROM "issuance_log_entry" WHERE "entry_index" >= 10`;
      await tx.$executeRaw`DELETE FROM "issuance_log_node" WHERE ("node_index" + 1) * power(2, "level") > 10`;
    };
    expect((await verdictAfter(cut)).faults).toEqual([{ kind: 'cut-off', index: 10, size: expect.any(Number) }]);
    const withHeads = async (tx: Transaction) => {
      await cut(tx);
      await tx.$executeRaw`DELETE FROM "issuance_log_head" WHERE "tree_size" > 10`;
    };
    expect(kinds(await verdictAfter(withHeads))).toEqual([]);
    expect((await verdictAfter(withHeads, { keptHead, trustedKeys: (await latestHead(deps))?.keys ?? [] })).faults).toEqual([
      { kind: 'cut-off', index: 10, size: keptHead.tree_size },
    ]);
  });

  test('a missing or altered inner hash is told with its place', async () => {
    const altered = await verdictAfter(
      (tx) => tx.$executeRaw`
      UPDATE "issuance_log_node" SET "hash" = ${Buffer.alloc(32, 1)} WHERE "level" = 2 AND "node_index" = 1`,
    );
    expect(altered.faults).toContainEqual({ kind: 'changed', index: 4, detail: 'node 2/1' });
    const missing = await verdictAfter((tx) => tx.$executeRaw`DELETE FROM "issuance_log_node" WHERE "level" = 1 AND "node_index" = 3`);
    expect(missing.faults).toEqual([{ kind: 'removed', index: 6, detail: 'node 1/3' }]);
  });

  test('a head with another root, a wrong signature or a strange key is told', async () => {
    const setHead = (change: object) => async (tx: Transaction) => {
      const row = await tx.logHead.findFirstOrThrow({ orderBy: { treeSize: 'desc' } });
      await tx.logHead.update({ where: { treeSize_at: { treeSize: row.treeSize, at: row.at } }, data: change });
    };
    expect((await verdictAfter(setHead({ rootHash: new Uint8Array(32) }))).faults).toEqual([{ kind: 'head-forged', size: SIZE }]);
    expect((await verdictAfter(setHead({ signatures: [] }))).faults).toEqual([{ kind: 'head-malformed', size: SIZE }]);
    const strangers = [{ name: 'log-p256', suite: 'es256' as const, spki: generateKeyPair('es256').spki }];
    expect(kinds(await verifyLogInDatabase({ db }, { trustedKeys: strangers }))).toEqual(['head-unknown-key']);
  });

  test('a log written anew in everything, heads included, is found by a head that was kept elsewhere', async () => {
    const other = await testDatabase();
    const inside = { ...deps, db: other.db };
    await initialiseAuthorities(inside);
    await prepareLog(inside);
    for (let at = 0; at < 20; at++) await issue(`forged-${at}.example.cn`, inside);
    await publishLog(inside);
    expect((await verifyLogInDatabase({ db: other.db })).intact).toBe(true);
    const verdict = await verifyLogInDatabase({ db: other.db }, { keptHead, certificate: first.der });
    expect(verdict.faults).toEqual([{ kind: 'forked', size: keptHead.tree_size }, { kind: 'not-logged' }]);
  });
});

/** The log as its HTTP face answers. */
const honest: AskLog = async (path) => {
  const { pathname, searchParams } = new URL(path, 'http://log/');
  const count = (name: string) => Number(searchParams.get(name));
  switch (pathname) {
    case '/log.json':
      return describeLog(deps);
    case '/get-sth':
      return (await latestHead(deps))?.document;
    case '/get-entries':
      return { entries: await listLogEntries(deps, count('start'), count('end')) };
    case '/get-sth-consistency':
      return { consistency: await proveConsistency(deps, count('first'), count('second')) };
    default:
      return proveByHash(deps, Buffer.from(searchParams.get('hash') ?? '', 'base64'), count('tree_size')).catch((error: unknown) =>
        error instanceof Problem && error.code === 'log-entry-not-found' ? 'not-found' : Promise.reject(error),
      );
  }
};

describe('over HTTP', () => {
  let answers: Record<string, (honestAnswer: unknown) => unknown>;
  beforeEach(() => {
    answers = {};
  });
  const ask: AskLog = async (path) => {
    const change = answers[path.split('?')[0] ?? ''];
    const answer = JSON.parse(JSON.stringify(await honest(path)));
    return change ? change(answer) : answer;
  };
  const check = async (more: object = {}) => {
    const { roots } = await trustedCertificates(deps);
    return verifyLogRemotely(ask, { anchors: roots, at: clock.now(), ...more });
  };

  test('an honest log is intact, its keys are proven under the root, and a certificate is shown to be in it', async () => {
    const verdict = await check({ keptHead, certificate: first.der });
    expect(verdict).toMatchObject({ intact: true, entries: SIZE, keysProven: true, faults: [] });
    expect(verdict.certificate?.index).toBeLessThan(keptHead.tree_size);
    expect((await verifyLogRemotely(ask, { anchors: [], at: clock.now() })).keysProven).toBe(false);
  });

  test('a certificate that was never logged is told', async () => {
    const other = await testDatabase();
    const inside = { ...deps, db: other.db };
    await initialiseAuthorities(inside);
    expect((await check({ certificate: (await issue('elsewhere.example.cn', inside)).der })).faults).toEqual([{ kind: 'not-logged' }]);
  });

  type Entries = { entries: { leaf_hash: string; leaf_input?: string }[] };
  test.each<[string, (entries: Entries['entries']) => unknown, string[]]>([
    [
      'changed',
      (entries) => {
        (entries[3] as Entries['entries'][0]).leaf_hash = Buffer.alloc(32).toString('base64');
      },
      ['changed', 'forked'],
    ],
    ['reordered', (entries) => entries.reverse(), ['changed', 'forked']],
    [
      'shown with another certificate',
      (entries) => {
        (entries[3] as Entries['entries'][0]).leaf_input = entries[4]?.leaf_input as string;
      },
      ['changed'],
    ],
    ['withheld though others were given', (entries) => entries.splice(0, entries.length), ['unreadable']],
    ['removed', (entries) => entries.splice(3, 1), ['changed', 'forked', 'unreadable']],
  ])('entries that are %s are told', async (_how, change, expected) => {
    answers['get-entries'] = (answer) => {
      change((answer as Entries).entries);
      return answer;
    };
    const verdict = await check({ keptHead });
    expect(verdict.intact).toBe(false);
    expect(expected).toEqual(expect.arrayContaining(kinds(verdict)));
  });

  test('a head with another root is forged, and one by another key is not believed', async () => {
    answers['get-sth'] = (head) => ({ ...(head as HeadDocument), sha256_root_hash: Buffer.alloc(32).toString('base64') });
    expect(kinds(await check())).toEqual(['head-forged']);
    answers['get-sth'] = (head) => ({ ...(head as HeadDocument), tree_size: SIZE - 1 });
    expect(kinds(await check())).toEqual(['head-forged']);
    answers = {
      'log.json': (described) => ({ keys: (described as { keys: object[] }).keys.map((key) => ({ ...key, certificates: [] })) }),
    };
    expect(kinds(await check())).toEqual(['head-unknown-key']);
  });

  test('an honestly signed head of an earlier time is a cut tail for who kept a later one', async () => {
    const later = (await latestHead(deps))?.document;
    answers['get-sth'] = () => keptHead;
    expect((await check({ keptHead: later })).faults).toEqual([{ kind: 'cut-off', index: keptHead.tree_size, size: SIZE }]);
  });

  test('proofs that prove nothing are told', async () => {
    answers['get-sth-consistency'] = () => ({ consistency: [] });
    answers['get-proof-by-hash'] = (proof) => ({ ...(proof as object), leaf_index: 0 });
    expect((await check({ keptHead, certificate: first.der })).faults.map(({ detail }) => detail)).toEqual(['consistency', 'inclusion']);
  });

  test.each([
    ['nothing', () => undefined],
    ['another form', () => ({ keys: 'all of them' })],
    [
      'an error',
      () => {
        throw new Error('answered 500');
      },
    ],
  ])('a log that answers %s is unreadable, not intact', async (_what, answer) => {
    answers['log.json'] = answer;
    expect(kinds(await check())).toEqual(['unreadable']);
  });
});

describe('tongren log', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tongren-log-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const program = fileURLToPath(new URL('../../../src/cli.ts', import.meta.url));

  function run(
    words: readonly string[],
    environment: Record<string, string> = {},
  ): Promise<{ status: number | null; out: string; err: string }> {
    return new Promise((done) => {
      const child = spawn(process.execPath, [program, 'log', ...words], {
        env: { PATH: process.env['PATH'], TONGREN_DATA_DIR: folder, ...environment },
      });
      const text = { out: '', err: '' };
      child.stdout.on('data', (chunk) => (text.out += chunk));
      child.stderr.on('data', (chunk) => (text.err += chunk));
      child.on('close', (status) => done({ status, ...text }));
    });
  }

  test('keeps a head over HTTP and checks the log against it', { timeout: 60_000 }, async () => {
    const server = createServer(async (request, response) => {
      const answer = await honest((request.url ?? '').replace('/log/v1/', ''));
      response.writeHead(answer === 'not-found' ? 404 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const [head, leaf] = [join(folder, 'head.json'), join(folder, 'leaf.pem')];
    writeFileSync(leaf, toPem('CERTIFICATE', first.der));
    try {
      expect((await run(['head', '--out', head, '--url', url])).status).toBe(0);
      const good = await run(['verify', '--url', url, '--head', head, '--certificate', leaf, '--json']);
      expect(JSON.parse(good.out)).toMatchObject({ intact: true, entries: SIZE });
      expect(good.status).toBe(0);
      const changed = { ...JSON.parse(readFileSync(head, 'utf8')), timestamp: 1 };
      writeFileSync(head, JSON.stringify(changed));
      const bad = await run(['verify', '--url', url, '--head', head]);
      expect(bad.status).toBe(1);
      expect(bad.out).toContain('head-forged');
    } finally {
      server.close();
    }
  });

  test('checks the database, and says when there is none to check', { timeout: 60_000 }, async () => {
    const options = connectionOptions(address);
    const url =
      'connectionString' in options
        ? options.connectionString
        : `postgresql://${options.user}@localhost:${options.port}/${options.database}?host=${encodeURIComponent(options.host ?? '')}`;
    const good = await run(['verify', '--database', '--json'], { DATABASE_URL: url });
    expect(JSON.parse(good.out)).toMatchObject({ intact: true, entries: SIZE });
    expect((await run(['verify'])).status).toBe(3);
    expect((await run(['verify', '--url', 'http://127.0.0.1:9', '--database'])).status).toBe(3);
    expect((await run(['verify', '--url', 'http://127.0.0.1:9'])).status).toBe(2);
    expect((await run(['verify', '--head', join(folder, 'absent.json')])).status).toBe(2);
  });
});

test('the leaf of a certificate follows from the certificate alone', async () => {
  const row = await db.logEntry.findUniqueOrThrow({ where: { serialHex: first.serialHex } });
  expect(Buffer.from(leafHashOf(first.der)).equals(row.leafHash)).toBe(true);
});
