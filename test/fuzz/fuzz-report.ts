import { randomFrom } from '#test/fakes/seeded-random.ts';

/** What a run of one target came to. */
export interface FuzzReport {
  runs: number;
  /** How often each answer was given. */
  verdicts: Record<string, number>;
  /** Seed, number of the run, and what happened: enough to repeat it. */
  failures: string[];
  slowestMs: number;
}

/** Answers what was said of a mutant; throws for whatever must not happen. */
type Trial = (random: (below: number) => number) => string;

/** Runs a trial many times. Each run has its own generator, so that a single one can be repeated. */
export function repeat({ runs, seed }: { runs: number; seed: number }, trial: Trial): FuzzReport {
  const report: FuzzReport = { runs, verdicts: {}, failures: [], slowestMs: 0 };
  for (let run = 0; run < runs; run++) {
    const began = performance.now();
    try {
      const verdict = trial(randomFrom(seed * 1_000_003 + run));
      report.verdicts[verdict] = (report.verdicts[verdict] ?? 0) + 1;
    } catch (error) {
      report.failures.push(`${seed}/${run}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
    report.slowestMs = Math.max(report.slowestMs, performance.now() - began);
  }
  return report;
}
