/** CBOR Web Token claims (RFC 8392 §3). Times are whole seconds since 1970. */
import { CborError, type CborKey, type CborValue, decodeCbor, encodeCbor } from './cbor.ts';

export const CLAIM = { issuer: 1, subject: 2, audience: 3, expiresAt: 4, notBefore: 5, issuedAt: 6, id: 7 } as const;

export interface CwtClaims {
  issuer?: string;
  subject?: string;
  audience?: string;
  /** Seconds since 1970. */
  expiresAt?: number;
  notBefore?: number;
  issuedAt?: number;
  /** `cti`. */
  id?: Uint8Array;
  /** All other claims by label. */
  others: ReadonlyMap<CborKey, CborValue>;
}

const TEXT_CLAIMS = ['issuer', 'subject', 'audience'] as const;
const TIME_CLAIMS = ['expiresAt', 'notBefore', 'issuedAt'] as const;
/** 9999-12-31: later times are a mistake or an attack on date arithmetic. */
const MAX_TIME = 253_402_300_799;

/** Writes the claims map. Throws CborError when `others` uses a registered label. */
export function encodeClaims(claims: CwtClaims): Uint8Array {
  const map = new Map<CborKey, CborValue>();
  for (const name of [...TEXT_CLAIMS, ...TIME_CLAIMS, 'id'] as const) {
    const value = claims[name];
    if (value !== undefined) map.set(CLAIM[name], value);
  }
  for (const [label, value] of claims.others) {
    if (Object.values(CLAIM).includes(label as never)) throw new CborError(`claim ${label} has its own field`);
    map.set(label, value);
  }
  return encodeCbor(map);
}

/** Reads a claims map and checks the types of the registered claims. Throws CborError. */
export function parseClaims(payload: Uint8Array): CwtClaims {
  const map = decodeCbor(payload);
  if (!(map instanceof Map)) throw new CborError('claims are not a map');
  const others = new Map(map as ReadonlyMap<CborKey, CborValue>);
  const claims: CwtClaims = { others };
  const take = (label: number): CborValue | undefined => {
    const value = others.get(label);
    others.delete(label);
    return value;
  };
  for (const name of TEXT_CLAIMS) {
    const value = take(CLAIM[name]);
    if (value === undefined) continue;
    if (typeof value !== 'string') throw new CborError(`${name} is not text`);
    claims[name] = value;
  }
  for (const name of TIME_CLAIMS) {
    const value = take(CLAIM[name]);
    if (value === undefined) continue;
    if (typeof value !== 'number' || value < 0 || value > MAX_TIME) throw new CborError(`${name} is not a time`);
    claims[name] = value;
  }
  const id = take(CLAIM.id);
  if (id !== undefined && !(id instanceof Uint8Array)) throw new CborError('id is not a byte string');
  if (id instanceof Uint8Array) claims.id = id;
  return claims;
}
