import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digest } from '#crypto/suite.ts';
import { toPem } from '#pki/pem.ts';
import type { Clock } from '#ports/clock.ts';
import type { KeyStore } from '#ports/key-store.ts';
import { ensureLogKey, LOG_KEY, signLogHead } from './log-head.ts';
import type { SignerLog } from './signer-log.ts';

export const HEAD_FILE = 'head.jws';
export const HEAD_KEY_FILE = 'head-key.pem';
const DEFAULT_EVERY_MS = 60_000;

export interface LogHeads {
  /** The head as of now, signed. */
  newest(): Promise<{ head: string; spki: string }>;
  close(): Promise<void>;
}

/**
 * Signs the head of the log every minute in which something was written, and once at the end: into the log's folder, and to whoever
 * asks. Only copies kept elsewhere (`tell`, the callers) prove anything against someone who can write to this machine.
 */
export async function keepLogHeads(
  { keys, log, clock }: { keys: KeyStore; log: SignerLog; clock: Clock },
  { folder, everyMs = DEFAULT_EVERY_MS, tell = () => {} }: { folder: string; everyMs?: number; tell?: (head: string) => void },
): Promise<LogHeads> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const before = await keys.find(LOG_KEY);
  const key = before ?? (await ensureLogKey(keys));
  if (!before) {
    const publicKey = Buffer.from(digest('sha256', key.spki)).toString('hex');
    await log.append({ at: clock.now().toISOString(), event: 'key-created', key: LOG_KEY, publicKey });
  }
  replaceFile(join(folder, HEAD_KEY_FILE), toPem('PUBLIC KEY', key.spki));
  let signedAt = 0;
  let last = '';
  const sign = async (): Promise<string> => {
    const position = log.position();
    // However often somebody asks: one signature for each length of the log.
    if (position.n === signedAt) return last;
    const head = await signLogHead(keys, position, clock.now());
    signedAt = position.n;
    last = head;
    replaceFile(join(folder, HEAD_FILE), `${head}\n`);
    return head;
  };
  const signIfGrown = async (): Promise<void> => {
    if (log.position().n > signedAt) tell(await sign());
  };
  // A token that is away is asked again a minute later; the log itself goes on.
  const timer = setInterval(() => void signIfGrown().catch(() => undefined), everyMs);
  timer.unref();
  await signIfGrown();
  return {
    newest: async () => ({ head: await sign(), spki: Buffer.from(key.spki).toString('base64') }),
    async close() {
      clearInterval(timer);
      await signIfGrown().catch(() => undefined);
    },
  };
}

function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
