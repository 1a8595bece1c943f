/**
 * Making a signature in a PDF last (EN 319 142-1 §5.5): a timestamp, and what proves the chains later. What cannot be had is left out
 * and said; the signature itself is good without it.
 */
import { Problem, type ProblemCode } from '#problem.ts';
import { type ExtendPdfInput, type ExtensionLevel, extendPdf } from './extend-pdf.ts';

/** PAdES baseline levels: B-B, B-T, B-LT. */
export type SignatureLevel = 'b' | 't' | 'lt';

export interface ProvenPdf {
  pdf: Uint8Array;
  level: SignatureLevel;
  /** Why it is not B-LT. */
  because?: ProblemCode;
}

/** The highest level there is to be had now: B-LT, else B-T, else the file as it is. Throws only what is no Problem. */
export async function proveSignedPdf(pdf: Uint8Array, input: Omit<ExtendPdfInput, 'level'>): Promise<ProvenPdf> {
  let because: ProblemCode | undefined;
  for (const level of ['lt', 't'] as const satisfies readonly ExtensionLevel[]) {
    try {
      const { pdf: extended } = await extendPdf(pdf, { ...input, level });
      return { pdf: extended, level, ...(because ? { because } : {}) };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      because ??= error.code;
    }
  }
  return { pdf, level: 'b', ...(because ? { because } : {}) };
}
