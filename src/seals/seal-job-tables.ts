/** What is told of a job's files in tables for a spreadsheet: those that could not be sealed with the reason, those that were with their digests. */
import { readJobFiles, type SealJobFileView } from './find-seal-jobs.ts';
import type { SealJobDeps } from './seal-job.ts';
import { CSV_START, csvRow } from './seal-log-csv.ts';

const ROWS_AT_ONCE = 500;

export const ERROR_COLUMNS = CSV_START + csvRow(['文件 File', '格式 Format', '错误代码 Error', '原因', 'Reason']);

/** All files that could not be sealed, read a piece at a time. @param withNames only for the organisation whose files they are. */
export async function* jobErrorRows(
  deps: Pick<SealJobDeps, 'db' | 'fields'>,
  jobId: string,
  { withNames }: { withNames: boolean },
): AsyncGenerator<string> {
  let cursor: string | undefined;
  do {
    const page = await readJobFiles(deps, { jobId, status: 'failed', cursor, limit: ROWS_AT_ONCE });
    const lines = page.items.map((file) => errorRow({ ...file, title: titleOf(file, withNames) }));
    if (lines.length > 0) yield lines.join('');
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

export function errorRow({
  title,
  format,
  error,
  errorDetail,
  errorDetailZh,
}: Pick<SealJobFileView, 'format' | 'error' | 'errorDetail' | 'errorDetailZh'> & { title: string }): string {
  return csvRow([title, format.toUpperCase(), error ?? '', errorDetailZh ?? '', errorDetail ?? '']);
}

/** What a person called it; otherwise, and for those who may not know that, its key. */
export function titleOf({ name, key }: Pick<SealJobFileView, 'name' | 'key'>, withNames: boolean): string {
  return (withNames ? name : undefined) ?? key;
}

export const RESULT_COLUMNS =
  CSV_START +
  csvRow([
    '文件 File',
    '格式 Format',
    '字节 Bytes',
    '文件摘要 SHA-256',
    '文件摘要 SM3',
    '印章编码 Seal number',
    '盖章时间（北京时间） Sealed at (UTC+8)',
  ]);

export interface ResultRow {
  /** In the archive. */
  name: string;
  format: string;
  bytes: number;
  /** SHA-256, hexadecimal; and SM3, when the seal's log has it. */
  digest: string;
  sm3: string | undefined;
  esId: string;
  at: Date;
}

export function resultRow({ name, format, bytes, digest, sm3, esId, at }: ResultRow): string {
  return csvRow([name, format.toUpperCase(), String(bytes), digest, sm3 ?? '', esId, inChina(at)]);
}

/** `YYYY-MM-DD hh:mm:ss`, which spreadsheets read as a time. */
export function inChina(at: Date): string {
  return new Date(at.getTime() + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
}
