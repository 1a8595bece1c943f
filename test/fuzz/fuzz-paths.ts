/** Path validation over damaged certificates, lists and answers that are well signed: an answer within the budget, and never a throw. */
import { DEFAULT_WORK } from '#pki/build-chains.ts';
import { validatePath } from '#pki/validate-path.ts';
import { damagedChain, damagedStatus } from '../fakes/damaged-paths.ts';
import { type FuzzReport, repeat } from './fuzz-report.ts';

export async function fuzzPaths(options: { runs: number; seed: number }): Promise<FuzzReport> {
  return repeat(options, (random) => {
    const question = random(2) === 0 ? damagedChain(random) : damagedStatus(random);
    if (!question) return 'unreadable';
    const { valid, spent, findings, path } = validatePath(question);
    if (spent.signatures > DEFAULT_WORK.signatures + 1) throw new Error('more signatures than the budget');
    if (findings.some(({ index }) => !path[index])) throw new Error('a finding about no certificate');
    return valid ? 'valid' : 'invalid';
  });
}
