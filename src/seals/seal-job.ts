/** A bulk job as its owner sees it, and what the use-cases on jobs need. */
import { requireRole } from '#access/require-role.ts';
import { staffActor } from '#access/staff.ts';
import type { FieldCipher } from '#crypto/field-cipher.ts';
import type { SealPlaceRule } from '#documents/seal-place.ts';
import { isUuid } from '#people/is-uuid.ts';
import type { FileStore } from '#ports/file-store.ts';
import { Problem } from '#problem.ts';
import type { Database } from '#storage/database.ts';
import type { SealDeps } from './seal-view.ts';

export type SealJobDeps = SealDeps & { fields: FieldCipher; files: FileStore };
export type SealJobRow = NonNullable<Awaited<ReturnType<Database['sealJob']['findUnique']>>>;
export type SealJobFileRow = NonNullable<Awaited<ReturnType<Database['sealJobFile']['findUnique']>>>;

export const SEAL_JOB_STATUSES = ['collecting', 'running', 'paused', 'done', 'cancelled'] as const;
export type SealJobStatus = (typeof SEAL_JOB_STATUSES)[number];
export const SEAL_JOB_FILE_STATUSES = ['waiting', 'sealed', 'failed'] as const;
export type SealJobFileStatus = (typeof SEAL_JOB_FILE_STATUSES)[number];

/** Staff with the role `issuer`, or a system whose token's scope was checked where it came in. */
export type SealJobParty = { personId: string; organisationId: string } | { clientId: string; organisationId: string };

export interface SealJobView {
  id: string;
  sealId: string;
  status: SealJobStatus;
  place: SealPlaceRule;
  /** Files by state; together all of them. */
  files: Record<SealJobFileStatus, number>;
  /** Who made it: `staff:<id>` or `client:<id>`. */
  actor: string;
  createdAt: Date;
  startedAt: Date | undefined;
  finishedAt: Date | undefined;
  /** All that waits does so until then at the earliest: the seal's day is full. */
  resumesAt: Date | undefined;
}

/** As the audit names who acts. Throws Problem `not-allowed`. */
export async function requireJobActor(deps: Pick<SealJobDeps, 'db'>, by: SealJobParty): Promise<string> {
  if ('clientId' in by) return `client:${by.clientId}`;
  return staffActor(await requireRole(deps, { ...by, role: 'issuer' }));
}

/** The job, when it is the organisation's. Throws Problem `seal-job-not-found`, `not-allowed`. */
export async function requireJob(deps: Pick<SealJobDeps, 'db'>, jobId: string, by: SealJobParty): Promise<SealJobRow> {
  await requireJobActor(deps, by);
  const row = isUuid(jobId) ? await deps.db.sealJob.findUnique({ where: { id: jobId } }) : null;
  if (row?.organisationId !== by.organisationId) throw new Problem('seal-job-not-found');
  return row;
}

/** Claims are shorter; what waits longer than this waits for another day. */
const LONG_WAIT_MS = 300_000;

type ViewDeps = Pick<SealJobDeps, 'db' | 'clock'>;

export async function sealJobView(deps: ViewDeps, row: SealJobRow): Promise<SealJobView> {
  const [view] = await sealJobViews(deps, [row]);
  return view as SealJobView;
}

/** The same of many, in their order: two questions to the database however many they are. */
export async function sealJobViews({ db, clock }: ViewDeps, rows: readonly SealJobRow[]): Promise<SealJobView[]> {
  const running = rows.filter(({ status }) => status === 'running').map(({ id }) => id);
  const [groups, resumesAt] = await Promise.all([
    db.sealJobFile.groupBy({ by: ['jobId', 'status'], where: { jobId: { in: rows.map(({ id }) => id) } }, _count: true }),
    running.length === 0 ? new Map<string, Date>() : resumesAtOf(db, running, clock.now()),
  ]);
  const counts = new Map(groups.map(({ jobId, status, _count }) => [`${jobId} ${status}`, _count]));
  return rows.map((row) => {
    const count = (status: SealJobFileStatus) => counts.get(`${row.id} ${status}`) ?? 0;
    return {
      id: row.id,
      sealId: row.sealId,
      status: row.status as SealJobStatus,
      place: row.place as SealPlaceRule,
      files: { waiting: count('waiting'), sealed: count('sealed'), failed: count('failed') },
      actor: row.actor,
      createdAt: row.createdAt,
      startedAt: row.startedAt ?? undefined,
      finishedAt: row.finishedAt ?? undefined,
      resumesAt: resumesAt.get(row.id),
    };
  });
}

/** Of those jobs all of whose waiting files wait long. The first file that does not answers for its job. */
async function resumesAtOf(db: Database, jobIds: readonly string[], now: Date): Promise<Map<string, Date>> {
  const soon = new Date(now.getTime() + LONG_WAIT_MS);
  const rows = await db.$queryRaw<{ id: string; at: Date | null }[]>`
    SELECT job.id, (
      SELECT min(file.claimed_until) FROM seal_job_file AS file WHERE file.job_id = job.id AND file.status = 'waiting'
    ) AS at
    FROM seal_job AS job
    WHERE job.id = ANY(${jobIds}::uuid[]) AND NOT EXISTS (
      SELECT FROM seal_job_file AS file
      WHERE file.job_id = job.id AND file.status = 'waiting' AND (file.claimed_until IS NULL OR file.claimed_until <= ${soon})
    )`;
  return new Map(rows.flatMap(({ id, at }) => (at ? [[id, at] as const] : [])));
}

export function folderOf(jobId: string): string {
  return `seal-jobs/${jobId}`;
}

export function sourceNameOf({ jobId, id }: Pick<SealJobFileRow, 'jobId' | 'id'>): string {
  return `${folderOf(jobId)}/${id}.source.enc`;
}

/** Named by the claim: two that seal one file by mistake never write over each other. */
export function resultNameOf({ jobId, id }: Pick<SealJobFileRow, 'jobId' | 'id'>, claim: string): string {
  return `${folderOf(jobId)}/${id}.${claim}.enc`;
}

/** Where the encrypted bytes belong: moved to another file they do not open. */
export function placeOfFile(id: string, what: 'source' | 'result' | 'name' | 'archive'): string {
  return `seal-job.${what}:${id}`;
}
