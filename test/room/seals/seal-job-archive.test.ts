/** All results of a bulk job as one archive: the same bytes as one by one, names that do no harm, little memory, nothing left open. */
import { randomUUID } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeAll, describe, expect, test } from 'vitest';
import { readZip, type ZipArchive } from '#documents/container/read-zip.ts';
import { writeZip } from '#documents/container/write-zip.ts';
import { addNamedFiles } from '#seals/add-named-files.ts';
import { addJobFile, changeSealJob, createSealJob } from '#seals/create-seal-job.ts';
import { listJobFiles, readSealedFile } from '#seals/find-seal-jobs.ts';
import { keepJobFile } from '#seals/job-files.ts';
import { runSealJobs, sweepSealJobs } from '#seals/run-seal-jobs.ts';
import { placeOfFile, resultNameOf, type SealJobDeps } from '#seals/seal-job.ts';
import { openJobArchive, type SealJobArchive } from '#seals/seal-job-archive.ts';
import { largeOfdEntries } from '#test/bench/large-ofd.ts';
import { packFiles, sampleFiles } from '#test/fakes/sample-ofd.ts';
import { samplePdf } from '#test/fakes/sample-pdf.ts';
import { testDatabase } from '#test/test-database.ts';
import { type SampleCity, sampleCity } from '../licences/sample-city.ts';

const MEBIBYTE = 1024 * 1024;
const { db } = await testDatabase();
let city: SampleCity;
let deps: SealJobDeps;
let by: { personId: string; organisationId: string };
let requests = 0;

beforeAll(async () => {
  city = await sampleCity(db);
  deps = city.deps;
  by = { personId: city.issuer, organisationId: city.department.id };
});

const newJob = () => createSealJob(deps, { sealId: city.sealId, place: {}, requestId: `archive-${++requests}-0000`, by });
const act = (jobId: string, what: 'start' | 'pause' | 'resume' | 'cancel') => changeSealJob(deps, { jobId, act: what, by });
const bring = async (jobId: string, name: string, bytes: Uint8Array) =>
  expect(await addNamedFiles(deps, { jobId, by, name, content: pieces(bytes) })).toEqual([{ name }]);
const runToEnd = async () => {
  while ((await runSealJobs(deps)) > 0);
};

async function* pieces(bytes: Uint8Array) {
  yield bytes;
}

async function bytesOf(file: { pieces(): AsyncIterable<Uint8Array> }): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const piece of file.pieces()) parts.push(piece);
  return Buffer.concat(parts);
}

async function unpack(archive: SealJobArchive): Promise<ZipArchive> {
  const read = readZip(await bytesOf(archive));
  expect(read.warnings).toEqual([]);
  return read;
}

const linesOf = (archive: ZipArchive, name: string) => Buffer.from(archive.read(name)).toString('utf8').split('\r\n');
const sealedNames = (archive: ZipArchive) => [...archive.entries.keys()].filter((name) => !name.endsWith('.csv'));

/** Counts what of the store is open. */
function counted(use: SealJobDeps = deps) {
  const count = { open: 0, most: 0, opened: 0, longest: 0 };
  const open: SealJobDeps['files']['open'] = async (name) => {
    const file = await use.files.open(name);
    if (!file) return undefined;
    count.opened++;
    count.most = Math.max(count.most, ++count.open);
    let isOpen = true;
    return {
      ...file,
      read(start, end) {
        if (!isOpen) throw new Error('read after it was closed');
        count.longest = Math.max(count.longest, end - start);
        return file.read(start, end);
      },
      close() {
        if (!isOpen) throw new Error('closed twice');
        isOpen = false;
        count.open--;
        file.close();
      },
    };
  };
  return { count, deps: { ...use, files: { ...use.files, open } } };
}

describe('a job with good and bad files, large and small', () => {
  let jobId: string;
  const NAMES = ['张三劳动合同.pdf', '子目录/通知 2026.ofd', '子目录/大图册.ofd', 'RESULTS.csv'];

  beforeAll(async () => {
    jobId = (await newJob()).id;
    const large = writeZip(largeOfdEntries({ pages: 12, pictureBytes: 400 * 1024 }), { time: deps.clock.now() });
    expect(large.length).toBeGreaterThan(4 * MEBIBYTE);
    const contents = [samplePdf(), packFiles(sampleFiles()), large, samplePdf({ pages: 2 })];
    for (const [index, name] of NAMES.entries()) await bring(jobId, name, contents[index] as Uint8Array);
    await bring(jobId, '坏了=1.pdf', Buffer.from('%PDF-1.7 and no more'));
    await act(jobId, 'start');
    await runToEnd();
  });

  test('comes whole: every file is byte for byte the one that is fetched alone', async () => {
    const { count, deps: counting } = counted();
    const archive = await openJobArchive(counting, { jobId, by });
    expect(archive.fileName).toMatch(/^批量用印-\d{8}-\d{6}\.zip$/);
    const unpacked = await unpack(archive);
    expect([...unpacked.entries.keys()].slice(-2)).toEqual(['results.csv', 'errors.csv']);
    expect(new Set(unpacked.entries.keys())).toEqual(new Set([...NAMES.slice(0, 3), 'RESULTS (2).csv', 'results.csv', 'errors.csv']));
    const { items } = await listJobFiles(deps, { jobId, by, status: 'sealed' });
    expect(items.length).toBe(4);
    for (const { key, name = '' } of items) {
      const alone = await bytesOf(await readSealedFile(deps, { jobId, key, by }));
      const inArchive = unpacked.read(name === 'RESULTS.csv' ? 'RESULTS (2).csv' : name);
      expect(Buffer.from(inArchive).equals(alone), name).toBe(true);
    }
    expect(count).toMatchObject({ opened: 4, open: 0, most: 1 });
    expect(count.longest).toBeLessThanOrEqual(MEBIBYTE);
  });

  test('has the digests, the seal and the time of each, and the reasons of the others', async () => {
    const unpacked = await unpack(await openJobArchive(deps, { jobId, by }));
    const [head, first, ...rest] = linesOf(unpacked, 'results.csv');
    expect(head).toContain('SHA-256');
    const { items } = await listJobFiles(deps, { jobId, by, status: 'sealed' });
    const uses = await db.sealUse.findMany({ where: { subject: `seal-job:${jobId}` } });
    const { esId } = await db.seal.findUniqueOrThrow({ where: { id: city.sealId } });
    const sm3 = uses.find(({ digest }) => digest === items[0]?.digest)?.sm3;
    const { name = '', format } = items[0] ?? {};
    expect(first?.split(',')).toEqual([
      name === 'RESULTS.csv' ? 'RESULTS (2).csv' : name,
      format?.toUpperCase(),
      String(items[0]?.bytes),
      items[0]?.digest,
      sm3,
      esId,
      expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
    ]);
    expect(sm3).toMatch(/^[0-9a-f]{64}$/);
    expect(rest.length).toBe(4);
    expect(linesOf(unpacked, 'errors.csv').slice(1)).toEqual([
      '坏了=1.pdf,PDF,pdf-not-signable,该 PDF 无法签署。,This PDF cannot be signed.',
      '',
    ]);
  });

  test('leaves nothing open when whoever takes it goes away, wherever that is', async () => {
    const { count, deps: counting } = counted();
    for (let stop = 0; stop < 40; stop++) {
      let seen = 0;
      for await (const _ of (await openJobArchive(counting, { jobId, by })).pieces()) if (seen++ === stop) break;
      expect([stop, count.open]).toEqual([stop, 0]);
    }
    // Also in the middle of the large one, which is open while it is sent.
    expect(count.opened).toBeGreaterThan(60);
  });

  test('breaks off when the disk fails: that is no fault of a file', async () => {
    const failing = (fails: (reads: number) => boolean) => {
      let reads = 0;
      const open: SealJobDeps['files']['open'] = async (name) => {
        const file = await deps.files.open(name);
        return (
          file && {
            ...file,
            read(start: number, end: number) {
              if (fails(++reads)) throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });
              return file.read(start, end);
            },
          }
        );
      };
      return { ...deps, files: { ...deps.files, open } };
    };
    for (const at of [1, 5, 60, 120]) {
      const { count, deps: counting } = counted(failing((reads) => reads === at));
      await expect(bytesOf(await openJobArchive(counting, { jobId, by }))).rejects.toThrow('EIO');
      expect(count.open).toBe(0);
    }
  });

  test.each([
    ['is gone', async (name: string) => deps.files.remove(name)],
    [
      'has another bit',
      async (name: string) => {
        const bytes = Buffer.from((await deps.files.find(name)) ?? []);
        bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
        await deps.files.put(name, bytes);
      },
    ],
    ['was cut off', async (name: string) => deps.files.put(name, ((await deps.files.find(name)) ?? new Uint8Array()).subarray(0, -9))],
    [
      'is another that was not sealed',
      async (name: string) => {
        const id = name.split('/')[2]?.split('.')[0] ?? '';
        await keepJobFile(deps, name, placeOfFile(id, 'result'), async (take) => take(Buffer.from('another')));
      },
    ],
  ])('a result that %s is told and left out, the others come', async (_what, harm) => {
    const { items } = await listJobFiles(deps, { jobId, by, status: 'sealed' });
    const id = items.find(({ name }) => name === NAMES[0])?.id ?? '';
    const row = await db.sealJobFile.findUniqueOrThrow({ where: { id } });
    const stored = resultNameOf(row, row.claim ?? '');
    const before = (await deps.files.find(stored)) ?? new Uint8Array();
    await harm(stored);
    try {
      const { count, deps: counting } = counted();
      const told: string[] = [];
      const unpacked = await unpack(await openJobArchive(counting, { jobId, by, onDamaged: (id) => told.push(id) }));
      expect(told).toEqual([row.id]);
      expect(sealedNames(unpacked).sort()).toEqual(NAMES.slice(1, 3).sort());
      expect(linesOf(unpacked, 'results.csv').length).toBe(5);
      expect(linesOf(unpacked, 'errors.csv')).toContain(
        '张三劳动合同.pdf,PDF,internal,盖章后的文件已损坏或丢失，请重新盖章。,The sealed file is damaged or gone: seal it again.',
      );
      expect(count.open).toBe(0);
    } finally {
      await deps.files.put(stored, before);
    }
  });
});

test('of a job under way it holds what is sealed, and its name says that this is not all; of a cancelled one nothing more comes', async () => {
  const { id: jobId } = await newJob();
  for (let n = 0; n < 40; n++) await addJobFile(deps, { jobId, key: `file-${n}`, content: [samplePdf()], by });
  await expect(openJobArchive(deps, { jobId, by })).rejects.toMatchObject({ code: 'file-not-sealed' });
  await act(jobId, 'start');
  await expect(openJobArchive(deps, { jobId, by })).rejects.toMatchObject({ code: 'file-not-sealed' });
  const ended = await runSealJobs(deps);
  expect(ended).toBeLessThan(40);
  const partial = await openJobArchive(deps, { jobId, by });
  expect(partial.fileName).toMatch(/-未完成\.zip$/);
  const names = sealedNames(await unpack(partial));
  expect(names.length).toBe(ended);
  // A system gives no names but keys.
  const { items } = await listJobFiles(deps, { jobId, by, status: 'sealed' });
  expect(names).toEqual(items.map(({ key }) => `${key}.pdf`));
  await act(jobId, 'cancel');
  expect((await openJobArchive(deps, { jobId, by })).fileName).not.toContain('未完成');
});

test('it is for those who may fetch the files alone: not another organisation, not staff without the role; nothing after a month', async () => {
  const { id: jobId } = await newJob();
  await addJobFile(deps, { jobId, key: 'one', content: [samplePdf()], by });
  await act(jobId, 'start');
  await runToEnd();
  const refused = (party: Parameters<typeof openJobArchive>[1]['by'], code: string) =>
    expect(openJobArchive(deps, { jobId, by: party })).rejects.toMatchObject({ code });
  await refused({ clientId: 'another-system', organisationId: city.clinic.id }, 'seal-job-not-found');
  await refused({ personId: city.citizen, organisationId: city.department.id }, 'not-allowed');
  await expect(openJobArchive(deps, { jobId: 'no-id', by })).rejects.toMatchObject({ code: 'seal-job-not-found' });
  expect(sealedNames(await unpack(await openJobArchive(deps, { jobId, by: { clientId: 'ours', ...by } })))).toEqual(['one.pdf']);
  city.deps.clock.advance(31 * 86_400_000);
  while ((await sweepSealJobs(deps)) > 0);
  await expect(openJobArchive(deps, { jobId, by })).rejects.toMatchObject({ code: 'not-found' });
});

test('four thousand files with hostile names come out each under one that is safe, and take little memory', {
  timeout: 120_000,
}, async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const FILES = 4_000;
  const BYTES = 24 * 1024;
  const { id: jobId } = await newJob();
  const NAMES = [
    '../../etc/cron.d/x.pdf',
    '/root/x.pdf',
    'C:\\x.pdf',
    '通知.pdf',
    '通知.PDF',
    'errors.csv',
    '..',
    'con',
    'a/../b.pdf',
    'x\u202e.pdf',
  ];
  const rows = [];
  for (let n = 0; n < FILES; n++) {
    const [id, claim, name] = [randomUUID(), randomUUID(), NAMES[n % NAMES.length] ?? ''];
    const content = Buffer.alloc(BYTES, `${n} `);
    const { digest, bytes } = await keepJobFile(deps, resultNameOf({ jobId, id }, claim), placeOfFile(id, 'result'), async (take) =>
      take(content),
    );
    rows.push({
      ...{ id, jobId, key: `row-${n}`, name: deps.fields.seal(placeOfFile(id, 'name'), name), format: 'pdf', status: 'sealed', claim },
      ...{ sourceBytes: 1, sourceDigest: '', resultDigest: digest, resultBytes: bytes, finishedAt: deps.clock.now() },
    });
  }
  await db.sealJobFile.createMany({ data: rows });
  rows.length = 0;
  const { count, deps: counting } = counted();
  const used = async () => {
    let least = Number.POSITIVE_INFINITY;
    // What was collected is given back a little later, off this thread.
    for (let turn = 0; turn < 4; turn++) {
      collect();
      await new Promise((done) => setTimeout(done, 5));
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      least = Math.min(least, heapUsed + arrayBuffers);
    }
    return least;
  };
  // What is loaded and compiled at first use is no part of it.
  for await (const _ of (await openJobArchive(counting, { jobId, by })).pieces()) break;
  const before = await used();
  let [most, bytes, seen] = [0, 0, 0];
  for await (const piece of (await openJobArchive(counting, { jobId, by })).pieces()) {
    bytes += piece.length;
    if (++seen % 1_000 === 0) most = Math.max(most, (await used()) - before);
  }
  expect(bytes).toBeGreaterThan(FILES * BYTES);
  expect(seen).toBeGreaterThan(2 * FILES);
  // Of nearly a hundred mebibytes: two kibibytes a file, for its lines and its name, and what one page of rows and one file take.
  expect(most).toBeLessThan(FILES * 2048 + 6 * MEBIBYTE);
  expect(count).toMatchObject({ open: 0, most: 1 });

  const unpacked = readZip(await bytesOf(await openJobArchive(deps, { jobId, by })));
  expect(unpacked.warnings).toEqual([]);
  expect(unpacked.entries.size).toBe(FILES + 1);
  const names = [...unpacked.entries.keys()];
  expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(FILES + 1);
  expect(names.filter((name) => /(^|\/)\.\.?(\/|$)|^\/|[\\:\u202e]/.test(name))).toEqual([]);
  expect(names).toEqual(expect.arrayContaining(['etc/cron.d/x.pdf', 'root/x.pdf', 'C__x.pdf', 'errors (2).csv', '_con', 'a/b.pdf']));
});
