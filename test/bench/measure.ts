/**
 * Measuring by ratio: subject and baseline take turns in short rounds of the same run, so that a busy machine slows both.
 * The figure of a round is operations a second; the answer is the median over the rounds.
 */
export interface Row {
  name: string;
  /** Operations a second, or the measured value in `unit`. */
  value: number;
  unit: string;
  baseline: string;
  baselineValue: number;
  /** How many times the baseline's cost one operation takes. */
  ratio: number;
}

type Work = () => unknown;

const ROUNDS = 5;
/** Until the compiler has done its work: a service is long past that. */
const WARM_UP_MS = 1_000;

async function operationsPerSecond(work: Work, milliseconds: number): Promise<number> {
  const began = process.hrtime.bigint();
  const until = began + BigInt(Math.round(milliseconds * 1e6));
  let count = 0;
  do {
    const result = work();
    if (result instanceof Promise) await result;
    count++;
  } while (process.hrtime.bigint() < until);
  return count / (Number(process.hrtime.bigint() - began) / 1e9);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** Cost of `work` against `baseline`, both named. */
export async function compare(
  name: string,
  work: Work,
  baseline: { name: string; work: Work },
  { roundMs = 400 }: { roundMs?: number } = {},
): Promise<Row> {
  await operationsPerSecond(work, WARM_UP_MS);
  await operationsPerSecond(baseline.work, WARM_UP_MS / 2);
  const own: number[] = [];
  const base: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    own.push(await operationsPerSecond(work, roundMs));
    base.push(await operationsPerSecond(baseline.work, roundMs));
  }
  const ratios = own.map((value, round) => (base[round] ?? 0) / value);
  return { name, value: median(own), unit: '/s', baseline: baseline.name, baselineValue: median(base), ratio: median(ratios) };
}

/** The rows as a table for a terminal, ratios first. */
export function tableOf(rows: readonly Row[]): string {
  const figure = (value: number) => (value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toFixed(3));
  const lines = rows.map((row) => [
    figure(row.ratio),
    row.name,
    `${figure(row.value)} ${row.unit}`,
    `${row.baseline}: ${figure(row.baselineValue)} ${row.unit}`,
  ]);
  const all = [['ratio', 'what', 'measured', 'baseline of the same run'], ...lines];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((line) => [...(line[column] ?? '')].length)));
  return all
    .map((line) =>
      line
        .map((cell, column) => (column === 0 || column === 2 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
        .join('  '),
    )
    .join('\n');
}
