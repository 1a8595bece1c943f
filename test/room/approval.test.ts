import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { appointStaff, dismissStaff } from '#access/appoint-staff.ts';
import { decideApproval } from '#access/decide-approval.ts';
import { findApproval, listApprovals } from '#access/find-approvals.ts';
import { findStaffPositions } from '#access/find-staff.ts';
import { requestApproval } from '#access/request-approval.ts';
import { requireRole } from '#access/require-role.ts';
import type { Role, Staff } from '#access/staff.ts';
import { takeApproved } from '#access/take-approved.ts';
import { testClock } from '#test/fakes/test-clock.ts';
import { type TestDatabase, testDatabase } from '#test/test-database.ts';
import { outcomes } from './sign-in-deps.ts';

const clock = testClock();
const office = randomUUID();
const by = 'system:test';
let deps: { db: TestDatabase['db']; clock: typeof clock };
beforeAll(async () => {
  deps = { db: (await testDatabase()).db, clock };
});
const staff = (roles: readonly Role[], organisationId = office, personId: string = randomUUID()): Promise<Staff> =>
  appointStaff(deps, { personId, organisationId, roles, by });
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'ok',
    (problem) => problem.code ?? String(problem),
  );
let subjects = 0;
const newSubject = () => `seal:${++subjects}`;
const payload = { name: '通明市公安局', validDays: 365 };

describe('staff', () => {
  test('a position is found, its roles are replaced by a new appointment, and after dismissal it is gone', async () => {
    const first = await staff(['issuer']);
    const again = await staff(['counter', 'issuer'], office, first.personId);
    expect(again).toMatchObject({ id: first.id, roles: ['counter', 'issuer'] });
    expect(await requireRole(deps, { personId: first.personId, role: 'counter' })).toEqual(again);
    expect(await codeOf(requireRole(deps, { personId: first.personId, organisationId: randomUUID(), role: 'counter' }))).toBe(
      'not-allowed',
    );
    expect(await codeOf(requireRole(deps, { personId: first.personId, role: ['operator', 'auditor'] }))).toBe('not-allowed');
    await dismissStaff(deps, { staffId: first.id, by });
    expect(await codeOf(requireRole(deps, { personId: first.personId, role: 'counter' }))).toBe('not-allowed');
    expect(await codeOf(dismissStaff(deps, { staffId: first.id, by }))).toBe('not-found');
  });

  test('an operator never becomes auditor, not in another office either', async () => {
    const other = await staff(['operator']);
    expect(await codeOf(staff(['auditor'], randomUUID(), other.personId))).toBe('roles-conflict');
    expect(await codeOf(staff(['operator', 'auditor']))).toBe('roles-conflict');
  });

  test('two clerks who appoint one person operator and auditor at the same instant: one is refused, every time', async () => {
    for (let round = 0; round < 10; round++) {
      const personId = randomUUID();
      const works = [staff(['operator'], randomUUID(), personId), staff(['auditor'], randomUUID(), personId)];
      expect(await outcomes(works)).toEqual({ ok: 1, 'roles-conflict': 1 });
    }
  });

  test('ten appointments of one person to one office at the same instant leave one position', async () => {
    const personId = randomUUID();
    expect(await outcomes(Array.from({ length: 10 }, () => staff(['issuer'], office, personId)))).toEqual({ ok: 10 });
    expect(await findStaffPositions(deps, personId)).toHaveLength(1);
  });

  test('an unknown role is refused', async () => {
    expect(await codeOf(staff(['king' as Role]))).toBe('invalid-input');
    expect(await codeOf(staff([]))).toBe('invalid-input');
  });
});

describe('two-person approval', () => {
  const take = (id: string, subject: string, what: unknown = payload) =>
    deps.db.$transaction((tx) => takeApproved(tx, { id, kind: 'make-seal', subject, payload: what, by, at: clock.now() }));

  test('asked by one, allowed by another, done once', async () => {
    const [applicant, approver, subject] = [await staff(['seal-admin']), await staff(['approver']), newSubject()];
    const asked = await requestApproval(deps, { kind: 'make-seal', subject, payload, by: applicant });
    expect(asked).toMatchObject({ status: 'pending', organisationId: office, requestedBy: applicant.personId });
    expect(await codeOf(take(asked.id, subject))).toBe('approval-not-approved');
    const decided = await decideApproval(deps, { id: asked.id, by: approver, decision: 'approve', digest: asked.digest });
    expect(decided).toMatchObject({ status: 'approved', decidedBy: approver.personId, decidedAs: approver.id });
    expect(await take(asked.id, subject)).toMatchObject({ status: 'taken' });
    expect(await codeOf(take(asked.id, subject))).toBe('approval-not-approved');
    const kinds = (await deps.db.auditEvent.findMany({ where: { subject }, orderBy: { id: 'asc' } })).map(({ kind }) => kind);
    expect(kinds).toEqual(['approval-requested', 'approval-approved', 'approval-taken']);
  });

  test('the applicant cannot decide, not with another position of their own either', async () => {
    const personId = randomUUID();
    const applicant = await staff(['seal-admin', 'approver'], office, personId);
    const { id } = await requestApproval(deps, { kind: 'make-seal', subject: newSubject(), payload, by: applicant });
    expect(await codeOf(decideApproval(deps, { id, by: applicant, decision: 'approve' }))).toBe('same-person');
    await dismissStaff(deps, { staffId: applicant.id, by });
    const reappointed = await staff(['approver'], office, personId);
    expect(await codeOf(decideApproval(deps, { id, by: reappointed, decision: 'approve' }))).toBe('same-person');
  });

  test('the database itself refuses a decision by the applicant and a changed request', async () => {
    const applicant = await staff(['seal-admin']);
    const { id } = await requestApproval(deps, { kind: 'make-seal', subject: newSubject(), payload, by: applicant });
    await expect(deps.db.approval.update({ where: { id }, data: { decidedBy: applicant.personId } })).rejects.toThrow();
    await expect(deps.db.approval.update({ where: { id }, data: { payload: { name: '别的' } } })).rejects.toThrow();
  });

  test.each([
    ['an approver of another office', async () => staff(['approver'], randomUUID())],
    ['a colleague without the role', async () => staff(['issuer'])],
    [
      'an approver dismissed a moment ago',
      async () => {
        const gone = await staff(['approver']);
        await dismissStaff(deps, { staffId: gone.id, by });
        return gone;
      },
    ],
    ['a made-up position', async () => ({ ...(await staff(['issuer'])), roles: ['approver' as Role] })],
  ])('%s is not allowed to decide', async (_who, appoint) => {
    const { id } = await requestApproval(deps, { kind: 'make-seal', subject: newSubject(), payload, by: await staff(['seal-admin']) });
    expect(await codeOf(decideApproval(deps, { id, by: await appoint(), decision: 'approve' }))).toBe('not-allowed');
  });

  test('of ten approvers deciding at the same instant one counts', async () => {
    const { id } = await requestApproval(deps, { kind: 'make-seal', subject: newSubject(), payload, by: await staff(['seal-admin']) });
    const approvers = await Promise.all(Array.from({ length: 10 }, () => staff(['approver'])));
    const works = approvers.map((approver, index) =>
      decideApproval(deps, { id, by: approver, decision: index % 2 ? 'approve' : 'reject' }),
    );
    expect(await outcomes(works)).toEqual({ ok: 1, 'approval-not-pending': 9 });
  });

  test('of ten that carry out one approval at the same instant one does', async () => {
    const subject = newSubject();
    const { id } = await requestApproval(deps, { kind: 'make-seal', subject, payload, by: await staff(['seal-admin']) });
    await decideApproval(deps, { id, by: await staff(['approver']), decision: 'approve' });
    expect(await outcomes(Array.from({ length: 10 }, () => take(id, subject)))).toEqual({ ok: 1, 'approval-not-approved': 9 });
  });

  test('only what was approved may be done, and only what was shown can be approved', async () => {
    const subject = newSubject();
    const asked = await requestApproval(deps, { kind: 'make-seal', subject, payload, by: await staff(['seal-admin']) });
    const approver = await staff(['approver']);
    const otherDigest = asked.digest.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
    expect(await codeOf(decideApproval(deps, { id: asked.id, by: approver, decision: 'approve', digest: otherDigest }))).toBe(
      'approval-changed',
    );
    await decideApproval(deps, { id: asked.id, by: approver, decision: 'approve' });
    expect(await codeOf(take(asked.id, subject, { ...payload, validDays: 3650 }))).toBe('approval-changed');
    expect(await codeOf(take(asked.id, newSubject()))).toBe('approval-not-found');
  });

  test('it expires to the millisecond, for deciding and for doing, and then a new one may be asked', async () => {
    const [applicant, approver, subject] = [await staff(['seal-admin']), await staff(['approver']), newSubject()];
    const ask = () => requestApproval(deps, { kind: 'make-seal', subject, payload, by: applicant, expiresInSeconds: 60 });
    const first = await ask();
    expect(await codeOf(ask())).toBe('approval-pending');
    clock.advance(60_000);
    expect((await findApproval(deps, first.id))?.status).toBe('expired');
    expect(await codeOf(decideApproval(deps, { id: first.id, by: approver, decision: 'approve' }))).toBe('approval-expired');
    const second = await ask();
    clock.advance(59_999);
    await decideApproval(deps, { id: second.id, by: approver, decision: 'approve' });
    clock.advance(1);
    expect(await codeOf(take(second.id, subject))).toBe('approval-expired');
    expect((await listApprovals(deps, { status: 'expired' })).map(({ id }) => id)).toEqual(expect.arrayContaining([first.id, second.id]));
  });

  test('of ten requests for one thing at the same instant one waits', async () => {
    const [applicant, subject] = [await staff(['seal-admin']), newSubject()];
    const works = Array.from({ length: 10 }, () => requestApproval(deps, { kind: 'make-seal', subject, payload, by: applicant }));
    expect(await outcomes(works)).toEqual({ ok: 1, 'approval-pending': 9 });
  });

  test('what was rejected is not done', async () => {
    const subject = newSubject();
    const { id } = await requestApproval(deps, { kind: 'make-seal', subject, payload, by: await staff(['seal-admin']) });
    await decideApproval(deps, { id, by: await staff(['approver']), decision: 'reject', reason: '名称有误' });
    expect(await codeOf(take(id, subject))).toBe('approval-not-approved');
    expect((await findApproval(deps, id))?.reason).toBe('名称有误');
  });

  test('an id that is none is not found', async () => {
    expect(await codeOf(decideApproval(deps, { id: 'x', by: await staff(['approver']), decision: 'approve' }))).toBe('approval-not-found');
    expect(await findApproval(deps, 'x')).toBeUndefined();
  });
});
