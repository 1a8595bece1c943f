/** C2SP x509-limbo: path validation by RFC 5280 and the web's rules. Prints its scores; each deviation has its reason in the table. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { judgeLimboCase, type LimboCase } from './limbo-case.ts';

const file = new URL('../vectors/x509/limbo.json', import.meta.url);
const { testcases } = JSON.parse(readFileSync(file, 'utf8')) as { testcases: LimboCase[] };

const COMMON_NAME =
  'The common name is no alternative name. BR 7.1.4.3 forbids that, and the suite’s own webpki::cn::not-in-san wants it refused: one of the two must be missed.';

/** Cases we answer otherwise than the suite; the test fails when one is missing here, and when one is here for nothing. */
const DEVIATIONS: Record<string, string> = {
  'webpki::nc::nc-permits-dns-san-pattern': COMMON_NAME,
  'webpki::san::exact-localhost-ip-san': COMMON_NAME,
  'webpki::san::leftmost-wildcard-san': COMMON_NAME,
};

/** Answered right, but not for the reason the case is about. */
const RIGHT_BY_ANOTHER_RULE: Record<string, RegExp> = {
  // A wildcard over a public suffix of several labels: the list of them changes daily and is not kept here.
  'webpki::san::public-suffix-multi-label-wildcard-san': /BR 7\.1\.4\.3/,
  'webpki::san::public-suffix-private-namespace-wildcard-san': /BR 7\.1\.4\.3/,
};

const judged = testcases.map((item) => ({ item, result: judgeLimboCase(item) }));

test('every case is answered as the suite says, but for those in the table', () => {
  const scores = new Map<string, { agreed: number; all: number }>();
  const wrong: string[] = [];
  for (const { item, result } of judged) {
    const namespace = item.id.split('::')[0] ?? '';
    const score = scores.get(namespace) ?? { agreed: 0, all: 0 };
    const agrees = result.actual_result === item.expected_result;
    scores.set(namespace, { agreed: score.agreed + Number(agrees), all: score.all + 1 });
    if (!agrees) wrong.push(item.id);
  }
  const lines = [...scores].map(([namespace, { agreed, all }]) => `  ${namespace}: ${agreed} of ${all}`);
  const reasons = Object.entries(DEVIATIONS).map(([id, reason]) => `  deviates: ${id} — ${reason}`);
  console.log([`x509-limbo: ${testcases.length - wrong.length} of ${testcases.length} cases agree`, ...lines, ...reasons].join('\n'));
  expect(wrong.sort()).toEqual(Object.keys(DEVIATIONS).sort());
});

test('no case is skipped', () => {
  expect(judged.filter(({ result }) => result.actual_result === 'SKIPPED')).toEqual([]);
});

test.each(Object.entries(RIGHT_BY_ANOTHER_RULE))('%s is refused by another rule', (id, rule) => {
  expect(judged.find(({ item }) => item.id === id)?.result.context).toMatch(rule);
});

test('the harness answers in the format of the suite, also for a case that cannot be judged', () => {
  const broken = { ...testcases[0], id: 'broken::case', trusted_certs: 'none' };
  const input = JSON.stringify({ version: 1, testcases: [testcases[0], broken] });
  const run = spawnSync('npm', ['run', '-s', 'limbo'], { input, encoding: 'utf8' });
  const answer = JSON.parse(run.stdout);
  expect(answer).toMatchObject({ version: 1, harness: 'tongren' });
  expect(answer.results[0]).toMatchObject({ id: testcases[0]?.id, actual_result: testcases[0]?.expected_result });
  expect(answer.results[1]).toMatchObject({ id: 'broken::case', actual_result: 'SKIPPED', context: expect.stringContaining('not judged') });
});
