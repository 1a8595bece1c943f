import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { README, withSettings } from '#test/settings-table.ts';

const readme = readFileSync(README, 'utf8');
const root = fileURLToPath(new URL('../..', import.meta.url));
const scripts = (JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { scripts: Record<string, string> }).scripts;

test('the table of settings is the one the schema makes', () => {
  expect(withSettings(readme)).toBe(readme);
});

test('every npm script the README names is there', () => {
  const named = [...readme.matchAll(/npm run (?:-s |--silent )?([\w:]+)/g)].map(([, name]) => name ?? '');
  expect(named.length).toBeGreaterThan(3);
  for (const name of named) expect(scripts, name).toHaveProperty([name]);
});

test('every file and folder the README names is there', () => {
  const named = [...readme.matchAll(/`((?:src|prisma|templates|test|keys)\/[\w./-]*)`/g)].map(([, path]) => path ?? '');
  expect(named.length).toBeGreaterThan(10);
  for (const path of named) expect(existsSync(root + path), path).toBe(true);
});
