import { createHash } from 'node:crypto';
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
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
  let read = '';
  try {
    const text = readFileSync(path, 'utf8');
    current = parsePolicy(text);
    read = sha256(text);
  } catch (cause) {
    throw new Error(`TONGREN_SIGNER_POLICY: ${(cause as Error).message}. / 签名策略文件有误。`, { cause });
  }
  tell({ event: 'policy-taken', policy: read });

  const reload = (): boolean => {
    let hash = '';
    try {
      const text = readFileSync(path, 'utf8');
      hash = sha256(text);
      if (hash === read) return true;
      read = hash;
      current = parsePolicy(text);
      tell({ event: 'policy-taken', policy: hash });
      return true;
    } catch (error) {
      tell({ event: 'policy-refused', policy: hash, reason: (error as Error).message });
      return false;
    }
  };
  const look = () => void reload();
  watchFile(path, { interval: LOOK_EVERY_MS, persistent: false }, look);
  return { current: () => current, reload, close: () => unwatchFile(path, look) };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
