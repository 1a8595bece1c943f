/** Serial numbers: 16 random octets, positive (RFC 5280 §4.1.2.2 and the 64 random bits that every CA programme asks for). */

const SERIAL_OCTETS = 16;

export interface Serial {
  bytes: Uint8Array;
  /** As `Certificate.serialHex` writes it. */
  hex: string;
}

/** @param random gives that many random octets. */
export function newSerial(random: (length: number) => Uint8Array): Serial {
  const bytes = Uint8Array.from(random(SERIAL_OCTETS));
  // The top bit clear keeps it positive, the next one set keeps the length: 126 bits stay random.
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return { bytes, hex: Buffer.from(bytes).toString('hex') };
}
