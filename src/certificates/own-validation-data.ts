/** Validation data of our own chains, for files that shall prove themselves for years: lists from the store, answers by our own responder. */
import { validationDataFrom } from '#documents/pdf/collect-validation-data.ts';
import type { CollectValidationData } from '#documents/pdf/validation-data.ts';
import { answerOcsp } from './answer-ocsp.ts';
import type { CertificateDeps } from './certificate-deps.ts';
import { currentCrls, trustedCertificates } from './find-certificates.ts';

/** A list may be this old in our hands; a new one is published at most every few minutes. */
const KEEP_MS = 60_000;

/** Asks nobody outside. The function it gives may be kept, and throws Problem `validation-data-missing` for chains that are not ours. */
export function ownValidationData(deps: CertificateDeps): CollectValidationData {
  let prepared: { at: number; collect: Promise<CollectValidationData> } | undefined;
  return async (chain, known) => {
    const now = deps.clock.now().getTime();
    if (!prepared || Math.abs(now - prepared.at) > KEEP_MS) {
      const collect = prepare(deps);
      prepared = { at: now, collect };
      // A store that did not answer once is asked again at once.
      collect.catch(() => {
        prepared = undefined;
      });
    }
    return (await prepared.collect)(chain, known);
  };
}

async function prepare(deps: CertificateDeps): Promise<CollectValidationData> {
  const [{ roots, issuing }, crls] = await Promise.all([trustedCertificates(deps), currentCrls(deps)]);
  return validationDataFrom({
    anchors: roots,
    intermediates: issuing,
    crls,
    now: () => deps.clock.now(),
    askOcsp: async (_url, request) => (await answerOcsp(deps, request)).der,
  });
}
