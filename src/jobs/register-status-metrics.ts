import { Gauge, type Registry } from 'prom-client';
import { listAuthorities } from '#certificates/authorities.ts';
import { type ClockDeps, isClockTrusted } from '#certificates/judge-clock.ts';
import { type CrlStanding, listCrlStandings } from '#certificates/list-crls.ts';
import { sharedWhileReading } from './shared-while-reading.ts';

type SignedList = NonNullable<CrlStanding['list']>;

const DAY_MS = 86_400_000;
/** Answers that ended longer ago belong to certificates nobody asks about, or to trouble that the failing job tells of. */
const ENDED_DAYS = 7;

/**
 * What verifiers rely on, for alarms: how old the newest list of each authority is and how long it holds, kept OCSP answers that end
 * soon and were not made anew, and whether time is stamped. Read from the store when somebody asks for /metrics.
 */
export function registerStatusMetrics(registry: Registry, deps: ClockDeps): void {
  const registers = [registry];
  const lists = sharedWhileReading(() => readLists(deps));
  const perList = (name: string, help: string, figureOf: (list: SignedList, now: number) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['key', 'scope'],
      registers,
      async collect() {
        const { found, now } = await lists();
        this.reset();
        for (const { key, scope, list } of found) this.set({ key, scope }, figureOf(list, now));
      },
    });
  perList(
    'tongren_crl_age_seconds',
    'Seconds since the thisUpdate of the newest signed list, by authority and scope (complete, delta, part-0, part-0-delta …). Absent where there is no list.',
    ({ thisUpdate }, now) => Math.round((now - thisUpdate.getTime()) / 1000),
  );
  perList(
    'tongren_crl_remaining_seconds',
    'Seconds until the nextUpdate of the newest signed list, by authority and scope; negative after it.',
    ({ nextUpdate }, now) => Math.round((nextUpdate.getTime() - now) / 1000),
  );
  perList('tongren_crl_entries', 'Entries of the newest signed list, by authority and scope.', ({ entries }) => entries);
  new Gauge({
    name: 'tongren_ocsp_answers',
    help: 'Kept OCSP answers about certificates that have not expired: ending within a day and not made anew, or ended in the last week. Both are 0 while the worker and the signer work.',
    labelNames: ['state'],
    registers,
    async collect() {
      const { ending, ended } = await countOldAnswers(deps);
      this.set({ state: 'ending' }, ending);
      this.set({ state: 'ended' }, ended);
    },
  });
  new Gauge({
    name: 'tongren_clock_trusted',
    help: '1 while the clock agrees with its reference, 0 while it is in doubt; then no time is stamped.',
    registers,
    async collect() {
      this.set((await isClockTrusted(deps)) ? 1 : 0);
    },
  });
}

interface NamedList {
  key: string;
  scope: string;
  list: SignedList;
}

async function readLists(deps: ClockDeps): Promise<{ found: NamedList[]; now: number }> {
  const standings = await listCrlStandings(deps, await listAuthorities(deps));
  const found = [...standings].flatMap(([key, lists]) => lists.flatMap(({ scope, list }) => (list ? [{ key, scope, list }] : [])));
  return { found, now: deps.clock.now().getTime() };
}

async function countOldAnswers({ db, clock }: ClockDeps): Promise<{ ending: number; ended: number }> {
  const now = clock.now();
  const [from, until] = [-ENDED_DAYS * DAY_MS, DAY_MS].map((ms) => new Date(now.getTime() + ms));
  const [row] = await db.$queryRaw<{ ending: number; ended: number }[]>`
    SELECT count(*) FILTER (WHERE a.next_update > ${now})::int AS ending, count(*) FILTER (WHERE a.next_update <= ${now})::int AS ended
    FROM ocsp_answer a JOIN issued_certificate c ON c.serial_hex = a.serial_hex
    WHERE a.next_update BETWEEN ${from} AND ${until} AND c.not_after > ${now}`;
  return row ?? { ending: 0, ended: 0 };
}
