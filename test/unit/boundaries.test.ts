import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const planted: string[] = [];
afterAll(() => {
  for (const path of planted) rmSync(path, { force: true });
});

/** Plants one import and returns what the linter says of it. */
function lintWith(room: string, specifier: string): string {
  const path = `${root}src/${room}/planted-import-${process.pid}.ts`;
  planted.push(path);
  writeFileSync(path, `import * as planted from '${specifier}';\n\nexport const names = Object.keys(planted);\n`);
  const run = spawnSync('npx', ['biome', 'lint', path], { cwd: root, encoding: 'utf8' });
  rmSync(path, { force: true });
  return run.status === 0 ? 'accepted' : run.stdout + run.stderr;
}

test.each([
  ['crypto', '#people/citizen-number.ts'],
  ['documents', '#certificates/issue-certificate.ts'],
  ['licences', '#web/create-server.ts'],
  ['licences', '#oidc/claims.ts'],
  ['seals', '#codes/mint-code.ts'],
  ['web', '#adapters/redis-store.ts'],
  ['audit', '../people/citizen-number.ts'],
  ['licences', 'fastify'],
  ['web', 'oidc-provider'],
])('the linter refuses that %s imports %s', (room, specifier) => {
  expect(lintWith(room, specifier)).toContain('noRestrictedImports');
});

test('the linter accepts an import from a room below', () => {
  expect(lintWith('licences', '#documents/verdict.ts')).toBe('accepted');
});
