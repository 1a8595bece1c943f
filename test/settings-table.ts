/** The table of settings in README.md, made from the schema. `npm run readme` writes it, a test compares it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ENVIRONMENT } from '../src/config.ts';

export const README = fileURLToPath(new URL('../README.md', import.meta.url));
const BEGIN = '<!-- settings: made by npm run readme -->';
const END = '<!-- end of settings -->';

export function settingsTable(): string {
  const rows = Object.entries(ENVIRONMENT.shape).map(([name, schema]) => {
    const found = schema.safeParse(undefined);
    const byDefault =
      found.success && found.data !== undefined && !(Array.isArray(found.data) && found.data.length === 0)
        ? `\`${String(found.data)}\``
        : '';
    return `| \`${name}\` | ${byDefault} | ${schema.description ?? ''} |`;
  });
  return [BEGIN, '| setting | default | meaning |', '|---|---|---|', ...rows, END].join('\n');
}

/** The README with its table made anew. */
export function withSettings(readme: string): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < 0) throw new Error('README.md has no place for the settings.');
  return readme.slice(0, begin) + settingsTable() + readme.slice(end + END.length);
}

if (import.meta.main) writeFileSync(README, withSettings(readFileSync(README, 'utf8')));
