/** Bulk jobs for those who look after them: of one organisation or of all, with whose they are and under which seal. */

import { isUuid } from '#people/is-uuid.ts';
import { findOrganisation } from '#people/organisations.ts';
import { cutPage } from '#storage/cut-page.ts';
import { type SealJobDeps, type SealJobRow, type SealJobStatus, type SealJobView, sealJobView } from './seal-job.ts';

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
  const items = await Promise.all(shown.map((row) => foundJob(deps, row)));
  return { items, ...next };
}

/** Whosever it is: the caller asks whether it may be seen. */
export async function describeSealJob(deps: FindDeps, jobId: string): Promise<FoundSealJob | undefined> {
  const row = isUuid(jobId) ? await deps.db.sealJob.findUnique({ where: { id: jobId } }) : null;
  return row ? foundJob(deps, row) : undefined;
}

async function foundJob(deps: FindDeps, row: SealJobRow): Promise<FoundSealJob> {
  const [view, organisation, seal] = await Promise.all([
    sealJobView(deps, row),
    findOrganisation(deps, row.organisationId),
    deps.db.seal.findUnique({ where: { id: row.sealId }, select: { name: true } }),
  ]);
  return { ...view, organisationId: row.organisationId, organisationName: organisation?.name ?? '', sealName: seal?.name ?? '' };
}
