/** Lists of bulk jobs: what is told of each, and that a longer list asks the database no more often. */
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { listSealJobs } from '#seals/find-seal-jobs.ts';
import { describeSealJob, searchSealJobs } from '#seals/search-seal-jobs.ts';
import type { Database } from '#storage/database.ts';
import { testDatabase } from '#test/test-database.ts';
import { type SampleCity, sampleCity } from '../licences/sample-city.ts';

const { db } = await testDatabase();
const MINUTE_MS = 60_000;
let city: SampleCity;
let now: number;
const ids: Record<string, string> = {};

interface WaitingFile {
  status: 'waiting';
  /** From now; none is claimed by nobody. */
  claimedInMs?: number;
}
type File = WaitingFile | { status: 'sealed' } | { status: 'failed' };

const waiting = (claimedInMs?: number): WaitingFile => ({ status: 'waiting', ...(claimedInMs === undefined ? {} : { claimedInMs }) });
const sealed: File = { status: 'sealed' };
const failed: File = { status: 'failed' };

const JOBS: readonly [name: string, status: string, files: File[]][] = [
  ['nothing', 'collecting', []],
  ['mixed', 'done', [sealed, sealed, failed]],
  ['free', 'running', [waiting(), waiting(60 * MINUTE_MS)]],
  ['claimed', 'running', [waiting(2 * MINUTE_MS), waiting(60 * MINUTE_MS)]],
  ['until tomorrow', 'running', [waiting(90 * MINUTE_MS), waiting(60 * MINUTE_MS), sealed]],
  ['ending', 'running', [sealed]],
  ['paused', 'paused', [waiting(60 * MINUTE_MS)]],
];

async function makeJob(name: string, status: string, files: readonly File[], organisationId = city.department.id): Promise<string> {
  const createdAt = new Date(now);
  const common = { organisationId, sealId: city.sealId, actor: 'staff:somebody', place: { page: 'last' }, createdAt };
  const { id: jobId } = await db.sealJob.create({ data: { ...common, requestId: `search-${name}`, status } });
  const more = {
    waiting: {},
    sealed: { claim: randomUUID(), resultDigest: '00', resultBytes: 1 },
    failed: { error: 'internal' },
  };
  await db.sealJobFile.createMany({
    data: files.map((file, index) => ({
      ...{ jobId, key: `file-${index}`, format: 'pdf', status: file.status, sourceBytes: 1, sourceDigest: '' },
      ...more[file.status],
      claimedUntil: 'claimedInMs' in file && file.claimedInMs !== undefined ? new Date(now + file.claimedInMs) : null,
    })),
  });
  return jobId;
}

beforeAll(async () => {
  city = await sampleCity(db);
  now = city.deps.clock.now().getTime();
  for (const [name, status, files] of JOBS) ids[name] = await makeJob(name, status, files);
});

/** The same database, counting what it is asked. */
function counted() {
  const asked = { times: 0 };
  const counting = db.$extends({
    query: {
      $allOperations({ args, query }) {
        asked.times++;
        return query(args);
      },
    },
  }) as unknown as Database;
  return { asked, deps: { ...city.deps, db: counting } };
}

describe('each job of a list', () => {
  test.each([
    ['nothing', { waiting: 0, sealed: 0, failed: 0 }, undefined],
    ['mixed', { waiting: 0, sealed: 2, failed: 1 }, undefined],
    ['free', { waiting: 2, sealed: 0, failed: 0 }, undefined],
    ['claimed', { waiting: 2, sealed: 0, failed: 0 }, undefined],
    ['until tomorrow', { waiting: 2, sealed: 1, failed: 0 }, 60 * MINUTE_MS],
    ['ending', { waiting: 0, sealed: 1, failed: 0 }, undefined],
    ['paused', { waiting: 1, sealed: 0, failed: 0 }, undefined],
  ])('%s is told as it is told alone: its files, and when it goes on', async (name, files, resumesInMs) => {
    const { items } = await searchSealJobs(city.deps, { limit: 50 });
    const listed = items.find(({ id }) => id === ids[name]);
    const { name: sealName } = await db.seal.findUniqueOrThrow({ where: { id: city.sealId } });
    expect(listed).toMatchObject({ files, organisationId: city.department.id, organisationName: city.department.name, sealName });
    expect(listed?.resumesAt).toEqual(resumesInMs === undefined ? undefined : new Date(now + resumesInMs));
    expect(await describeSealJob(city.deps, ids[name] ?? '')).toEqual(listed);
    const { organisationId: _, organisationName: __, sealName: ___, ...view } = listed ?? {};
    const own = await listSealJobs(city.deps, { by: { clientId: 'a-system', organisationId: city.department.id }, limit: 50 });
    expect(own.find(({ id }) => id === ids[name])).toEqual(view);
  });
});

test('a list of twenty asks as often as a list of one, in the order and of the organisation asked for', async () => {
  for (let n = 0; n < 20; n++) await makeJob(`many-${n}`, n % 2 ? 'running' : 'done', [sealed, waiting()], city.clinic.id);
  const ask = async (limit: number) => {
    const { asked, deps } = counted();
    const { items } = await searchSealJobs(deps, { organisationId: city.clinic.id, limit });
    expect(items.length).toBe(limit);
    expect(items.map(({ id }) => id)).toEqual(
      items
        .map(({ id }) => id)
        .toSorted()
        .reverse(),
    );
    expect(new Set(items.map(({ organisationName }) => organisationName))).toEqual(new Set([city.clinic.name]));
    return asked.times;
  };
  const one = await ask(1);
  expect(await ask(20)).toBe(one);
  expect(one).toBeLessThanOrEqual(5);
  const { asked, deps } = counted();
  expect((await listSealJobs(deps, { by: { clientId: 'a-system', organisationId: city.clinic.id } })).length).toBe(20);
  expect(asked.times).toBeLessThanOrEqual(3);
});

test('an organisation without jobs has an empty list', async () => {
  const none = { organisationId: randomUUID(), limit: 20 };
  expect(await searchSealJobs(city.deps, none)).toEqual({ items: [] });
});
