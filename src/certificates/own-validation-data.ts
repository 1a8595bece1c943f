/** Validation data of our own chains, for files that shall prove themselves for years: lists from the store, answers by our own responder. */
import { validationDataFrom } from '#documents/pdf/collect-validation-data.ts';
import type { CollectValidationData } from '#documents/pdf/validation-data.ts';
import { answerOcsp } from './answer-ocsp.ts';
import type { CertificateDeps } from './certificate-deps.ts';
import { currentCrls, trustedCertificates } from './find-certificates.ts';

/** Asks nobody outside. The function it gives throws Problem `validation-data-missing` for chains that are not ours. */
export function ownValidationData(deps: CertificateDeps): CollectValidationData {
  let collect: Promise<CollectValidationData> | undefined;
  return async (chain) => {
    collect ??= prepare(deps);
    return (await collect)(chain);
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
