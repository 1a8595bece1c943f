/** `npm run bench [-- --json FILE]`: everything against a baseline of the same run, as one table, ratios first. */
import 'reflect-metadata';
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { benchApp } from './bench-app.ts';
import { benchBulk } from './bench-bulk.ts';
import { benchCertificates } from './bench-certificates.ts';
import { benchLicences } from './bench-licences.ts';
import { benchLists } from './bench-lists.ts';
import { benchOfd } from './bench-ofd.ts';
import { benchOidc } from './bench-oidc.ts';
import { benchPdf } from './bench-pdf.ts';
import { benchSealing } from './bench-sealing.ts';
import { benchSignatures } from './bench-signatures.ts';
import { benchSigner } from './bench-signer.ts';
import { benchStart } from './bench-start.ts';
import { benchStatus } from './bench-status.ts';
import { type Row, tableOf } from './measure.ts';

const { values } = parseArgs({ options: { json: { type: 'string' }, only: { type: 'string' } } });
const rows: Row[] = [];

const sections: Record<string, () => Promise<Row[]>> = {
  signatures: benchSignatures,
  signer: benchSigner,
  certificates: () => withApp(benchCertificates),
  sealing: benchSealing,
  bulk: benchBulk,
  ofd: benchOfd,
  pdf: benchPdf,
  licences: () => withApp(benchLicences),
  oidc: () => withApp(benchOidc),
  status: () => withApp(benchStatus),
  lists: () => withApp(benchLists),
  start: benchStart,
};

// A misspelt section that measures nothing must not look like a run.
if (values.only !== undefined && !Object.hasOwn(sections, values.only)) {
  console.error(`--only takes one of ${Object.keys(sections).join(', ')}.`);
  process.exit(3);
}

async function withApp(bench: (app: Awaited<ReturnType<typeof benchApp>>) => Promise<Row[]>): Promise<Row[]> {
  const app = await benchApp();
  try {
    return await bench(app);
  } finally {
    await app.close();
  }
}

for (const [name, section] of Object.entries(sections)) {
  if (values.only && values.only !== name) continue;
  process.stderr.write(`measuring ${name} …\n`);
  rows.push(...(await section()));
}
console.log(tableOf(rows));
console.log(
  `\nNode ${process.version}, ${availableParallelism()} cores. A ratio says how many times the baseline's cost one operation takes.`,
);
if (values.json)
  await writeFile(values.json, `${JSON.stringify({ node: process.version, at: new Date().toISOString(), rows }, null, 2)}\n`);
process.exit(0);
