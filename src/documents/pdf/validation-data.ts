/** What must lie in a PDF so that its signatures can be verified years later without asking anybody (EN 319 142-1 §5.4.2). */

export interface ValidationData {
  /** DER. */
  readonly certificates: readonly Uint8Array[];
  readonly crls: readonly Uint8Array[];
  /** Whole OCSPResponses. */
  readonly ocspResponses: readonly Uint8Array[];
}

export interface ChainToProve {
  readonly role: 'signer' | 'timestamp';
  /** DER, the leaf first, then whatever came with it. */
  readonly certificates: readonly Uint8Array[];
  /** The time for which the chain must be provable. */
  readonly at: Date;
}

/**
 * Certificates of the chain and revocation data for each but the anchor. Throws Problem `validation-data-missing`.
 * `known` lies in the document already: what suffices of it is given again, and nobody is asked.
 */
export type CollectValidationData = (chain: ChainToProve, known?: ValidationData) => Promise<ValidationData>;

export const NO_VALIDATION_DATA: ValidationData = { certificates: [], crls: [], ocspResponses: [] };

export function joinValidationData(...parts: readonly ValidationData[]): ValidationData {
  return {
    certificates: parts.flatMap(({ certificates }) => certificates),
    crls: parts.flatMap(({ crls }) => crls),
    ocspResponses: parts.flatMap(({ ocspResponses }) => ocspResponses),
  };
}
