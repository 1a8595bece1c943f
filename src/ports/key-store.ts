import type { Suite } from '#crypto/suite.ts';

/**
 * What a key may be used for, and so what the signer must be able to parse before it signs:
 * a certificate or a CRL (TBS), a seal (SES_SealInfo), a sealing (TBS_Sign), CMS signed attributes, a CWT of short life,
 * a status list, a receipt, an audit checkpoint, an OCSP ResponseData, the signed attributes of a time-stamp token,
 * the head of the signer's own log, a head of the issuance log (TreeHeadSignature), the trust list. Tokens store the place in this list: append only.
 */
export const KEY_PURPOSES = [
  'certificate',
  'crl',
  'seal-info',
  'seal-signature',
  'cms-attributes',
  'code',
  'status-list',
  'receipt',
  'audit-checkpoint',
  'ocsp-response',
  'timestamp',
  'signer-log',
  'tree-head',
  'trust-list',
] as const;
export type KeyPurpose = (typeof KEY_PURPOSES)[number];

export interface StoredKey {
  name: string;
  suite: Suite;
  purposes: readonly KeyPurpose[];
  /** DER SubjectPublicKeyInfo. */
  spki: Uint8Array;
  /** Its private half is gone; this one is kept for whoever verifies. */
  retired?: true;
}

/** Private keys stay behind this port: name a key and a purpose, send the structure, get a signature. Nothing returns key material. */
export interface KeyStore {
  /** Suites this store can make and use. */
  readonly suites: readonly Suite[];
  /** Makes a key; throws Problem `key-exists` when the name is taken, `suite-not-offered` when the store lacks the suite. */
  create(name: string, suite: Suite, purposes: readonly KeyPurpose[]): Promise<StoredKey>;
  find(name: string): Promise<StoredKey | undefined>;
  /**
   * Signs `structure` (the bytes to be signed, whole; never a digest) in the key's suite; ECDSA and SM2 as DER {r, s}.
   * @param evidence what the structure names by digest only, where the rule of the purpose wants to see it: for `timestamp`
   * the TSTInfo. It is not signed itself.
   * Throws Problem `key-not-found`, `key-retired`, or `signing-refused` when the key's purposes or the policy do not allow it.
   */
  sign(name: string, purpose: KeyPurpose, structure: Uint8Array, evidence?: Uint8Array): Promise<Uint8Array>;
  /**
   * Destroys the private half; the public half stays to be found, and the name is never given again. Another process that has the key
   * in memory stops signing with it within a second. Idempotent. Throws Problem `key-not-found`.
   * @param successor the key that took over. A guarded store demands that it is there, of the same suite and purposes and in use
   * (`signing-refused`), so that nobody is left without a key. Without one the key ends for good: a guarded store allows that for the
   * keys of seals alone, to callers and as often a day as its policy says (`signing-refused`, `signing-too-fast`).
   */
  retire(name: string, successor?: string): Promise<void>;
}
