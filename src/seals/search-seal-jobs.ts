/** Bulk jobs for those who look after them: of one organisation or of all, with whose they are and under which seal. */
import { isUuid } from '#people/is-uuid.ts';
import { organisationNames } from '#people/organisations.ts';
import { cutPage } from '#storage/cut-page.ts';
import { type SealJobDeps, type SealJobRow, type SealJobStatus, type SealJobView, sealJobViews } from './seal-job.ts';

const MAX_LIMIT = 100;

export interface FoundSealJob extends SealJobView {
  organisationId: string;
  organisationName: string;
  sealName: string;
}

export interface SealJobQuery {
  organisationId?: string | undefined;
  status?: SealJobStatus | undefined;
  cursor?: string | undefined;
  limit: number;
}

type FindDeps = Pick<SealJobDeps, 'db' | 'clock'>;

/** Newest first, a page at a time. */
export async function searchSealJobs(deps: FindDeps, query: SealJobQuery): Promise<{ items: FoundSealJob[]; nextCursor?: string }> {
  const { organisationId, status, cursor } = query;
  const limit = Math.min(Math.max(1, query.limit), MAX_LIMIT);
  const rows = await deps.db.sealJob.findMany({
    where: {
      ...(organisationId === undefined ? {} : { organisationId }),
      ...(status === undefined ? {} : { status }),
      ...(cursor !== undefined && isUuid(cursor) ? { id: { lt: cursor } } : {}),
    },
    orderBy: { id: 'desc' },
    take: limit + 1,
  });
  const { shown, next } = cutPage(rows, limit);
  return { items: await foundJobs(deps, shown), ...next };
}

/** Whosever it is: the caller asks whether it may be seen. */
export async function describeSealJob(deps: FindDeps, jobId: string): Promise<FoundSealJob | undefined> {
  const row = isUuid(jobId) ? await deps.db.sealJob.findUnique({ where: { id: jobId } }) : null;
  return row ? (await foundJobs(deps, [row]))[0] : undefined;
}

/** Whose they are and under which seal, asked once for all of them. */
async function foundJobs(deps: FindDeps, rows: readonly SealJobRow[]): Promise<FoundSealJob[]> {
  const sealIds = [...new Set(rows.map(({ sealId }) => sealId))];
  const [views, organisations, seals] = await Promise.all([
    sealJobViews(deps, rows),
    organisationNames(
      deps,
      rows.map(({ organisationId }) => organisationId),
    ),
    deps.db.seal.findMany({ where: { id: { in: sealIds } }, select: { id: true, name: true } }),
  ]);
  const sealNames = new Map(seals.map(({ id, name }) => [id, name]));
  return rows.map(({ sealId, organisationId }, index) => ({
    ...(views[index] as SealJobView),
    organisationId,
    organisationName: organisations.get(organisationId) ?? '',
    sealName: sealNames.get(sealId) ?? '',
  }));
}
