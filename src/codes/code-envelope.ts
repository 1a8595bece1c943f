/**
 * The COSE_Sign1 (RFC 9052 §4.2) around the claims, in the one form we write: untagged, definite lengths, `alg` and `kid`
 * protected, nothing unprotected. Reading accepts this form only; anything else is no code of ours.
 */
import { derFromRawSignature, rawFromDerSignature, type Suite } from '#crypto/suite.ts';
import { encodeCodeClaims, parseCodeClaims } from './code-claims.ts';
import { type CodeContent, MalformedCodeError } from './code-types.ts';

const SIGNATURE_BYTES = 64;
const SIGNATURE_HEAD = Buffer.of(0x58, SIGNATURE_BYTES);
/** `Signature1` as the first element of a Sig_structure (RFC 9052 §4.4). */
const SIG_STRUCTURE_HEAD = Buffer.from('846a5369676e617475726531', 'hex');

export type CodeSuite = Extract<Suite, 'es256' | 'sm2-sm3'>;

/** `alg` as it stands in the protected header: ES256 is −7 (RFC 9053); SM2 with SM3 has no number, so the private −65537. */
const ALGORITHM_BYTES: Record<CodeSuite, Buffer> = {
  es256: Buffer.of(0x26),
  'sm2-sm3': Buffer.from('3a00010000', 'hex'),
};

/** A code as read: not yet trusted. */
export interface ParsedCode extends CodeContent {
  /** Number of the signing key. */
  kid: number;
  suite: CodeSuite;
  /** The Sig_structure. */
  toBeSigned: Uint8Array;
  /** DER, as `verifyMessage` wants it. */
  signature: Uint8Array;
}

/** The protected header: a byte string holding {1: alg, 4: kid}, kid big-endian without leading zeros. Make it once per key. */
export function protectedHeader(suite: CodeSuite, kid: number): Uint8Array {
  if (!Number.isInteger(kid) || kid < 1 || kid > 0xffff) throw new RangeError('a code key has a number from 1 to 65535');
  const kidBytes = kid > 0xff ? Buffer.of(kid >> 8, kid & 0xff) : Buffer.of(kid);
  const map = Buffer.concat([Buffer.of(0xa2, 0x01), ALGORITHM_BYTES[suite], Buffer.of(0x04, 0x40 + kidBytes.length), kidBytes]);
  return Buffer.concat([Buffer.of(0x40 + map.length), map]);
}

/** What the key signs. */
export function codeToBeSigned(header: Uint8Array, content: CodeContent): Uint8Array {
  const claims = encodeCodeClaims(content);
  return sigStructure(header, claims);
}

function sigStructure(header: Uint8Array, claims: Uint8Array): Uint8Array {
  return Buffer.concat([SIG_STRUCTURE_HEAD, header, Buffer.of(0x40, 0x58, claims.length), claims]);
}

/** The whole code from what was signed and the signature (DER). */
export function assembleCode(header: Uint8Array, toBeSigned: Uint8Array, signature: Uint8Array): Uint8Array {
  const claims = toBeSigned.subarray(SIG_STRUCTURE_HEAD.length + header.length + 1);
  return Buffer.concat([Buffer.of(0x84), header, Buffer.of(0xa0), claims, SIGNATURE_HEAD, rawFromDerSignature(signature)]);
}

/** @throws MalformedCodeError for anything but what `assembleCode` writes. */
export function parseCode(bytes: Uint8Array): ParsedCode {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const headerLength = 1 + ((whole[1] ?? 0) & 0x3f);
  const header = whole.subarray(1, 1 + headerLength);
  const { suite, kid } = parseHeader(header);
  const claimsAt = 1 + headerLength + 3;
  const claimsLength = whole[claimsAt - 1] ?? 0;
  const signatureAt = claimsAt + claimsLength + SIGNATURE_HEAD.length;
  const shape =
    whole[0] === 0x84 &&
    whole[claimsAt - 3] === 0xa0 &&
    whole[claimsAt - 2] === 0x58 &&
    whole.length === signatureAt + SIGNATURE_BYTES &&
    whole.subarray(signatureAt - SIGNATURE_HEAD.length, signatureAt).equals(SIGNATURE_HEAD);
  if (!shape) throw new MalformedCodeError('envelope-shape');
  const claims = whole.subarray(claimsAt, claimsAt + claimsLength);
  return {
    ...parseCodeClaims(claims),
    kid,
    suite,
    toBeSigned: sigStructure(header, claims),
    signature: derFromRawSignature(whole.subarray(signatureAt)),
  };
}

function parseHeader(header: Buffer): { suite: CodeSuite; kid: number } {
  for (const suite of ['es256', 'sm2-sm3'] as const) {
    for (const bytes of [1, 2]) {
      if (header.length !== 1 + 4 + ALGORITHM_BYTES[suite].length + bytes) continue;
      const kid = header.readUIntBE(header.length - bytes, bytes);
      if (kid >= 1 && header.equals(protectedHeader(suite, kid))) return { suite, kid };
    }
  }
  throw new MalformedCodeError('header-shape');
}
