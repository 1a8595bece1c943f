/** Whether the point of a public key lies on its curve. Points are public: nothing here needs to take the same time for each. */

/** y² = x³ - 3x + b over the integers modulo p; both curves have cofactor 1, so that a point on the curve is a point of the group. */
export interface Curve {
  p: bigint;
  b: bigint;
}

/** FIPS 186-5 / SP 800-186 §3.2.1.3. */
export const P256_CURVE: Curve = {
  p: 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn,
  b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
};

/** GB/T 32918.5. */
export const SM2_CURVE: Curve = {
  p: 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffffn,
  b: 0x28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93n,
};

/** @param point 04 ‖ x ‖ y, 65 octets; any other form is not accepted here (SEC 1 §2.3.4 has compressed ones). */
export function isOnCurve(point: Uint8Array, { p, b }: Curve): boolean {
  if (point.length !== 65 || point[0] !== 4) return false;
  const hex = Buffer.from(point.buffer, point.byteOffset, point.length).toString('hex');
  const x = BigInt(`0x${hex.slice(2, 66)}`);
  const y = BigInt(`0x${hex.slice(66)}`);
  return x < p && y < p && (y * y - (x * x - 3n) * x - b) % p === 0n;
}
