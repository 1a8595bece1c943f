/**
 * Words and sizes of our codes (身份码 / 亮证码). A code is signed, short-lived, used once, carries no number of anybody,
 * and no name unless its holder chose the type that does.
 */

/** How long a code may be shown. Payment and insurance codes in the country live as long. */
export const CODE_LIFE_SECONDS = 60;
/** No key of ours signs a longer life, so a reader refuses one. */
export const MAX_CODE_LIFE_SECONDS = 180;
/** A verifier's clock may be this much behind ours. Forgiven before issue, never after expiry. */
export const CODE_SKEW_SECONDS = 30;
export const CODE_ID_BYTES = 16;
export const MAX_TYPE_SPECIFIC_BYTES = 16;

export const CODE_TYPES = ['licence', 'named-licence'] as const;
/** `named-licence` carries the masked name too, for offline use: the holder's own choice. */
export type CodeType = (typeof CODE_TYPES)[number];

export const CODE_VERDICTS = [
  'valid',
  'used',
  'expired',
  'not-yet-valid',
  'licence-not-in-force',
  'unknown-key',
  'forged',
  'malformed',
] as const;
/** What a scan proved. A page shows green for `valid` only. */
export type CodeVerdictWord = (typeof CODE_VERDICTS)[number];

/** What is inside a code, before and after signing. */
export interface CodeContent {
  codeType: CodeType;
  /** 16 random bytes. */
  codeId: Uint8Array;
  /** Whole seconds since 1970. */
  issuedAtSeconds: number;
  expiresAtSeconds: number;
  /** 1…255, from the licence type's template. */
  licenceTypeNumber: number;
  /** Place in the status list. */
  statusIndex: number;
  /** Only with `named-licence`. */
  maskedName?: string;
}

/** Thrown by the parsers of this room; callers turn it into the verdict `malformed`. */
export class MalformedCodeError extends Error {
  override name = 'MalformedCodeError';
  readonly reason: string;
  constructor(reason: string) {
    super(reason);
    this.reason = reason;
  }
}
