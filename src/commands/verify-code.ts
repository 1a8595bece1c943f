/** `tongren verify-code`: judges a licence code from its digits; offline by keys and status list, online by asking the service. */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { parseCodeKeys } from '#codes/code-keys.ts';
import { verifyCodeOffline } from '#codes/verify-code-offline.ts';
import { fileFault } from './file-fault.ts';

export interface VerifyCodeOptions {
  offline?: boolean;
  keys?: string;
  status?: string;
  at?: Date;
  json?: boolean;
}

const EXIT = { valid: 0, otherVerdict: 1, malformed: 2, wrongUse: 3 } as const;
/** Far above the 354 digits of the longest code; more is not read. */
const MAX_INPUT_LENGTH = 10_000;

/** Prints the verdict and returns the exit code. Redeeming online needs a signed-in counter, so here only offline is offered. */
export async function verifyCode(input: string, options: VerifyCodeOptions): Promise<number> {
  if (!options.offline)
    return wrongUse('A code is redeemed online at the counter (POST /api/codes/redeem). Here: --offline --keys FILE [--status FILE].');
  if (!options.keys) return wrongUse('--keys code-keys.json is needed to verify without a server.');
  const digits = (input === '-' ? await text(process.stdin) : input).slice(0, MAX_INPUT_LENGTH);
  let keys: ReturnType<typeof parseCodeKeys>;
  let statusList: unknown;
  try {
    keys = parseCodeKeys(JSON.parse(await readFile(options.keys, 'utf8')));
    statusList = options.status ? JSON.parse(await readFile(options.status, 'utf8')) : undefined;
  } catch (error) {
    return wrongUse(`The keys or the status list cannot be read: ${fileFault(error)}`);
  }
  const { codeId: _codeId, ...verdict } = verifyCodeOffline({
    digits,
    keys,
    at: options.at ?? new Date(),
    ...(statusList ? { statusList: statusList as string | object } : {}),
  });
  console.log(options.json ? JSON.stringify(verdict, null, 2) : describe(verdict));
  if (verdict.verdict === 'malformed') return EXIT.malformed;
  return verdict.verdict === 'valid' ? EXIT.valid : EXIT.otherVerdict;
}

function describe(verdict: {
  verdict: string;
  licenceType?: string | null;
  expiresAt?: string | null;
  statusAsOf?: string | null;
  reasons: readonly string[];
}): string {
  return [
    `${verdict.verdict}${verdict.licenceType ? ` — ${verdict.licenceType}` : ''}`,
    'offline / 离线核验; holder not proven / 未核实持证人',
    `expires / 有效至: ${verdict.expiresAt ?? '—'}; status as of / 状态截至: ${verdict.statusAsOf ?? 'not known / 未知'}`,
    ...(verdict.reasons.length ? [`reasons / 原因: ${verdict.reasons.join(', ')}`] : []),
  ].join('\n');
}

function wrongUse(sentence: string): number {
  console.error(sentence);
  return EXIT.wrongUse;
}
