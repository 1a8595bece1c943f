/**
 * After a crash: licences left `preparing` are finished from their own row, or taken away when they never can be. Runs at
 * start-up and every minute; several processes may run it at once.
 */
import { recordEvent } from '#audit/record-event.ts';
import { Problem } from '#problem.ts';
import { fileNameOf, finishLicence, LICENCE_FORMATS } from './finish-licence.ts';
import type { LicenceDeps } from './licence-deps.ts';

export interface Resumed {
  finished: number;
  abandoned: number;
  /** Still to do: something outside failed (a disk, a connection). */
  failed: number;
}

/** Longer than any honest issue takes. */
const DEFAULT_AGE_SECONDS = 120;

export async function resumeIssuing(deps: LicenceDeps, options: { olderThanSeconds?: number; limit?: number } = {}): Promise<Resumed> {
  const { db, clock } = deps;
  const before = new Date(clock.now().getTime() - (options.olderThanSeconds ?? DEFAULT_AGE_SECONDS) * 1000);
  const rows = await db.licence.findMany({
    where: { status: 'preparing', preparedAt: { lte: before }, attempts: { none: { abandonedAt: null, startedAt: { gt: before } } } },
    orderBy: { preparedAt: 'asc' },
    take: options.limit ?? 50,
    select: { id: true, preparedBy: true },
  });
  const resumed: Resumed = { finished: 0, abandoned: 0, failed: 0 };
  for (const row of rows) resumed[await resumeOne(deps, row.id, row.preparedBy, before)]++;
  await removeAbandonedFiles(deps, before);
  return resumed;
}

async function resumeOne(deps: LicenceDeps, licenceId: string, actor: string, before: Date): Promise<keyof Resumed> {
  await giveUpAttempts(deps, { licenceId, startedAt: { lte: before } });
  try {
    await finishLicence(deps, licenceId, actor);
    return 'finished';
  } catch (error) {
    if (!(error instanceof Problem) || error.status >= 500) return 'failed';
    await abandonLicence(deps, licenceId, error.code);
    return 'abandoned';
  }
}

/** Takes a licence away that never came to exist. Does nothing to one that did. */
export async function abandonLicence(deps: LicenceDeps, licenceId: string, reason: string): Promise<void> {
  const { db, clock } = deps;
  await giveUpAttempts(deps, { licenceId });
  await removeFilesOf(deps, { licenceId });
  await db.$transaction(async (tx) => {
    const { count } = await tx.licence.deleteMany({ where: { id: licenceId, status: 'preparing', attempts: { none: {} } } });
    if (count !== 1) return;
    await recordEvent(tx, {
      kind: 'licence-abandoned',
      actor: 'system:issuing',
      subject: `licence:${licenceId}`,
      detail: { reason },
      at: clock.now(),
    });
  });
}

/** From here on these tries cannot commit. */
async function giveUpAttempts({ db, clock }: LicenceDeps, which: { licenceId: string; startedAt?: { lte: Date } }): Promise<void> {
  await db.issueAttempt.updateMany({ where: { ...which, abandonedAt: null }, data: { abandonedAt: clock.now() } });
}

async function removeAbandonedFiles(deps: LicenceDeps, before: Date): Promise<void> {
  // A try that outlived its licence's commit by another: dead as well, once it is old.
  await deps.db.issueAttempt.updateMany({
    where: { abandonedAt: null, startedAt: { lte: before }, licence: { status: { not: 'preparing' } } },
    data: { abandonedAt: deps.clock.now() },
  });
  await removeFilesOf(deps, {});
}

/** First the files, then the row that remembers them: a crash in between only means doing it again. */
async function removeFilesOf({ db, files }: LicenceDeps, which: { licenceId?: string }): Promise<void> {
  const attempts = await db.issueAttempt.findMany({ where: { ...which, abandonedAt: { not: null } }, take: 500 });
  for (const attempt of attempts) {
    for (const format of LICENCE_FORMATS) await files.remove(fileNameOf(attempt.licenceId, attempt.id, format));
    await db.issueAttempt.deleteMany({ where: { id: attempt.id } });
  }
}
