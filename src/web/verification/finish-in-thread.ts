/** In the thread: a holder's signature goes into the PDF, with a timestamp and what proves it later as far as they are to be had. */
import { validationDataFrom } from '#documents/pdf/collect-validation-data.ts';
import { type ProvenPdf, proveSignedPdf } from '#documents/pdf/prove-signed-pdf.ts';
import { finishHeldSignature } from '#documents/pdf/sign-with-held-key.ts';
import type { Asking } from './ask-server.ts';
import { parsedTrust } from './parsed-trust.ts';
import type { FinishSignatureTask } from './worker-messages.ts';

/** Throws as `finishHeldSignature`. */
export async function finishInThread({ bytes, signing, signature, at, trust }: FinishSignatureTask, asking: Asking): Promise<ProvenPdf> {
  const signed = await finishHeldSignature(bytes, signing, signature);
  const { suite } = signing;
  // The installation's own services prove its own chains, and no others.
  const { anchors, intermediates, crls } = parsedTrust({ ...trust, listed: [] });
  return proveSignedPdf(signed, {
    digest: suite === 'sm2-sm3' ? 'sm3' : 'sha256',
    timestamp: (imprint) => asking.ask({ about: 'timestamp', imprint, suite }),
    validationData: validationDataFrom({
      ...{ anchors, intermediates, crls },
      now: () => at,
      askOcsp: (_url, request) => asking.ask({ about: 'ocsp', request }),
    }),
    trust: { anchors, intermediates, crls, at },
  });
}
