/** Signs these bytes with a key its caller knows, for example one of the key store. ECDSA and SM2 values are DER `SEQUENCE {r, s}`. */
export type SignBytes = (toBeSigned: Uint8Array) => Promise<Uint8Array>;
