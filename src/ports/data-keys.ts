/** Wraps and unwraps the keys with which fields and stored files are encrypted. The wrapping key never leaves the adapter. */
export interface DataKeys {
  wrap(plainKey: Uint8Array): Promise<Uint8Array>;
  /** Throws when the wrapped key was made by another wrapping key or was changed. */
  unwrap(wrappedKey: Uint8Array): Promise<Uint8Array>;
}
