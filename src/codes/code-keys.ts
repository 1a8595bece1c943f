/**
 * `code-keys.json`: what a verifier needs to judge codes without us. A JWK set (RFC 7517) whose keys also name their suite,
 * what they sign and from when to when; and the licence types behind the one-byte numbers.
 */
import { z } from 'zod';
import { importPublicKey, type PublicKey, UnsupportedKeyError } from '#crypto/suite.ts';
import { Problem } from '#problem.ts';
import type { CodeSuite } from './code-envelope.ts';

export interface CodeLicenceType {
  number: number;
  code: string;
  name: string;
  nameEn: string;
  /** An older status list cannot speak for this licence type any more. */
  maxStatusAgeSeconds: number;
}

export interface VerificationKey {
  kid: string;
  purpose: 'code' | 'status-list' | 'receipt';
  publicKey: PublicKey;
  /** Signatures are good from here … */
  validFrom: Date;
  /** … until here, exclusive. Absent: until told otherwise. */
  validTo?: Date;
  /** Certificates that vouch for the key, DER, its own first (RFC 7517 §4.7). Verifying a code does not need them. */
  certificates?: readonly Uint8Array[];
}

export interface CodeKeySet {
  issuer: string;
  asOf: Date;
  /** The address that is the status list's `sub`. */
  statusListUri?: string;
  codeKeys: ReadonlyMap<string, VerificationKey>;
  statusListKeys: ReadonlyMap<string, VerificationKey>;
  receiptKeys: ReadonlyMap<string, VerificationKey>;
  licenceTypes: ReadonlyMap<number, CodeLicenceType>;
}

/** SubjectPublicKeyInfo of both curves up to the point 04‖x‖y. */
const SPKI_PREFIXES: Record<string, string> = {
  'P-256': '3059301306072a8648ce3d020106082a8648ce3d03010703420004',
  SM2: '3059301306072a8648ce3d020106082a811ccf5501822d03420004',
};
const CURVES: Record<CodeSuite, string> = { es256: 'P-256', 'sm2-sm3': 'SM2' };

const coordinate = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
const fileShape = z.object({
  issuer: z.string().max(200),
  asOf: z.iso.datetime(),
  statusListUri: z.string().max(300).optional(),
  keys: z
    .array(
      z.object({
        kty: z.literal('EC'),
        crv: z.enum(['P-256', 'SM2']),
        x: coordinate,
        y: coordinate,
        kid: z.string().min(1).max(100),
        purpose: z.enum(['code', 'status-list', 'receipt']),
        validFrom: z.iso.datetime(),
        validTo: z.iso.datetime().optional(),
      }),
    )
    .max(1_000),
  licenceTypes: z
    .array(
      z.object({
        number: z.int().min(1).max(255),
        code: z.string().max(40),
        name: z.string().max(100),
        nameEn: z.string().max(100),
        maxStatusAgeSeconds: z.int().min(1),
      }),
    )
    .max(255),
});
export type CodeKeysFile = z.input<typeof fileShape>;

/** One entry of the file. */
export function jwkOf(key: VerificationKey): CodeKeysFile['keys'][number] & { alg: string; suite: CodeSuite; use: 'sig' } {
  const { suite, spki } = key.publicKey;
  if (suite !== 'es256' && suite !== 'sm2-sm3') throw new RangeError('codes, lists and receipts are signed in es256 or sm2-sm3');
  const point = Buffer.from(spki).subarray(-64);
  return {
    kty: 'EC',
    crv: CURVES[suite] as 'P-256' | 'SM2',
    x: point.subarray(0, 32).toString('base64url'),
    y: point.subarray(32).toString('base64url'),
    kid: key.kid,
    use: 'sig',
    alg: suite === 'es256' ? 'ES256' : 'SGD_SM3_SM2',
    suite,
    purpose: key.purpose,
    validFrom: key.validFrom.toISOString(),
    ...(key.validTo ? { validTo: key.validTo.toISOString() } : {}),
    ...(key.certificates ? { x5c: key.certificates.map((der) => Buffer.from(der).toString('base64')) } : {}),
  };
}

/** Reads `code-keys.json`, as text or as parsed JSON. @throws Problem `invalid-input` saying where it is not such a file. */
export function parseCodeKeys(file: unknown): CodeKeySet {
  const parsed = fileShape.safeParse(typeof file === 'string' ? parseJson(file) : file);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw notKeys(`/${(issue?.path ?? []).join('/')}`, issue?.message ?? 'not a key file');
  }
  const keys = parsed.data.keys.map((jwk, index): VerificationKey => {
    try {
      const point = Buffer.concat([Buffer.from(jwk.x, 'base64url'), Buffer.from(jwk.y, 'base64url')]);
      return {
        kid: jwk.kid,
        purpose: jwk.purpose,
        publicKey: importPublicKey(Buffer.concat([Buffer.from(SPKI_PREFIXES[jwk.crv] ?? '', 'hex'), point])),
        validFrom: new Date(jwk.validFrom),
        ...(jwk.validTo ? { validTo: new Date(jwk.validTo) } : {}),
      };
    } catch (error) {
      if (error instanceof UnsupportedKeyError) throw notKeys(`/keys/${index}`, 'not a point of the curve');
      throw error;
    }
  });
  const { issuer, asOf, statusListUri, licenceTypes } = parsed.data;
  return keySetOf({ issuer, asOf: new Date(asOf), ...(statusListUri ? { statusListUri } : {}) }, keys, licenceTypes);
}

export function keySetOf(
  about: Pick<CodeKeySet, 'issuer' | 'asOf' | 'statusListUri'>,
  keys: readonly VerificationKey[],
  licenceTypes: readonly CodeLicenceType[],
): CodeKeySet {
  const ofPurpose = (purpose: VerificationKey['purpose']) =>
    new Map(keys.filter((key) => key.purpose === purpose).map((key) => [key.kid, key]));
  return {
    ...about,
    codeKeys: ofPurpose('code'),
    statusListKeys: ofPurpose('status-list'),
    receiptKeys: ofPurpose('receipt'),
    licenceTypes: new Map(licenceTypes.map((type) => [type.number, type])),
  };
}

/** Whether a signature said to be of this time may be this key's. */
export function isKeyValidAt(key: Pick<VerificationKey, 'validFrom' | 'validTo'>, at: Date): boolean {
  return key.validFrom <= at && (!key.validTo || at < key.validTo);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    throw notKeys('', 'not JSON');
  }
}

function notKeys(pointer: string, detail: string): Problem {
  return new Problem('invalid-input', {
    detail: 'This is not a code key file.',
    detailZh: '这不是有效的验码公钥文件。',
    errors: [{ pointer, detail }],
  });
}
