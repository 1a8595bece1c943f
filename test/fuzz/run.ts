/** `npm run fuzz [-- --runs N --seed S --only TARGET]`: mutates what the parsers and verifiers read. Exit 1 when anything broke the rule. */
import { parseArgs } from 'node:util';
import { fuzzCertificates } from './fuzz-certificates.ts';
import { fuzzPaths } from './fuzz-paths.ts';
import { fuzzPdf } from './fuzz-pdf.ts';
import { fuzzPictures } from './fuzz-pictures.ts';
import type { FuzzReport } from './fuzz-report.ts';
import { fuzzCodes, fuzzSeals, fuzzStructures } from './fuzz-structures.ts';
import { fuzzOfd } from './mutate-ofd.ts';

const { values } = parseArgs({ options: { runs: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' } } });
const runs = Number(values.runs ?? 1_000);
const seed = Number(values.seed ?? Date.now() % 1_000_000);
if (!Number.isInteger(runs) || runs < 1 || !Number.isInteger(seed)) {
  console.error('--runs and --seed are whole numbers.');
  process.exit(3);
}

const targets: Record<string, (options: { runs: number; seed: number }) => Promise<FuzzReport>> = {
  ofd: fuzzOfd,
  pdf: fuzzPdf,
  seals: fuzzSeals,
  pictures: fuzzPictures,
  codes: fuzzCodes,
  structures: fuzzStructures,
  certificates: fuzzCertificates,
  paths: fuzzPaths,
};

// A misspelt target that fuzzes nothing must not look like one that holds.
if (values.only !== undefined && !Object.hasOwn(targets, values.only)) {
  console.error(`--only takes one of ${Object.keys(targets).join(', ')}.`);
  process.exit(3);
}

const heapMebibytes = () => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 2 ** 20;
};

let failed = 0;
for (const [name, fuzz] of Object.entries(targets)) {
  if (values.only && values.only !== name) continue;
  const before = heapMebibytes();
  const report = await fuzz({ runs, seed });
  const verdicts = Object.entries(report.verdicts)
    .map(([verdict, count]) => `${verdict} ${count}`)
    .join(', ');
  const grown = globalThis.gc ? `, heap grew by ${(heapMebibytes() - before).toFixed(1)} MiB` : '';
  console.log(
    `${name}: ${runs} runs of seed ${seed}: ${verdicts}; slowest ${Math.round(report.slowestMs)} ms${grown}; ${report.failures.length} failures`,
  );
  for (const failure of report.failures.slice(0, 10)) console.log(`  ${failure}`);
  failed += report.failures.length;
}
process.exit(failed ? 1 : 0);
