/** Sealing in bulk: every file one result and one entry in the seal's log, whatever is paused, refused, or dies on the way. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { appointStaff, dismissStaff } from '#access/appoint-staff.ts';
import { trustedCertificates } from '#certificates/find-certificates.ts';
import { bytesInMemory } from '#documents/container/byte-source.ts';
import { writeZip } from '#documents/container/write-zip.ts';
import { verifyDocument } from '#documents/verify-document.ts';
import { registerPerson } from '#people/register-person.ts';
import type { FileInMaking } from '#ports/file-store.ts';
import { Problem } from '#problem.ts';
import { addJobFile, changeSealJob, createSealJob, type NewSealJob } from '#seals/create-seal-job.ts';
import { findSealJob, listJobFiles, readSealedFile, type SealedFile } from '#seals/find-seal-jobs.ts';
import { runSealJobs, sweepSealJobs } from '#seals/run-seal-jobs.ts';
import { sealFile } from '#seals/seal-file.ts';
import type { SealJobDeps } from '#seals/seal-job.ts';
import { largeOfdEntries } from '#test/bench/large-ofd.ts';
import { packFiles, sampleFiles } from '#test/fakes/sample-ofd.ts';
import { samplePdf } from '#test/fakes/sample-pdf.ts';
import { testDatabase } from '#test/test-database.ts';
import { type SampleCity, sampleCity } from '../licences/sample-city.ts';

const { db } = await testDatabase();
let city: SampleCity;
let deps: SealJobDeps;
let by: { personId: string; organisationId: string };
let requests = 0;
const ofd = packFiles(sampleFiles());
const pdf = await samplePdf();

beforeAll(async () => {
  city = await sampleCity(db);
  deps = city.deps;
  by = { personId: city.issuer, organisationId: city.department.id };
});
beforeEach(() => city.deps.clock.advance(24 * 3_600_000));

const newJob = (change: Partial<NewSealJob> = {}) =>
  createSealJob(deps, { sealId: city.sealId, place: {}, requestId: `request-${++requests}-0000`, by, ...change });
const act = (jobId: string, what: 'start' | 'pause' | 'resume' | 'cancel') => changeSealJob(deps, { jobId, act: what, by });
const add = (jobId: string, key: string, bytes: Uint8Array) => addJobFile(deps, { jobId, key, content: [bytes], by });
const runToEnd = async (use = deps) => {
  while ((await runSealJobs(use)) > 0);
};

/** A file of the store with something that happens once it is stored. */
async function watched(name: string, then: () => Promise<void>): Promise<FileInMaking> {
  const file = await deps.files.create(name);
  return {
    ...file,
    async finish() {
      await file.finish();
      await then();
    },
  };
}

async function bytesOf(file: SealedFile): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of file.pieces()) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function judge(jobId: string, key: string) {
  const { roots, issuing } = await trustedCertificates(deps);
  const file = await readSealedFile(deps, { jobId, key, by });
  const { report } = verifyDocument(await bytesOf(file), file.fileName, {
    anchors: roots,
    officialAnchors: roots,
    intermediates: issuing,
    at: deps.clock.now(),
  });
  return report;
}

describe('a job', () => {
  test('seals OFD and PDF alike, genuine and stamped in time, and the seal’s log has each once', async () => {
    const job = await newJob();
    for (let n = 0; n < 20; n++) await add(job.id, `ofd-${n}`, ofd);
    for (let n = 0; n < 5; n++) await add(job.id, `pdf-${n}`, pdf);
    expect(await act(job.id, 'start')).toMatchObject({ status: 'running', files: { waiting: 25, sealed: 0, failed: 0 } });
    await runToEnd();
    expect(await findSealJob(deps, { jobId: job.id, by })).toMatchObject({ status: 'done', files: { waiting: 0, sealed: 25, failed: 0 } });
    for (const key of ['ofd-0', 'ofd-19', 'pdf-4']) {
      const report = await judge(job.id, key);
      expect(report).toMatchObject({ verdict: 'genuine', official: true });
      expect(report.signatures[0]?.time.proven).not.toBeNull();
    }
    const uses = await db.sealUse.findMany({ where: { subject: `seal-job:${job.id}` } });
    const { items } = await listJobFiles(deps, { jobId: job.id, by });
    expect(uses.map(({ digest }) => digest).sort()).toEqual(items.map(({ digest }) => digest).sort());
  });

  test('tells what is wrong with a file and seals the others', async () => {
    const job = await newJob();
    await add(job.id, 'good', ofd);
    await add(job.id, 'broken', Buffer.from('PK\u0003\u0004 but nothing else'));
    await add(job.id, 'one-page', pdf);
    await act(job.id, 'start');
    await runToEnd();
    const { items } = await listJobFiles(deps, { jobId: job.id, by });
    expect(items.find(({ key }) => key === 'broken')).toMatchObject({
      status: 'failed',
      error: 'ofd-not-readable',
      errorDetail: expect.stringContaining('not an OFD file'),
      errorDetailZh: expect.stringContaining('不是可安全读取的'),
    });
    expect(items.filter(({ status }) => status === 'sealed')).toHaveLength(2);
    await expect(readSealedFile(deps, { jobId: job.id, key: 'broken', by })).rejects.toMatchObject({ code: 'file-not-sealed' });
  });

  test('puts a seam seal over two pages and says so when there is only one', async () => {
    const files = sampleFiles();
    const page = '<ofd:Page ID="1" BaseLoc="Pages/Page_0/Content.xml"/>';
    files['Doc_0/Document.xml'] =
      files['Doc_0/Document.xml']?.replace(page, `${page}<ofd:Page ID="9" BaseLoc="Pages/Page_1/Content.xml"/>`) ?? '';
    files['Doc_0/Pages/Page_1/Content.xml'] = files['Doc_0/Pages/Page_0/Content.xml'] ?? '';
    const job = await newJob({ place: { page: 'seam' } });
    await add(job.id, 'two', packFiles(files));
    await add(job.id, 'one', ofd);
    await act(job.id, 'start');
    await runToEnd();
    expect(await judge(job.id, 'two')).toMatchObject({ verdict: 'genuine' });
    const { items } = await listJobFiles(deps, { jobId: job.id, by, status: 'failed' });
    expect(items).toMatchObject([
      {
        key: 'one',
        error: 'invalid-input',
        errorDetail: expect.stringContaining('seam'),
        errorDetailZh: expect.stringMatching(/[\u4e00-\u9fff]/),
      },
    ]);
  });

  test('pauses, resumes and is cancelled; each only where it makes sense', async () => {
    const job = await newJob();
    await add(job.id, 'one', ofd);
    await expect(act(job.id, 'pause')).rejects.toMatchObject({ code: 'seal-job-state' });
    await act(job.id, 'start');
    await act(job.id, 'pause');
    expect(await runSealJobs(deps)).toBe(0);
    await expect(add(job.id, 'late', ofd)).rejects.toMatchObject({ code: 'seal-job-state' });
    await act(job.id, 'resume');
    await runToEnd();
    expect((await findSealJob(deps, { jobId: job.id, by })).status).toBe('done');
    await expect(act(job.id, 'cancel')).rejects.toMatchObject({ code: 'seal-job-state' });
    const other = await newJob();
    await add(other.id, 'one', ofd);
    await act(other.id, 'start');
    expect((await act(other.id, 'cancel')).status).toBe('cancelled');
    expect(await runSealJobs(deps)).toBe(0);
  });

  test('takes fifty thousand files and not one more, sixty-four gibibytes and not one more', async () => {
    const job = await newJob();
    const fill = (jobId: string, files: number, bytes: number) => db.$executeRaw`
      INSERT INTO seal_job_file (id, job_id, key, format, status, source_bytes, source_digest)
      SELECT gen_random_uuid(), ${jobId}::uuid, 'row-' || n, 'ofd', 'waiting', ${bytes}, '' FROM generate_series(1, ${files}::int) AS n`;
    await fill(job.id, 49_998, 1);
    for (const key of ['last-but-one', 'last']) expect(await add(job.id, key, ofd)).toMatchObject({ added: true });
    await expect(add(job.id, 'one-more', ofd)).rejects.toMatchObject({ code: 'seal-job-too-large' });
    const heavy = await newJob();
    await fill(heavy.id, 64, 1_073_741_823);
    expect(await add(heavy.id, 'last', packFiles(sampleFiles()))).toMatchObject({ added: true });
    await expect(add(heavy.id, 'one-more', ofd)).rejects.toMatchObject({ code: 'seal-job-too-large' });
    await db.sealJobFile.deleteMany({ where: { jobId: { in: [job.id, heavy.id] } } });
  });

  test('asked for twice is one job; the same number for another thing is refused', async () => {
    const requestId = 'the-same-request';
    const [one, two] = await Promise.all([newJob({ requestId }), newJob({ requestId })]);
    expect(one.id).toBe(two.id);
    await expect(newJob({ requestId, place: { page: 'all' } })).rejects.toMatchObject({ code: 'request-id-taken' });
    expect(await add(one.id, 'file', ofd)).toMatchObject({ added: true });
    expect(await add(one.id, 'file', ofd)).toMatchObject({ added: false });
    await expect(add(one.id, 'file', pdf)).rejects.toMatchObject({ code: 'request-id-taken' });
    await expect(add(one.id, 'text', Buffer.from('hello'))).rejects.toMatchObject({ code: 'unsupported-media-type' });
    await expect(add(one.id, '../file', ofd)).rejects.toMatchObject({ code: 'invalid-input' });
  });

  test('is nobody else’s: not another organisation’s, not for staff without the role', async () => {
    const job = await newJob();
    const elsewhere = { clientId: 'another-system', organisationId: city.clinic.id };
    await expect(findSealJob(deps, { jobId: job.id, by: elsewhere })).rejects.toMatchObject({ code: 'seal-job-not-found' });
    await expect(newJob({ by: elsewhere })).rejects.toMatchObject({ code: 'seal-not-found' });
    const citizen = { personId: city.citizen, organisationId: city.department.id };
    await expect(findSealJob(deps, { jobId: job.id, by: citizen })).rejects.toMatchObject({ code: 'not-allowed' });
  });
});

test('a large OFD is taken, sealed and given back without a piece of more than a mebibyte ever being held', {
  timeout: 60_000,
}, async () => {
  const PIECE = 1024 * 1024;
  const large = writeZip(largeOfdEntries({ pages: 60, pictureBytes: 400 * 1024 }), { time: deps.clock.now() });
  expect(large.length).toBeGreaterThan(20 * PIECE);
  const pieces: number[] = [];
  const counting: SealJobDeps = {
    ...deps,
    files: {
      ...deps.files,
      put: () => Promise.reject(new Error('written as a whole')),
      find: () => Promise.reject(new Error('read as a whole')),
      async open(name) {
        const file = await deps.files.open(name);
        return (
          file && {
            ...file,
            read(start, end) {
              pieces.push(end - start);
              return file.read(start, end);
            },
          }
        );
      },
      async create(name) {
        const file = await deps.files.create(name);
        return {
          ...file,
          write(part) {
            pieces.push(part.length);
            file.write(part);
          },
        };
      },
    },
  };
  const job = await newJob();
  const content = Array.from({ length: Math.ceil(large.length / 65_536) }, (_, n) => large.subarray(n * 65_536, (n + 1) * 65_536));
  await addJobFile(counting, { jobId: job.id, key: 'large', content, by });
  await act(job.id, 'start');
  await runToEnd(counting);
  let [length, longest] = [0, 0];
  for await (const piece of (await readSealedFile(counting, { jobId: job.id, key: 'large', by })).pieces()) {
    length += piece.length;
    longest = Math.max(longest, piece.length);
  }
  expect(length).toBeGreaterThan(large.length);
  expect(Math.max(longest, ...pieces)).toBeLessThanOrEqual(PIECE);
  // Taken, looked through for a second archive, sealed (digested, then copied) and given back, with what was looked up besides: a
  // budget of work too.
  expect(pieces.reduce((sum, one) => sum + one, 0)).toBeLessThan(8 * large.length);
  expect(await judge(job.id, 'large')).toMatchObject({ verdict: 'genuine', official: true });
});

describe('what dies on the way', () => {
  test('a process that died after storing a result leaves one result in the end, and none of its own', async () => {
    const job = await newJob();
    for (let n = 0; n < 8; n++) await add(job.id, `file-${n}`, ofd);
    await act(job.id, 'start');
    const results: { name: string; finished: Promise<void> }[] = [];
    const refuseAfterDeath = () => {
      if (results.length > 0) throw new Error('killed');
    };
    const dying: SealJobDeps = {
      ...deps,
      files: {
        ...deps.files,
        // One result is still written, none of the others under way.
        async create(name) {
          const file = await deps.files.create(name);
          return {
            ...file,
            async finish() {
              refuseAfterDeath();
              const finished = file.finish();
              results.push({ name, finished });
              await finished;
            },
          };
        },
      },
      // The store of record is gone from that moment.
      db: new Proxy(db, {
        get: (target, name) => {
          if (name !== 'then') refuseAfterDeath();
          return Reflect.get(target, name);
        },
      }),
    };
    await expect(runSealJobs(dying)).rejects.toThrow('killed');
    const [result] = results;
    await result?.finished;
    expect(await deps.files.find(result?.name ?? '')).toBeDefined();
    expect(await runSealJobs(deps)).toBe(0);
    city.deps.clock.advance(121_000);
    await runToEnd();
    expect((await findSealJob(deps, { jobId: job.id, by })).files).toEqual({ waiting: 0, sealed: 8, failed: 0 });
    expect(await db.sealUse.count({ where: { subject: `seal-job:${job.id}` } })).toBe(8);
    expect(await deps.files.find(result?.name ?? '')).toBeUndefined();
  });

  test('three workers at once seal each file once', async () => {
    const job = await newJob();
    for (let n = 0; n < 70; n++) await add(job.id, `file-${n}`, ofd);
    await act(job.id, 'start');
    await Promise.all([runToEnd(), runToEnd(), runToEnd()]);
    expect((await findSealJob(deps, { jobId: job.id, by })).files).toEqual({ waiting: 0, sealed: 70, failed: 0 });
    expect(await db.sealUse.count({ where: { subject: `seal-job:${job.id}` } })).toBe(70);
  });

  test('one that comes too late throws its result away', async () => {
    const job = await newJob();
    await add(job.id, 'slow', ofd);
    await act(job.id, 'start');
    const names: string[] = [];
    const slow: SealJobDeps = {
      ...deps,
      files: {
        ...deps.files,
        create: (name) =>
          watched(name, async () => {
            names.push(name);
            if (names.length > 1) return;
            city.deps.clock.advance(121_000);
            await runToEnd();
          }),
      },
    };
    await runSealJobs(slow);
    expect((await findSealJob(deps, { jobId: job.id, by })).files.sealed).toBe(1);
    expect(await db.sealUse.count({ where: { subject: `seal-job:${job.id}` } })).toBe(1);
    expect(await deps.files.find(names[0] ?? '')).toBeUndefined();
    expect(await judge(job.id, 'slow')).toMatchObject({ verdict: 'genuine' });
  });

  test('a signer that is away costs no try; a disk that stays full ends the file with a word', async () => {
    const job = await newJob();
    await add(job.id, 'one', ofd);
    await act(job.id, 'start');
    const round = async (error: Error) => {
      await runSealJobs({ ...deps, keys: { ...deps.keys, sign: () => Promise.reject(error) } });
      city.deps.clock.advance(61_000);
    };
    for (let n = 0; n < 8; n++) await round(new Problem('signer-unavailable'));
    expect((await findSealJob(deps, { jobId: job.id, by })).files.waiting).toBe(1);
    for (let n = 0; n < 5; n++) await round(new Error('no space left on device'));
    const { items } = await listJobFiles(deps, { jobId: job.id, by });
    expect(items).toMatchObject([{ status: 'failed', error: 'internal' }]);
  });

  test('a seal that was suspended meanwhile ends the files, not the process', async () => {
    const job = await newJob();
    await add(job.id, 'one', ofd);
    await act(job.id, 'start');
    await db.seal.update({ where: { id: city.sealId }, data: { status: 'suspended' } });
    await runToEnd();
    await db.seal.update({ where: { id: city.sealId }, data: { status: 'active' } });
    const { items } = await listJobFiles(deps, { jobId: job.id, by });
    expect(items).toMatchObject([{ status: 'failed', error: 'seal-not-usable' }]);
  });

  test('who began the job has left: nothing more is sealed for them', async () => {
    const { id } = await registerPerson(deps, { name: '冯离职', phone: '13900060001', by: 'system:test' });
    const staff = await appointStaff(deps, { personId: id, organisationId: city.department.id, roles: ['issuer'], by: 'system:test' });
    const leaver = { personId: id, organisationId: city.department.id };
    const job = await newJob({ by: leaver });
    await add(job.id, 'one', ofd);
    await act(job.id, 'start');
    await dismissStaff(deps, { staffId: staff.id, by: 'system:test' });
    await runToEnd();
    const { items } = await listJobFiles(deps, { jobId: job.id, by });
    expect(items).toMatchObject([{ status: 'failed', error: 'not-allowed' }]);
  });

  test('results go a month after the end; the seal’s log stays', async () => {
    const job = await newJob();
    await add(job.id, 'one', ofd);
    await act(job.id, 'start');
    await runToEnd();
    city.deps.clock.advance(29 * 86_400_000);
    await sweepSealJobs(deps);
    expect((await readSealedFile(deps, { jobId: job.id, key: 'one', by })).length).toBeGreaterThan(0);
    city.deps.clock.advance(2 * 86_400_000);
    expect(await sweepSealJobs(deps)).toBeGreaterThan(0);
    await expect(readSealedFile(deps, { jobId: job.id, key: 'one', by })).rejects.toMatchObject({ code: 'not-found' });
    expect(await db.sealUse.count({ where: { subject: `seal-job:${job.id}` } })).toBe(1);
  });
});

test('a file is refused by what it is, before any key is used', async () => {
  const seal = { esId: '1', widthMm: 42, heightMm: 42 } as Parameters<typeof sealFile>[1];
  await expect(sealFile(deps, seal, bytesInMemory(Buffer.from('no document')), {}, () => undefined)).rejects.toMatchObject({
    code: 'unsupported-media-type',
  });
});
