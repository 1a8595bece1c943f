import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { DEFAULT_POLICY, parsePolicy, type SignerPolicy } from './caller-policy.ts';

const LOOK_EVERY_MS = 2_000;

/** What became of a policy file: taken, or refused with the reason while the one before stays in force. */
export type PolicyNews = { event: 'policy-taken'; policy: string } | { event: 'policy-refused'; policy: string; reason: string };

export interface PolicyFile {
  current(): SignerPolicy;
  /** Reads the file again now; false when it was refused and the former policy stays. */
  reload(): boolean;
  close(): void;
}

/**
 * The policy in a file, looked at again whenever it changes and on `reload`. A faulty file stops the start; later it keeps the policy
 * that was in force. Without a path: the built-in policy.
 * @param options.tell hears what became of each version; `policy` is the SHA-256 of the file.
 */
export function openPolicyFile(path: string | undefined, { tell = () => {} }: { tell?: (news: PolicyNews) => void } = {}): PolicyFile {
  if (path === undefined) return { current: () => DEFAULT_POLICY, reload: () => true, close: () => undefined };
  let current: SignerPolicy;
  /** SHA-256 of the version looked at last; empty when the file could not be read. */
  let seen = '';
  let isInForce = true;
  try {
    const text = readFileSync(path, 'utf8');
    current = parsePolicy(text);
    seen = sha256(text);
  } catch (cause) {
    throw new Error(`TONGREN_SIGNER_POLICY: ${(cause as Error).message}. / 签名策略文件有误。`, { cause });
  }
  tell({ event: 'policy-taken', policy: seen });

  const reload = (): boolean => {
    let text: string | undefined;
    let reason = '';
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      reason = (error as Error).message;
    }
    const policy = text === undefined ? '' : sha256(text);
    // Each version is told of once.
    if (policy === seen) return isInForce;
    seen = policy;
    try {
      if (text === undefined) throw new Error(reason);
      current = parsePolicy(text);
      isInForce = true;
      tell({ event: 'policy-taken', policy });
    } catch (error) {
      isInForce = false;
      tell({ event: 'policy-refused', policy, reason: (error as Error).message });
    }
    return isInForce;
  };
  // Its contents, not its times: what changes while a watcher is being set up would never be noticed.
  const looking = setInterval(reload, LOOK_EVERY_MS).unref();
  return { current: () => current, reload, close: () => clearInterval(looking) };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
