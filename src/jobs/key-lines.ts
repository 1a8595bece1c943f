/** The lines of keys that have numbered generations: what each signs, and in which suites it comes. */
import { CHECKPOINT_KEY } from '#audit/checkpoint.ts';
import type { KeyLine } from '#audit/succeed-key.ts';
import type { AuthoritySuite } from '#certificates/certificate-deps.ts';
import { recordKeyName } from '#certificates/log-signer.ts';
import { serviceKeyName } from '#certificates/service-signer.ts';
import { RECEIPT_KEY, STATUS_LIST_KEY } from '#codes/code-key-ring.ts';
import { ROTATION_LEAD_SECONDS } from '#codes/rotate-code-key.ts';
import { SEAL_MAKER_KEY } from '#seals/prepare-seal-maker.ts';

const BOTH = ['es256', 'sm2-sm3'] as const;

/** Kind → its line in a suite. */
export const KEY_LINES: Readonly<Record<string, (suite: AuthoritySuite) => KeyLine>> = {
  ocsp: (suite) => ({ base: serviceKeyName('ocsp', suite), suite, purpose: 'ocsp-response' }),
  timestamp: (suite) => ({ base: serviceKeyName('timestamp', suite), suite, purpose: 'timestamp' }),
  log: (suite) => ({ base: recordKeyName('issuance-log', suite), suite, purpose: 'tree-head' }),
  'trust-list': (suite) => ({ base: recordKeyName('trust-list', suite), suite, purpose: 'trust-list' }),
  audit: () => ({ base: CHECKPOINT_KEY, suite: 'es256', purpose: 'audit-checkpoint' }),
  'status-list': () => publishedLine(STATUS_LIST_KEY),
  receipt: () => publishedLine(RECEIPT_KEY),
  'seal-maker': () => ({ base: SEAL_MAKER_KEY, suite: 'sm2-sm3', purpose: 'seal-info' }),
};
const IN_BOTH_SUITES: readonly string[] = ['ocsp', 'timestamp', 'log', 'trust-list'];

/** Every line there is, with its kind. */
export function allKeyLines(): { kind: string; line: KeyLine }[] {
  return Object.entries(KEY_LINES).flatMap(([kind, lineIn]) =>
    (IN_BOTH_SUITES.includes(kind) ? BOTH : (['es256'] as const)).map((suite) => ({ kind, line: lineIn(suite) })),
  );
}

/** Verifiers keep its public key, and so must have had the time to fetch a successor's. */
function publishedLine({ name, suite, purpose }: typeof STATUS_LIST_KEY | typeof RECEIPT_KEY): KeyLine {
  return { base: name, suite, purpose, leadSeconds: ROTATION_LEAD_SECONDS };
}
