/**
 * Making a signature in a PDF last (EN 319 142-1 §5.5) with nothing but our own services: a timestamp of our authority, and what proves
 * the chains later. What cannot be had is left out and said; the signature itself is good without it.
 */
import type { DigestName } from '#crypto/suite.ts';
import { type ExtensionLevel, extendPdf } from '#documents/pdf/extend-pdf.ts';
import { Problem, type ProblemCode } from '#problem.ts';
import type { AuthoritySuite } from './certificate-deps.ts';
import { currentCrls, trustedCertificates } from './find-certificates.ts';
import { requestTimestamp, type TimestampDeps } from './issue-timestamp.ts';
import { ownValidationData } from './own-validation-data.ts';

/** PAdES baseline levels: B-B, B-T, B-LT. */
export type SignatureLevel = 'b' | 't' | 'lt';

export interface ProvenPdf {
  pdf: Uint8Array;
  level: SignatureLevel;
  /** Why it is not B-LT. */
  because?: ProblemCode;
}

/** The highest level there is to be had now: B-LT, else B-T, else the file as it is. Throws only what is no Problem. */
export async function proveSignedPdf(deps: TimestampDeps, pdf: Uint8Array, suite: AuthoritySuite): Promise<ProvenPdf> {
  const [{ roots, issuing }, crls] = await Promise.all([trustedCertificates(deps), currentCrls(deps)]);
  const digest: DigestName = suite === 'sm2-sm3' ? 'sm3' : 'sha256';
  let because: ProblemCode | undefined;
  for (const level of ['lt', 't'] as const satisfies readonly ExtensionLevel[]) {
    try {
      const { pdf: extended } = await extendPdf(pdf, {
        ...{ level, digest },
        timestamp: (imprint, name) => requestTimestamp(deps, { imprint, digest: name, suite }),
        validationData: ownValidationData(deps),
        trust: { anchors: roots, intermediates: issuing, crls, at: deps.clock.now() },
      });
      return { pdf: extended, level, ...(because ? { because } : {}) };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      because ??= error.code;
    }
  }
  return { pdf, level: 'b', ...(because ? { because } : {}) };
}
