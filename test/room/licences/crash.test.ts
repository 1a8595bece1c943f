import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fileKeyStore } from '#adapters/file-keys.ts';
import { fileSystemStore } from '#adapters/file-system-store.ts';
import { trustedCertificates } from '#certificates/find-certificates.ts';
import { verifyDocument } from '#documents/verify-document.ts';
import { findLicencesOf } from '#licences/find-licences.ts';
import { issueLicence } from '#licences/issue-licence.ts';
import type { LicenceDeps } from '#licences/licence-deps.ts';
import { readLicenceFile } from '#licences/read-licence-file.ts';
import { resumeIssuing } from '#licences/resume-issuing.ts';
import { testDatabase } from '#test/test-database.ts';
import type { Orders } from './issue-and-die.ts';
import { exampleFields, type SampleCity, sampleCity } from './sample-city.ts';

const { db, address } = await testDatabase();
const folder = mkdtempSync(join(tmpdir(), 'tongren-crash-'));
const childProgram = fileURLToPath(new URL('./issue-and-die.ts', import.meta.url));
let city: SampleCity;
let deps: LicenceDeps;

beforeAll(async () => {
  const keys = await fileKeyStore({ folder: join(folder, 'keys'), secret: 'crash-test' });
  city = await sampleCity(db, keys);
  deps = { ...city.deps, files: fileSystemStore(join(folder, 'files')) };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => city.deps.clock.set('2026-06-01T08:00:00.000Z'));

/** Runs the child to its end. @param killAfterMs kills from outside so long after it is ready. */
function run(die: Orders['die'], killAfterMs?: number): Promise<{ signal: NodeJS.Signals | null; issued: boolean; errors: string }> {
  const orders: Orders = { address, folder, organisationId: city.department.id, issuer: city.issuer, citizen: city.citizen, die };
  const child = spawn(process.execPath, [childProgram, JSON.stringify(orders)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stderr.on('data', (data) => {
    errors += data;
  });
  child.stdout.on('data', (data) => {
    if (killAfterMs !== undefined && output === '') setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    output += data;
  });
  return new Promise((done) => child.on('close', (_code, signal) => done({ signal, issued: output.includes('issued'), errors })));
}

/** The rule: a licence is whole or not there; nothing of a failed try is left once the cleaner ran. */
async function expectWholeOrNothing(): Promise<void> {
  const { roots, issuing } = await trustedCertificates(deps);
  const licences = await findLicencesOf(deps, city.citizen);
  for (const { id, identifier } of licences) {
    for (const format of ['ofd', 'pdf'] as const) {
      const file = await readLicenceFile(deps, { licenceId: id, format, reader: { as: 'holder', personId: city.citizen } });
      // The clock was set back since some of them were made.
      const at = new Date(city.deps.clock.now().getTime() + 10 * 60_000);
      const { report } = verifyDocument(file.bytes, identifier, { anchors: roots, officialAnchors: roots, intermediates: issuing, at });
      expect(report).toMatchObject({ format, verdict: 'genuine', official: true });
    }
    const events = await db.auditEvent.findMany({ where: { subject: `licence:${id}`, kind: 'licence-issued' } });
    expect(events).toHaveLength(1);
    expect(await db.sealUse.count({ where: { subject: `licence:${id}` } })).toBe(2);
  }
}

const filesKept = () =>
  readdirSync(join(folder, 'files'), { recursive: true, withFileTypes: true }).filter((entry) => entry.name.endsWith('.enc')).length;

async function expectNothingLeftOver(): Promise<void> {
  expect(await db.licence.count({ where: { status: 'preparing' } })).toBe(0);
  expect(await db.issueAttempt.count()).toBe(0);
  expect(filesKept()).toBe(2 * (await db.licence.count()));
}

describe('killed in the middle of issuing', () => {
  test.each([
    ['sign', 1, 'before'],
    ['sign', 1, 'after'],
    ['sign', 2, 'before'],
    ['sign', 2, 'after'],
    ['sign', 3, 'before'],
    ['sign', 3, 'after'],
    ['put', 1, 'before'],
    ['put', 1, 'after'],
    ['put', 2, 'before'],
    ['put', 2, 'after'],
  ] as const)('at %s %i, %s it: nobody sees half a licence, and resuming makes it whole', { timeout: 60_000 }, async (at, call, when) => {
    const before = (await findLicencesOf(deps, city.citizen)).length;
    const { signal, errors } = await run({ at, call, when });
    expect(errors).toBe('');
    expect(signal).toBe('SIGKILL');
    expect(await findLicencesOf(deps, city.citizen)).toHaveLength(before);
    expect(await db.licence.count({ where: { status: 'preparing' } })).toBe(1);
    await expectWholeOrNothing();

    city.deps.clock.advance(5 * 60_000);
    expect(await resumeIssuing(deps)).toEqual({ finished: 1, abandoned: 0, failed: 0 });
    expect(await findLicencesOf(deps, city.citizen)).toHaveLength(before + 1);
    await expectWholeOrNothing();
    await expectNothingLeftOver();
  });

  test('at moments chosen by chance, ten times', { timeout: 240_000 }, async () => {
    let killed = 0;
    for (let round = 0; round < 10; round++) {
      city.deps.clock.set('2026-06-01T08:00:00.000Z');
      const { signal } = await run({ at: 'never', call: 0, when: 'before' }, 15 * round + Math.random() * 15);
      if (signal === 'SIGKILL') killed++;
      await expectWholeOrNothing();
      city.deps.clock.advance(5 * 60_000);
      expect((await resumeIssuing(deps)).failed).toBe(0);
      await expectWholeOrNothing();
      await expectNothingLeftOver();
    }
    expect(killed).toBeGreaterThan(2);
  });
});

test('the child left alone issues a licence', { timeout: 60_000 }, async () => {
  expect(await run({ at: 'never', call: 0, when: 'before' })).toEqual({ signal: null, issued: true, errors: '' });
  await expectNothingLeftOver();
});

describe('resuming', () => {
  const issue = (use: LicenceDeps) =>
    issueLicence(use, {
      type: 'residence-permit',
      holder: { personId: city.citizen },
      fields: exampleFields('residence-permit'),
      issuerOrganisationId: city.department.id,
      by: { personId: city.issuer },
    });
  const failing = (fail: (calls: number) => boolean): LicenceDeps => {
    let calls = 0;
    return {
      ...deps,
      files: {
        ...deps.files,
        put: async (name, content) => {
          if (fail(++calls)) throw new Error('no space left on device');
          return deps.files.put(name, content);
        },
      },
    };
  };

  test('leaves alone what is being made at this moment', async () => {
    await expect(issue(failing(() => true))).rejects.toThrow('no space left');
    city.deps.clock.advance(60_000);
    expect(await resumeIssuing(deps)).toEqual({ finished: 0, abandoned: 0, failed: 0 });
    city.deps.clock.advance(120_000);
    expect(await resumeIssuing(failing((calls) => calls === 2))).toEqual({ finished: 0, abandoned: 0, failed: 1 });
    city.deps.clock.advance(120_001);
    expect(await resumeIssuing(deps)).toEqual({ finished: 1, abandoned: 0, failed: 0 });
    await expectNothingLeftOver();
  });

  test('by three processes at once makes the licence once', async () => {
    await expect(issue(failing((calls) => calls === 2))).rejects.toThrow('no space left');
    const before = await db.licence.count({ where: { status: 'in-force' } });
    city.deps.clock.advance(5 * 60_000);
    await Promise.all([resumeIssuing(deps), resumeIssuing(deps), resumeIssuing(deps)]);
    city.deps.clock.advance(5 * 60_000);
    await resumeIssuing(deps);
    expect(await db.licence.count({ where: { status: 'in-force' } })).toBe(before + 1);
    await expectWholeOrNothing();
    await expectNothingLeftOver();
  });

  test('a process that was only slow cannot commit after the cleaner gave its try up', async () => {
    let release = () => {};
    const held = new Promise<void>((open) => {
      release = open;
    });
    const slow: LicenceDeps = {
      ...deps,
      files: {
        ...deps.files,
        put: async (name, content) => {
          await deps.files.put(name, content);
          if (name.endsWith('.pdf.enc')) await held;
        },
      },
    };
    const issuing = issue(slow);
    issuing.catch(() => undefined);
    while ((await db.issueAttempt.count()) === 0) await new Promise((done) => setTimeout(done, 20));
    city.deps.clock.advance(5 * 60_000);
    expect((await resumeIssuing(deps)).finished).toBe(1);
    release();
    await expect(issuing).rejects.toMatchObject({ code: 'licence-issue-unfinished' });
    city.deps.clock.advance(5 * 60_000);
    await resumeIssuing(deps);
    await expectWholeOrNothing();
  });
});
