import { expect, test } from 'vitest';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { issueCertificate } from '#certificates/issue-certificate.ts';
import { leafHashOf, readLeaf } from '#certificates/log-entry.ts';
import { readHead } from '#certificates/log-head.ts';
import { documentOf, latestHead, prepareLog, publishLog, signDueHead } from '#certificates/log-publish.ts';
import { describeLog, listLogEntries, proveByHash, proveConsistency, proveEntry } from '#certificates/log-read.ts';
import { MAX_MERGE_DELAY_SECONDS, sequenceLog } from '#certificates/log-sequence.ts';
import { completeCertificate } from '#certificates/sign-certificate.ts';
import { generateKeyPair } from '#crypto/suite.ts';
import { startJobs } from '#jobs/run-jobs.ts';
import { parseCertificate } from '#pki/certificate.ts';
import { isConsistent, isIncluded, leafHash } from '#pki/merkle-tree.ts';
import type { ProfileName } from '#pki/profiles.ts';
import { validatePath } from '#pki/validate-path.ts';
import { Problem } from '#problem.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import { memoryKeyStore } from '../../fakes/memory-key-store.ts';
import { testClock } from '../../fakes/test-clock.ts';
import { testDatabase } from '../../test-database.ts';

const { db } = await testDatabase();
const clock = testClock('2026-06-01T08:00:00.500Z');
const keys = guardedKeyStore(memoryKeyStore(), { clock });
const deps = { db, clock, keys, publicOrigin: 'https://trust.example.cn' };
await initialiseAuthorities(deps);

const issue = (profile: ProfileName, commonName: string, inside = deps) =>
  issueCertificate(inside, {
    profile,
    suite: 'es256',
    subject: { commonName, organisation: '示范市市场监督管理局' },
    spki: generateKeyPair('es256').spki,
    days: 365,
    by: 'system:test',
    ...(profile === 'web-server' ? { subjectAltNames: [{ dns: commonName }] } : {}),
  });

const bytes = (text: string | undefined) => Uint8Array.from(Buffer.from(text ?? '', 'base64'));
const base64 = (data: Uint8Array) => Buffer.from(data).toString('base64');

async function head() {
  const found = await latestHead(deps);
  const read = readHead(found?.document, found?.keys ?? []);
  if (typeof read === 'string') throw new Error(read);
  return read;
}

test('the first start logs what was issued before there was a log, and certifies the log’s keys under our roots', async () => {
  await prepareLog(deps);
  expect(await db.logPending.count()).toBe(0);
  const signed = await db.issuedCertificate.count({ where: { der: { not: null } } });
  expect((await head()).size).toBe(signed);
  const described = await describeLog(deps);
  expect(described?.keys.map(({ name }) => name)).toEqual(['log-p256', 'log-sm2']);
  for (const { certificates, key } of described?.keys ?? []) {
    const [leaf, ...intermediates] = certificates.map((der) => parseCertificate(bytes(der)));
    if (!leaf) throw new Error('no certificate');
    expect(base64(leaf.spki)).toBe(key);
    const rows = await db.issuedCertificate.findMany({ where: { profile: 'root' } });
    const anchors = rows.map(({ der }) => parseCertificate(der as Uint8Array));
    expect(validatePath({ leaf, intermediates, anchors, at: clock.now() }).reasons).toEqual(['revocation-unknown']);
  }
});

test('a signed certificate is promised to the log by the very statement that stores it', async () => {
  const { certificate } = await issue('web-server', 'promised.example.cn');
  expect(await db.logPending.findUnique({ where: { serialHex: certificate.serialHex } })).not.toBeNull();
  await expect(
    db.$transaction(async (tx) => {
      await tx.issuedCertificate.create({
        data: {
          serialHex: 'ff',
          issuerKey: 'ca-root-p256',
          profile: 'issuing',
          suite: 'es256',
          subject: 'x',
          tbs: new Uint8Array(),
          der: Uint8Array.of(1),
          notBefore: clock.now(),
          notAfter: clock.now(),
          issuedAt: clock.now(),
          issuedBy: 'system:test',
        },
      });
      expect(await tx.logPending.count({ where: { serialHex: 'ff' } })).toBe(1);
      throw new Error('rolled back');
    }),
  ).rejects.toThrow('rolled back');
  expect(await db.logPending.count({ where: { serialHex: 'ff' } })).toBe(0);
});

test('a certificate that was stored and not signed is not in the log', async () => {
  const other = await testDatabase();
  const inside = { ...deps, db: other.db };
  await initialiseAuthorities(inside);
  await publishLog(inside);
  const before = await other.db.logEntry.count();
  const failing = { ...inside, keys: { ...keys, sign: () => Promise.reject(new Error('power cut')) } };
  await expect(issue('web-server', 'late.example.cn', failing)).rejects.toThrow('power cut');
  await publishLog(inside);
  expect(await other.db.logEntry.count()).toBe(before);
  const row = await other.db.issuedCertificate.findFirstOrThrow({ where: { der: null } });
  await completeCertificate(inside, row.serialHex);
  await publishLog(inside);
  expect(await other.db.logEntry.count()).toBe(before + 1);
});

test('many issuers and several sequencers at once leave no gap, no double and nothing behind', async () => {
  const names = Array.from({ length: 40 }, (_, at) => `many-${at}.example.cn`);
  const sequencing = async () => {
    for (let round = 0; round < 15; round++) await sequenceLog(deps, { batch: 7 });
  };
  const [issued] = await Promise.all([
    Promise.all(names.map((name) => issue('web-server', name))),
    sequencing(),
    sequencing(),
    sequencing(),
  ]);
  await publishLog(deps);
  const entries = await db.logEntry.findMany({ orderBy: { index: 'asc' } });
  expect(entries.map(({ index }) => Number(index))).toEqual(entries.map((_, at) => at));
  const logged = new Set(entries.map(({ serialHex }) => serialHex));
  expect(issued.every(({ certificate }) => logged.has(certificate.serialHex))).toBe(true);
  expect(await db.logPending.count()).toBe(0);
  const { size, rootHash } = await head();
  for (const { certificate } of issued) {
    const leaf = leafHashOf(certificate.der);
    const { leaf_index, audit_path } = await proveByHash(deps, leaf, size);
    expect(isIncluded({ leaf, index: leaf_index, size, path: audit_path.map(bytes), root: rootHash })).toBe(true);
  }
});

test('every earlier head is proved to be the beginning of the present tree', async () => {
  for (const name of ['a', 'b', 'c']) {
    await issue('web-server', `${name}.example.cn`);
    await publishLog(deps);
  }
  const heads = (await db.logHead.findMany()).map((row) => documentOf(row).document);
  const now = await head();
  expect(heads.length).toBeGreaterThan(4);
  for (const { tree_size, sha256_root_hash } of heads) {
    const path = (await proveConsistency(deps, tree_size, now.size)).map(bytes);
    const proof = { first: tree_size, firstRoot: bytes(sha256_root_hash), second: now.size, secondRoot: now.rootHash, path };
    expect(isConsistent(proof)).toBe(true);
  }
});

test('names of natural persons stay out of the public log, and their holders can prove inclusion all the same', async () => {
  const { certificate } = await issue('person', '张晓明');
  await issue('seal', '李四之印');
  const { certificate: server } = await issue('web-server', 'public.example.cn');
  await publishLog(deps);
  const { size, rootHash } = await head();
  const entries = await listLogEntries(deps, 0, size - 1);
  const all = Buffer.concat(entries.flatMap(({ leaf_input, extra_data }) => [bytes(leaf_input), bytes(extra_data)]));
  expect(all.includes('张晓明')).toBe(false);
  expect(all.includes('李四之印')).toBe(false);
  expect(all.includes('public.example.cn')).toBe(true);
  const leaf = leafHashOf(certificate.der);
  const { leaf_index, audit_path } = await proveByHash(deps, leaf, size);
  expect(entries[leaf_index]).toEqual({ leaf_hash: base64(leaf), withheld: true });
  expect(isIncluded({ leaf, index: leaf_index, size, path: audit_path.map(bytes), root: rootHash })).toBe(true);
  const shown = await proveByHash(deps, leafHashOf(server.der), size);
  const { leaf_input, audit_path: path } = await proveEntry(deps, shown.leaf_index, size);
  expect(readLeaf(bytes(leaf_input))).toEqual(Uint8Array.from(server.der));
  expect(isIncluded({ leaf: leafHash(bytes(leaf_input)), index: shown.leaf_index, size, path: path.map(bytes), root: rootHash })).toBe(
    true,
  );
});

test('no proof is given for what no head covers', async () => {
  const { size } = await head();
  const absent = leafHash(Buffer.from('never logged'));
  const refused = (code: string) => expect.objectContaining({ code });
  await expect(proveByHash(deps, absent, size)).rejects.toThrow(new Problem('log-entry-not-found'));
  await expect(proveByHash(deps, absent, size + 1)).rejects.toEqual(refused('invalid-input'));
  await expect(proveConsistency(deps, 5, 4)).rejects.toEqual(refused('invalid-input'));
  await expect(proveEntry(deps, size, size)).rejects.toEqual(refused('invalid-input'));
  await expect(listLogEntries(deps, size, size + 1)).rejects.toEqual(refused('invalid-input'));
  await issue('web-server', 'not-in-a-head.example.cn');
  await sequenceLog(deps);
  await expect(listLogEntries(deps, size, size + 1)).rejects.toEqual(refused('invalid-input'));
});

test('what is no certificate waits and holds up nobody', async () => {
  const row = await db.issuedCertificate.findFirstOrThrow({ where: { der: { not: null } } });
  const { id: _id, authorityKey: _key, ...same } = row;
  const data = { ...same, tbs: Uint8Array.from(row.tbs), serialHex: 'bad0', der: Uint8Array.of(0x30, 1), issuedAt: new Date(0) };
  await db.issuedCertificate.create({ data });
  const { certificate } = await issue('web-server', 'behind.example.cn');
  await publishLog(deps);
  expect(await db.logEntry.findUnique({ where: { serialHex: certificate.serialHex } })).not.toBeNull();
  expect(await db.logPending.findMany({ select: { serialHex: true } })).toEqual([{ serialHex: 'bad0' }]);
});

test('a head is signed again after an hour without a certificate, and always later than the one before', async () => {
  await publishLog(deps);
  expect(await signDueHead(deps)).toBeUndefined();
  const before = await head();
  clock.advance(3_600_100);
  expect((await signDueHead(deps))?.tree_size).toBe(before.size);
  clock.advance(-60_000);
  await issue('web-server', 'clock.example.cn');
  await publishLog(deps);
  expect((await head()).at.getTime()).toBeGreaterThan(before.at.getTime() + 3_600_000);
});

test('rows of the log are neither changed nor removed, and a gap is refused', async () => {
  await expect(db.$executeRaw`UPDATE "issuance_log_entry" SET "serial_hex" = 'x' WHERE "entry_index" = 0`).rejects.toThrow('appended');
  await expect(db.$executeRaw`DELETE FROM "issuance_log_node"`).rejects.toThrow('appended');
  await expect(db.$executeRaw`TRUNCATE "issuance_log_head"`).rejects.toThrow('appended');
  await expect(db.logEntry.create({ data: { index: 1_000_000n, leafHash: new Uint8Array(32), serialHex: 'gap' } })).rejects.toThrow(
    'no gaps',
  );
});

test('the log’s keys sign heads and nothing else', async () => {
  const other = Buffer.from('a certificate, perhaps');
  await expect(keys.sign('log-p256', 'tree-head', other)).rejects.toEqual(expect.objectContaining({ code: 'signing-refused' }));
  await expect(keys.sign('log-p256', 'certificate', other)).rejects.toEqual(expect.objectContaining({ code: 'signing-refused' }));
});

test('while the worker runs, a certificate is in a signed head within the maximum merge delay', async () => {
  const jobs = startJobs({ db, clock }, [{ name: 'issuance-log', everySeconds: 1, run: () => publishLog(deps) }]);
  try {
    const issued = await Promise.all(['x', 'y', 'z'].map((name) => issue('web-server', `mmd-${name}.example.cn`)));
    const started = performance.now();
    for (const { certificate } of issued) {
      const leaf = leafHashOf(certificate.der);
      const isLogged = async () =>
        proveByHash(deps, leaf, (await head()).size).then(
          () => true,
          () => false,
        );
      while (!(await isLogged())) {
        if (performance.now() - started > MAX_MERGE_DELAY_SECONDS * 1000) throw new Error('the merge delay is over');
        await new Promise((done) => setTimeout(done, 50));
      }
    }
  } finally {
    await jobs.stop();
  }
});
