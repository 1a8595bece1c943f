/** Who may use which seal, for what, how often: asked before a key is used, decided where the use is counted. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { appointStaff } from '#access/appoint-staff.ts';
import { findStaffPositions } from '#access/find-staff.ts';
import { issueLicence } from '#licences/issue-licence.ts';
import type { Problem } from '#problem.ts';
import { addJobFile, changeSealJob, createSealJob } from '#seals/create-seal-job.ts';
import { decideSealChange } from '#seals/decide-seal-change.ts';
import { findSealJob } from '#seals/find-seal-jobs.ts';
import { findSeal, findSealHistory, findSealUses } from '#seals/find-seals.ts';
import { countSealUses, recordSealUse } from '#seals/record-seal-use.ts';
import { findPendingSealChanges, requestSealRules } from '#seals/request-seal-change.ts';
import { requireUsableSeal } from '#seals/require-usable-seal.ts';
import { runSealJobs } from '#seals/run-seal-jobs.ts';
import type { SealRules } from '#seals/seal-rules.ts';
import { packFiles, sampleFiles } from '#test/fakes/sample-ofd.ts';
import { activeSeal, exampleFields, type SampleCity, sampleCity } from '#test/room/licences/sample-city.ts';
import { testDatabase } from '#test/test-database.ts';

const { db } = await testDatabase();
let city: SampleCity;
let admin: { personId: string };
let approver: { personId: string };
let issuerActor: string;
let uses = 0;

beforeAll(async () => {
  city = await sampleCity(db);
  admin = { personId: city.issuer };
  approver = { personId: city.approver };
  const positions = await findStaffPositions(city.deps, city.issuer);
  issuerActor = `staff:${positions.find(({ organisationId }) => organisationId === city.department.id)?.id}`;
});
beforeEach(() => city.deps.clock.advance(24 * 3_600_000));

const newSeal = () => activeSeal(city.deps, city.department.id, { admin: city.issuer, approver: city.approver });

async function setRules(sealId: string, rules: Partial<SealRules>) {
  const full = { licenceTypes: [], users: [], dailyLimit: null, ...rules };
  const { approvalId } = await requestSealRules(city.deps, { sealId, rules: full, reason: '按用印管理规定', by: admin });
  const [{ digest } = { digest: '' }] = await findPendingSealChanges(city.deps, sealId);
  return decideSealChange(city.deps, { sealId, approvalId, digest, decision: 'approve', by: approver });
}

/** A use as the end of sealing writes it. */
function use(sealId: string, change: { actor?: string; licenceType?: string | undefined; files?: number } = {}) {
  const { actor = issuerActor, licenceType, files = 1 } = change;
  const sealed = Array.from({ length: files }, () => ({
    format: 'ofd' as const,
    digest: String(++uses).padStart(64, '0'),
    sm3: 'a'.repeat(64),
  }));
  const at = city.deps.clock.now();
  return db.$transaction((tx) => recordSealUse(tx, { sealId, subject: `licence:${uses}`, licenceType, files: sealed, actor, at }));
}

const refusal = (code: string) => ({ code });

describe('the rules of a seal', () => {
  test('are asked for by its keeper, hold when somebody else has approved them, and stand in its history', async () => {
    const sealId = await newSeal();
    const rules = { licenceTypes: ['residence-permit'], users: [issuerActor], dailyLimit: 20 };
    await requestSealRules(city.deps, { sealId, rules, reason: '年度调整', by: admin });
    const [waiting] = await findPendingSealChanges(city.deps, sealId);
    expect(waiting).toMatchObject({ kind: 'change-seal-rules', rules, reason: '年度调整' });
    expect(await findSeal(city.deps, sealId)).toMatchObject({ licenceTypes: [], users: [], dailyLimit: null });
    await expect(requestSealRules(city.deps, { sealId, rules, reason: '再次申请', by: admin })).rejects.toMatchObject(
      refusal('approval-pending'),
    );
    const decide = { sealId, approvalId: waiting?.approvalId ?? '', digest: waiting?.digest ?? '', decision: 'approve' as const };
    await expect(decideSealChange(city.deps, { ...decide, by: admin })).rejects.toMatchObject(refusal('not-allowed'));
    await expect(decideSealChange(city.deps, { ...decide, digest: '0'.repeat(64), by: approver })).rejects.toMatchObject(
      refusal('approval-changed'),
    );
    expect(await decideSealChange(city.deps, { ...decide, by: approver })).toMatchObject(rules);
    await expect(decideSealChange(city.deps, { ...decide, by: approver })).rejects.toMatchObject(refusal('approval-not-pending'));
    expect((await findSealHistory(city.deps, sealId)).at(-1)).toMatchObject({ to: 'rules', reason: '年度调整', rules });
    expect(await db.auditEvent.count({ where: { subject: `seal:${sealId}`, kind: 'seal-rules-changed' } })).toBe(1);
  });

  test('a rejected change changes nothing', async () => {
    const sealId = await newSeal();
    const { approvalId } = await requestSealRules(city.deps, {
      sealId,
      rules: { licenceTypes: [], users: [], dailyLimit: 1 },
      reason: '限制使用',
      by: admin,
    });
    const [{ digest } = { digest: '' }] = await findPendingSealChanges(city.deps, sealId);
    await decideSealChange(city.deps, { sealId, approvalId, digest, decision: 'reject', by: approver });
    expect(await findSeal(city.deps, sealId)).toMatchObject({ dailyLimit: null });
    expect(await findPendingSealChanges(city.deps, sealId)).toEqual([]);
  });

  test('an approval of another seal does not carry over', async () => {
    const [one, other] = [await newSeal(), await newSeal()];
    const rules = { licenceTypes: [], users: [], dailyLimit: 1 };
    const { approvalId } = await requestSealRules(city.deps, { sealId: one, rules, reason: '限制使用', by: admin });
    const [{ digest } = { digest: '' }] = await findPendingSealChanges(city.deps, one);
    const decide = { sealId: other, approvalId, digest, decision: 'approve' as const, by: approver };
    await expect(decideSealChange(city.deps, decide)).rejects.toMatchObject(refusal('approval-not-found'));
  });

  test.each([
    ['an unknown licence type', { licenceTypes: ['no-such'] }],
    ['somebody who is neither staff nor system', { users: ['person:1'] }],
    ['no use at all', { dailyLimit: 0 }],
    ['half a use', { dailyLimit: 1.5 }],
  ])('%s is refused', async (_case, change) => {
    const rules = { licenceTypes: [], users: [], dailyLimit: null, ...change };
    const sealId = city.sealId;
    await expect(requestSealRules(city.deps, { sealId, rules, reason: '测试', by: admin })).rejects.toMatchObject(refusal('invalid-input'));
  });

  test('who may ask: the keeper, with a reason', async () => {
    const asked = { sealId: city.sealId, rules: { licenceTypes: [], users: [], dailyLimit: 5 } };
    await expect(requestSealRules(city.deps, { ...asked, reason: '限制使用', by: approver })).rejects.toMatchObject(refusal('not-allowed'));
    await expect(requestSealRules(city.deps, { ...asked, by: admin })).rejects.toMatchObject(refusal('invalid-input'));
  });
});

describe('by whom and for what', () => {
  test('only those named may use it, and only for the types named', async () => {
    const sealId = await newSeal();
    await setRules(sealId, { users: [issuerActor, 'client:hall-system'], licenceTypes: ['residence-permit'] });
    await use(sealId, { licenceType: 'residence-permit' });
    await use(sealId, { licenceType: 'residence-permit', actor: 'client:hall-system' });
    await expect(use(sealId, { licenceType: 'residence-permit', actor: 'client:other' })).rejects.toMatchObject(
      refusal('seal-use-not-allowed'),
    );
    await expect(use(sealId, { licenceType: 'driving-licence' })).rejects.toMatchObject(refusal('seal-use-not-allowed'));
    await expect(use(sealId)).rejects.toMatchObject(refusal('seal-use-not-allowed'));
    expect((await findSealUses(city.deps, { sealId })).items).toHaveLength(2);
  });

  test('issuing a licence by somebody who may not is refused before a number is spent', async () => {
    const other = city.clinic.id;
    await appointStaff(city.deps, { personId: city.issuer, organisationId: other, roles: ['issuer', 'seal-admin'], by: 'system:test' });
    await appointStaff(city.deps, { personId: city.approver, organisationId: other, roles: ['approver'], by: 'system:test' });
    const sealId = await activeSeal(city.deps, other, { admin: city.issuer, approver: city.approver });
    await setRules(sealId, { users: ['client:hall-system'] });
    const before = await db.licence.count();
    const input = { type: 'residence-permit', holder: { personId: city.citizen }, fields: exampleFields('residence-permit') };
    await expect(issueLicence(city.deps, { ...input, issuerOrganisationId: other, by: admin })).rejects.toMatchObject(
      refusal('seal-use-not-allowed'),
    );
    expect(await db.licence.count()).toBe(before);
    const bySystem = { clientId: 'hall-system', organisationId: other };
    const { licenceId } = await issueLicence(city.deps, { ...input, issuerOrganisationId: other, by: bySystem });
    const { items } = await findSealUses(city.deps, { sealId });
    expect(items).toHaveLength(2);
    expect(items[0]).toMatchObject({ subject: `licence:${licenceId}`, licenceType: 'residence-permit', actor: 'client:hall-system' });
    expect(items[0]?.sm3).toMatch(/^[0-9a-f]{64}$/);
  });

  test('a seal for certain licences seals no job of other documents', async () => {
    const sealId = await newSeal();
    await setRules(sealId, { licenceTypes: ['residence-permit'] });
    const by = { personId: city.issuer, organisationId: city.department.id };
    await expect(createSealJob(city.deps, { sealId, place: {}, requestId: 'not-for-this', by })).rejects.toMatchObject(
      refusal('seal-use-not-allowed'),
    );
  });
});

describe('how many a day', () => {
  test('of forty at once exactly as many count as the day has room for', async () => {
    const sealId = await newSeal();
    await use(sealId);
    await use(sealId);
    await setRules(sealId, { dailyLimit: 9 });
    const results = await Promise.allSettled(Array.from({ length: 40 }, () => use(sealId)));
    const refused = results.filter((result) => result.status === 'rejected').map(({ reason }) => (reason as Problem).code);
    expect(refused).toHaveLength(33);
    expect(new Set(refused)).toEqual(new Set(['seal-daily-limit']));
    expect(await db.sealUse.count({ where: { sealId } })).toBe(9);
    expect(await countSealUses(db, sealId, city.deps.clock.now())).toBe(9);
  });

  test('the day is China’s: full until midnight there, and then empty', async () => {
    const sealId = await newSeal();
    await setRules(sealId, { dailyLimit: 1 });
    city.deps.clock.set(new Date(Math.ceil(city.deps.clock.now().getTime() / 86_400_000) * 86_400_000 + 15.5 * 3_600_000));
    await use(sealId);
    const full = await use(sealId).catch((error: unknown) => error as Problem);
    expect(full).toMatchObject({ code: 'seal-daily-limit', retryAfterSeconds: 1_800 });
    city.deps.clock.advance(1_800_000 - 1);
    await expect(use(sealId)).rejects.toMatchObject(refusal('seal-daily-limit'));
    city.deps.clock.advance(1);
    await use(sealId);
  });

  test('a use of two files needs room for both', async () => {
    const sealId = await newSeal();
    await setRules(sealId, { dailyLimit: 3 });
    await use(sealId, { files: 2 });
    await expect(use(sealId, { files: 2 })).rejects.toMatchObject(refusal('seal-daily-limit'));
    await use(sealId);
  });

  test('taken away and set again, the limit still knows what was used in between', async () => {
    const sealId = await newSeal();
    await setRules(sealId, { dailyLimit: 5 });
    await use(sealId);
    await setRules(sealId, {});
    await use(sealId);
    await use(sealId);
    await setRules(sealId, { dailyLimit: 3 });
    await expect(use(sealId)).rejects.toMatchObject(refusal('seal-daily-limit'));
  });

  test('a full day is not passed over to the next seal', async () => {
    const sealId = await newSeal();
    await setRules(sealId, { dailyLimit: 1 });
    await use(sealId);
    const at = city.deps.clock.now();
    const asked = { organisationId: city.department.id, licenceType: 'residence-permit', actor: issuerActor, at };
    await expect(requireUsableSeal(city.deps, asked)).rejects.toMatchObject(refusal('seal-daily-limit'));
    await setRules(sealId, {});
  });

  test('files of a job wait for the next day instead of failing', async () => {
    const sealId = await newSeal();
    await setRules(sealId, { dailyLimit: 2 });
    const by = { personId: city.issuer, organisationId: city.department.id };
    const job = await createSealJob(city.deps, { sealId, place: {}, requestId: 'three-files', by });
    for (const key of ['a', 'b', 'c']) {
      await addJobFile(city.deps, { jobId: job.id, key, content: [packFiles(sampleFiles())], by });
    }
    await changeSealJob(city.deps, { jobId: job.id, act: 'start', by });
    while ((await runSealJobs(city.deps)) > 0);
    expect((await findSealJob(city.deps, { jobId: job.id, by })).files).toEqual({ waiting: 1, sealed: 2, failed: 0 });
    const day = Math.floor((city.deps.clock.now().getTime() + 8 * 3_600_000) / 86_400_000) + 1;
    const midnight = new Date(day * 86_400_000 - 8 * 3_600_000);
    expect(await findSealJob(city.deps, { jobId: job.id, by })).toMatchObject({ resumesAt: midnight });
    city.deps.clock.advance(24 * 3_600_000);
    while ((await runSealJobs(city.deps)) > 0);
    expect(await findSealJob(city.deps, { jobId: job.id, by })).toMatchObject({
      status: 'done',
      files: { waiting: 0, sealed: 3, failed: 0 },
    });
    expect(await db.sealUse.count({ where: { sealId } })).toBe(3);
  });
});

test('what was done with a seal cannot be taken out of its log', async () => {
  await use(city.sealId);
  await expect(db.sealUse.deleteMany({ where: { sealId: city.sealId } })).rejects.toThrow('stays on record');
  await expect(db.sealChange.updateMany({ where: { sealId: city.sealId }, data: { actor: 'x' } })).rejects.toThrow('stays on record');
});
