/** Runs by hand that are asked for what is not there say so: nothing done must not look like nothing found. */
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

test.each([
  ['test/fuzz/run.ts', 'certificates, paths'],
  ['test/bench/run.ts', 'certificates'],
])('%s', (script, names) => {
  const run = spawnSync(process.execPath, [script, '--only', 'certificate'], { encoding: 'utf8' });
  expect([run.status, run.stdout]).toEqual([3, '']);
  expect(run.stderr).toContain(names);
});

test('the limbo harness wants the cases as JSON', () => {
  for (const input of ['', 'garbage', 'null', '{"version":2,"testcases":[]}']) {
    const run = spawnSync(process.execPath, ['test/interop/limbo.ts'], { input, encoding: 'utf8' });
    expect([run.status, run.stdout, run.stderr]).toEqual([3, '', 'Not a limbo.json of version 1.\n']);
  }
});
