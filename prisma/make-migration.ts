/**
 * `npm run migrate:sql -- NAME` writes the SQL that leads from the migrations to the schema files.
 * Before the first release there is one migration, `0001_init`, and the command without a name makes it anew.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const name = process.argv[2];
const from = name ? ['--from-migrations', here('migrations')] : ['--from-empty'];
const run = spawnSync(
  process.execPath,
  [
    here('../node_modules/prisma/build/index.js'),
    'migrate',
    'diff',
    '--config',
    here('prisma.config.ts'),
    ...from,
    '--to-schema',
    here('schema'),
    '--script',
  ],
  { env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: here('schema-engine.mjs') }, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
);
if (run.status !== 0 || !run.stdout.trim()) {
  console.error(run.stderr || 'The engine wrote nothing.');
  process.exit(1);
}
const folder = here(`migrations/${name ? `${new Date().toISOString().replace(/\D/g, '').slice(0, 14)}_${name}` : '0001_init'}`);
mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}/migration.sql`, run.stdout);
console.log(`${folder}/migration.sql`);
