/** The log of a seal, as a page's rows and as a file for a spreadsheet. */
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { recordEvent } from '#audit/record-event.ts';
import { findLicenceType } from '#documents/page/licence-type.ts';
import { findSealUses, type SealUse } from '#seals/find-seals.ts';
import { CSV_START, csvRow } from '#seals/seal-log-csv.ts';
import type { SealView } from '#seals/seal-view.ts';
import { actorDescriber } from '#web/admin/describe-actor.ts';
import { cursorOf } from '#web/path-parameters.ts';
import { parseForm } from '#web/validate-with-zod.ts';
import type { WebContext } from '#web/web-context.ts';
import { wording } from '#web/wording.ts';

const DAY_MS = 86_400_000;
const ROWS_AT_ONCE = 500;
const PAGE_SIZE = 30;

const day = z
  .union([z.literal(''), z.iso.date()])
  .default('')
  .transform((date) => (date ? new Date(`${date}T00:00:00+08:00`) : undefined));
/** Days on the wall calendar of a Chinese office, both included. */
const SealLogFilter = z.object({ since: day, until: day });

export interface SealLogPeriod {
  since?: Date | undefined;
  until?: Date | undefined;
}

/** From the first day's first instant to the last day's end. */
function periodOf({ since, until }: z.output<typeof SealLogFilter>): SealLogPeriod {
  return { since, until: until && new Date(until.getTime() + DAY_MS) };
}

/** With names of who used the seal; each name is looked up once. */
export function useDescriber(context: WebContext) {
  const describe = actorDescriber(context);
  return async (use: SealUse) => {
    const type = use.licenceType === undefined ? undefined : (findLicenceType(use.licenceType)?.name.zh ?? use.licenceType);
    return { ...use, by: await describe(use.actor), type };
  };
}

type QueryOfLog = Record<string, string | undefined>;

/** What the page of a seal's log shows of the period asked for; a faulty period shows all and says what is wrong. */
export async function readSealLogPage(context: WebContext, seal: SealView, query: QueryOfLog) {
  const { data, faults } = parseForm(SealLogFilter, query);
  const cursor = cursorOf(query);
  const page = await findSealUses(context, { sealId: seal.id, ...(data ? periodOf(data) : {}), cursor, limit: PAGE_SIZE });
  const { since = '', until = '' } = query;
  return {
    seal,
    uses: await Promise.all(page.items.map(useDescriber(context))),
    nextCursor: page.nextCursor,
    first: cursor === undefined,
    faults,
    values: { since, until },
    query: new URLSearchParams({ since, until }).toString(),
  };
}

/** The period in a query; all of it when that is faulty. */
export function periodAsked(query: QueryOfLog): SealLogPeriod {
  const { data } = parseForm(SealLogFilter, query);
  return data ? periodOf(data) : {};
}

const COLUMNS = [
  '时间（北京时间）',
  '印章编码',
  '用印人',
  '用印人标识',
  '用印事项',
  '证照类型',
  '格式',
  '文件摘要 SHA-256',
  '文件摘要 SM3',
];

/** Sends the whole period, read a piece at a time; that it was taken out is in the audit. */
export async function sendSealLog(
  context: WebContext,
  reply: FastifyReply,
  { seal, period, actor }: { seal: SealView; period: SealLogPeriod; actor: string },
): Promise<FastifyReply> {
  const at = context.clock.now();
  await context.db.$transaction((tx) =>
    recordEvent(tx, { kind: 'seal-log-exported', actor, subject: `seal:${seal.id}`, at, detail: spanOf(period) }),
  );
  const name = `seal-log-${seal.esId ?? seal.id}.csv`;
  return reply
    .header('content-disposition', `attachment; filename="${name}"`)
    .header('cache-control', 'no-store')
    .type('text/csv; charset=utf-8')
    .send(Readable.from(linesOf(context, seal, period)));
}

async function* linesOf(context: WebContext, seal: SealView, period: SealLogPeriod): AsyncGenerator<string> {
  const describe = useDescriber(context);
  yield CSV_START + csvRow(COLUMNS);
  let cursor: string | undefined;
  do {
    const page = await findSealUses(context, { sealId: seal.id, ...period, cursor, limit: ROWS_AT_ONCE });
    const uses = await Promise.all(page.items.map(describe));
    const lines = uses.map(({ at, by, actor, subject, type, format, digest, sm3 }) =>
      csvRow([wording.time(at), seal.esId ?? '', by, actor, subject, type ?? '', format.toUpperCase(), digest, sm3 ?? '']),
    );
    if (lines.length > 0) yield lines.join('');
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

function spanOf({ since, until }: SealLogPeriod) {
  return { since: since?.toISOString() ?? null, until: until?.toISOString() ?? null };
}
