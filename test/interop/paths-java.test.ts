/** Chance-made chains before the JDK's PKIX validator and before us: policies, name constraints, path lengths, key usage, validity. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { OID } from '#crypto/oids.ts';
import { CHANCE_TIME, judgeChain, type MadeCase, makeChain } from '../fakes/chance-chains.ts';
import { randomFrom } from '../fakes/seeded-random.ts';

const CASES = 1_000;
const SEED = 17;

function lineOf({ root, intermediates, leaf, input = {} }: MadeCase): string {
  const flags = [input.explicit, input.inhibitMapping, input.inhibitAnyPolicy].map((flag) => (flag ? '1' : '0'));
  const acceptable = input.acceptable?.filter((policy) => policy !== OID.anyPolicy) ?? [];
  const chain = [root, ...intermediates, leaf].map(({ certificate }) => Buffer.from(certificate.der).toString('base64'));
  return [CHANCE_TIME.getTime(), ...flags, acceptable.join(',') || '-', ...chain].join(' ');
}

/** Where the JDK departs from RFC 5280 §6.1, as far as these chains show it; OpenSSL is with us in each. */
function quirkOf({ intermediates, leaf }: MadeCase): string | undefined {
  const constraints = intermediates.flatMap(({ certificate }) => certificate.nameConstraints ?? []);
  const bases = constraints.flatMap(({ permitted, excluded }) => [...permitted, ...excluded]);
  const lacksHost = [...intermediates, leaf].some(({ certificate }) => certificate.subjectAltNames.every(({ kind }) => kind !== 'dns'));
  if (lacksHost && bases.some(({ form }) => form === 'dns')) return 'takes the common name for a host when no alternative name is one';
  const permitted = new Set(constraints.flatMap((one) => one.permitted.map(({ form }) => form)));
  const both = constraints.some((one) => one.excluded.some(({ form }) => permitted.has(form)));
  return both ? 'forgets what was permitted once all of it is excluded' : undefined;
}

test(`${CASES} chains are judged alike by Java and by us`, { timeout: 240_000 }, () => {
  const random = randomFrom(SEED);
  const made = Array.from({ length: CASES }, () => ({ ...makeChain(random), crls: [] }));
  const program = join(import.meta.dirname, 'certpath/JudgePaths.java');
  const answers = execFileSync('java', [program], { input: made.map(lineOf).join('\n'), encoding: 'utf8', maxBuffer: 1 << 26 })
    .trim()
    .split('\n');
  const differing = made.flatMap((item, index) => {
    const [theirs, ours] = [answers[index] ?? '', judgeChain(item)];
    return (theirs === 'valid') === ours.valid
      ? []
      : [{ quirk: quirkOf(item), words: `${index}: Java ${theirs}, we ${JSON.stringify(ours.findings)}` }];
  });
  const valid = answers.filter((answer) => answer === 'valid').length;
  console.log(`Java CertPath: ${CASES - differing.length} of ${CASES} chains judged alike, ${valid} of them valid`);
  for (const quirk of new Set(differing.map(({ quirk }) => quirk)))
    console.log(`  the JDK ${quirk}: ${differing.filter((one) => one.quirk === quirk).length}`);
  expect(differing.filter(({ quirk }) => !quirk).map(({ words }) => words)).toEqual([]);
  expect(differing.length).toBeLessThan(CASES / 25);
  expect(valid).toBeGreaterThan(CASES / 10);
});
