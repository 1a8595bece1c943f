import { trustedCertificates } from '#certificates/find-certificates.ts';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { prepareLog } from '#certificates/log-publish.ts';
import { prepareTrustList } from '#certificates/trust-list-publish.ts';
import { certifyCodeKeys } from '#codes/certify-code-keys.ts';
import { ensureCodeKeys } from '#codes/rotate-code-key.ts';
import { Problem } from '#problem.ts';
import { prepareSealMaker } from '#seals/prepare-seal-maker.ts';

const STEPS = [initialiseAuthorities, prepareSealMaker, ensureCodeKeys, certifyCodeKeys, prepareTrustList, prepareLog] as const;
type DepsOf<Step> = Step extends (deps: infer Deps, ...more: never[]) => unknown ? (deps: Deps) => void : never;
/** What all the steps need together. */
export type TrustDeps = DepsOf<(typeof STEPS)[number]> extends (deps: infer Deps) => void ? Deps : never;

const AGAIN_AFTER_MS = 10_000;
const AWAY: readonly string[] = ['signer-unavailable', 'key-store-unavailable', 'signer-log-unavailable'];

/** Whether nobody is there to sign just now, which passes. */
export function isSignerAway(error: unknown): boolean {
  return error instanceof Problem && AWAY.includes(error.code);
}

/**
 * What must exist before the first request: authorities, the seal maker, keys of codes and lists. Where the signer is away and the
 * authorities exist already, the process starts all the same, serves what was signed before, and does this when the signer is back.
 * Answers how to stop waiting for it. Throws on the very first start, which cannot do without the signer.
 */
export async function prepareTrust(deps: TrustDeps, { onAway }: { onAway: (error: unknown) => void }): Promise<() => void> {
  try {
    for (const step of STEPS) await step(deps);
    return () => undefined;
  } catch (error) {
    if (!isSignerAway(error) || (await trustedCertificates(deps)).roots.length === 0) throw error;
    onAway(error);
  }
  let stopped = false;
  const again = async () => {
    try {
      for (const step of STEPS) await step(deps);
    } catch (error) {
      if (!isSignerAway(error)) onAway(error);
      if (!stopped) wait();
    }
  };
  let timer: NodeJS.Timeout;
  const wait = () => {
    timer = setTimeout(() => void again(), AGAIN_AFTER_MS);
    timer.unref();
  };
  wait();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
