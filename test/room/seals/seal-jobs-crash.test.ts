/** Bulk jobs whose workers are killed with SIGKILL again and again: in the end every file has one result, and nothing else is left. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { fileKeyStore } from '#adapters/file-keys.ts';
import { fileSystemStore } from '#adapters/file-system-store.ts';
import { addJobFile, changeSealJob, createSealJob } from '#seals/create-seal-job.ts';
import { findSealJob, listJobFiles, readSealedFile } from '#seals/find-seal-jobs.ts';
import { runSealJobs } from '#seals/run-seal-jobs.ts';
import type { SealJobDeps } from '#seals/seal-job.ts';
import { packFiles, sampleFiles } from '#test/fakes/sample-ofd.ts';
import { samplePdf } from '#test/fakes/sample-pdf.ts';
import { testDatabase } from '#test/test-database.ts';
import { sampleCity } from '../licences/sample-city.ts';
import type { Orders } from './seal-and-die.ts';

const FILES = 60;
const KILLS = 4;
const { db, address } = await testDatabase();
const folder = mkdtempSync(join(tmpdir(), 'tongren-bulk-crash-'));
const program = fileURLToPath(new URL('./seal-and-die.ts', import.meta.url));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Kills it once `condition` holds. Resolves with how it ended. */
async function worker(now: Date, condition: () => Promise<boolean>): Promise<{ signal: NodeJS.Signals | null; errors: string }> {
  const orders: Orders = { address, folder, now: now.toISOString() };
  const child = spawn(process.execPath, [program, JSON.stringify(orders)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (data) => {
    errors += data;
  });
  const ended = new Promise<NodeJS.Signals | null>((done) => child.on('close', (_code, signal) => done(signal)));
  while (child.exitCode === null && !(await condition())) await pause(3);
  child.kill('SIGKILL');
  return { signal: await ended, errors };
}

test('killed four times on the way, each file has one result, one entry in the log, one digest', { timeout: 180_000 }, async () => {
  const city = await sampleCity(db, await fileKeyStore({ folder: join(folder, 'keys'), secret: 'crash-test' }));
  const deps: SealJobDeps = { ...city.deps, files: fileSystemStore(join(folder, 'files')) };
  const by = { personId: city.issuer, organisationId: city.department.id };
  const job = await createSealJob(deps, { sealId: city.sealId, place: {}, requestId: 'killed-again-and-again', by });
  const [ofd, pdf] = [packFiles(sampleFiles()), samplePdf()];
  for (let n = 0; n < FILES; n++) await addJobFile(deps, { jobId: job.id, key: `file-${n}`, content: [n % 3 ? ofd : pdf], by });
  await addJobFile(deps, { jobId: job.id, key: 'broken', content: [Buffer.from('PK\u0003\u0004 but nothing else')], by });
  await changeSealJob(deps, { jobId: job.id, act: 'start', by });
  const counts = async () => (await findSealJob(deps, { jobId: job.id, by })).files;

  for (let kill = 1; kill <= KILLS; kill++) {
    const { sealed } = await counts();
    const { signal, errors } = await worker(city.deps.clock.now(), async () => (await counts()).sealed >= sealed + 4);
    expect(errors).toBe('');
    expect(signal).toBe('SIGKILL');
    expect((await counts()).waiting).toBeGreaterThan(0);
    // What the dead one had claimed is free again after a while.
    city.deps.clock.advance(121_000);
  }
  while ((await runSealJobs(deps)) > 0);

  expect(await findSealJob(deps, { jobId: job.id, by })).toMatchObject({ status: 'done', files: { waiting: 0, sealed: FILES, failed: 1 } });
  const { items } = await listJobFiles(deps, { jobId: job.id, by, limit: 1000 });
  const sealed = items.filter(({ status }) => status === 'sealed');
  const uses = await db.sealUse.findMany({ where: { subject: `seal-job:${job.id}` } });
  expect(uses.map(({ digest }) => digest).sort()).toEqual(sealed.map(({ digest }) => digest).sort());
  expect(new Set(sealed.map(({ digest }) => digest)).size).toBe(FILES);
  for (const { key, digest } of sealed) {
    const hash = createHash('sha256');
    for await (const piece of (await readSealedFile(deps, { jobId: job.id, key, by })).pieces()) hash.update(piece);
    expect(hash.digest('hex')).toBe(digest);
  }
  // The results, nothing of the dead, and no source any more.
  const kept = readdirSync(join(folder, 'files', 'seal-jobs', job.id));
  expect(kept.filter((name) => /source|part/.test(name))).toEqual([]);
  expect(kept).toHaveLength(FILES);
});
