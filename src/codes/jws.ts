/**
 * Compact JWS (RFC 7515) signed through the key store: status lists and receipts. SM2 has no registered name in JOSE;
 * we use GM/T 0006's `SGD_SM3_SM2`, which readers of ES256 alone refuse as unknown, as they should.
 */
import { derFromRawSignature, type PublicKey, rawFromDerSignature, type Suite, verifyMessage } from '#crypto/suite.ts';
import type { KeyPurpose, KeyStore } from '#ports/key-store.ts';

const ALGORITHMS: Partial<Record<Suite, string>> = { es256: 'ES256', 'sm2-sm3': 'SGD_SM3_SM2' };

export interface JwsKey {
  name: string;
  suite: Suite;
  purpose: KeyPurpose;
}

export async function signJws(keys: KeyStore, key: JwsKey, type: string, payload: object): Promise<string> {
  const alg = ALGORITHMS[key.suite];
  if (!alg) throw new RangeError(`no JWS of ours is signed in ${key.suite}`);
  const input = `${encodeJson({ alg, kid: key.name, typ: type })}.${encodeJson(payload)}`;
  const signature = await keys.sign(key.name, key.purpose, Buffer.from(input, 'latin1'));
  return `${input}.${Buffer.from(rawFromDerSignature(signature)).toString('base64url')}`;
}

export interface VerifiedJws {
  kid: string;
  payload: Record<string, unknown>;
}

/**
 * The payload, if the token has this type and the signature of the key that `findKey` gives for its kid; otherwise why not.
 * Never throws.
 */
export function verifyJws(
  token: string,
  type: string,
  findKey: (kid: string) => PublicKey | undefined,
  maxCharacters = 32 * 1024 * 1024,
): VerifiedJws | 'malformed' | 'unknown-key' | 'forged' {
  if (token.length > maxCharacters) return 'malformed';
  const [head, body, signature, ...rest] = token.split('.');
  if (head === undefined || body === undefined || signature === undefined || rest.length > 0) return 'malformed';
  const header = decodeJson(head);
  if (!header || header['typ'] !== type || typeof header['kid'] !== 'string' || 'crit' in header) return 'malformed';
  const key = findKey(header['kid']);
  if (!key) return 'unknown-key';
  if (header['alg'] !== ALGORITHMS[key.suite]) return 'forged';
  const raw = Buffer.from(signature, 'base64url');
  if (raw.length !== 64 || raw.toString('base64url') !== signature) return 'malformed';
  if (!verifyMessage(key, Buffer.from(`${head}.${body}`, 'latin1'), derFromRawSignature(raw))) return 'forged';
  const payload = decodeJson(body);
  return payload ? { kid: header['kid'], payload } : 'malformed';
}

function encodeJson(value: object): string {
  return Buffer.from(JSON.stringify(value), 'utf8').toString('base64url');
}

function decodeJson(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
