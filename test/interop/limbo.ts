/** `npm run -s limbo < limbo.json > results.json`: judges x509-limbo's cases and answers in its own result format. */
import { text } from 'node:stream/consumers';
import { judgeLimboCase, type LimboCase } from './limbo-case.ts';

const { version, testcases } = parsed(await text(process.stdin));
if (version !== 1 || !Array.isArray(testcases)) {
  console.error('Not a limbo.json of version 1.');
  process.exitCode = 3;
} else {
  const results = testcases.map(judgeLimboCase);
  process.stdout.write(`${JSON.stringify({ version: 1, harness: 'tongren', results }, null, 2)}\n`);
}

/** Nothing of what it should be for text that is no JSON. */
function parsed(input: string): { version?: number; testcases?: LimboCase[] } {
  try {
    return JSON.parse(input) ?? {};
  } catch {
    return {};
  }
}
