/** COSE_Sign1 (RFC 9052 §4.2) with the algorithm and the key id in the protected header: what a code is made of. */
import { CborError, type CborKey, type CborMap, CborTag, type CborValue, decodeCbor, encodeCbor } from './cbor.ts';
import { derFromRawSignature, type PublicKey, rawFromDerSignature, type Suite, verifyMessage } from './suite.ts';

/** COSE tag of COSE_Sign1, and the tag of a CWT around it (RFC 8392 §6). */
const SIGN1_TAG = 18;
const CWT_TAG = 61;

const HEADER_ALGORITHM = 1;
const HEADER_CRITICAL = 2;
const HEADER_KEY_ID = 4;

/** COSE algorithm numbers. SM2 has none at IANA; this one is of the private range (below −65536). */
export const COSE_ALGORITHMS: Partial<Record<Suite, number>> = { es256: -7, ed25519: -8, 'sm2-sm3': -65_537 };

/** Protected headers we act on; `crit` may only name these. */
const KNOWN_HEADERS: readonly CborKey[] = [HEADER_ALGORITHM, HEADER_CRITICAL, HEADER_KEY_ID];

export interface Sign1 {
  /** From the protected header only: an unprotected algorithm is nobody's word. */
  algorithm?: CborKey;
  /** The suite the algorithm means, if it is one of ours. */
  suite?: Suite;
  /** From the protected header, else from the unprotected one. */
  kid?: Uint8Array;
  protectedBytes: Uint8Array;
  protectedHeaders: CborMap;
  unprotectedHeaders: CborMap;
  payload: Uint8Array;
  /** As it stands: raw r‖s for ECDSA and SM2. */
  signature: Uint8Array;
  /** True when `crit` names a header we do not understand: such a message must be refused. */
  unknownCritical: boolean;
}

/** Sig_structure (RFC 9052 §4.4): the bytes to be signed. An empty protected header counts as the empty string. */
export function encodeSigStructure(
  protectedBytes: Uint8Array,
  payload: Uint8Array,
  externalData: Uint8Array = new Uint8Array(),
): Uint8Array {
  const header = protectedBytes.length === 1 && protectedBytes[0] === 0xa0 ? new Uint8Array() : protectedBytes;
  return encodeCbor(['Signature1', header, externalData, payload]);
}

export interface SigStructure {
  protectedHeaders: CborMap;
  externalData: Uint8Array;
  payload: Uint8Array;
}

/** Reads a Sig_structure of COSE_Sign1 back; the signer does this before it signs. Throws CborError. */
export function parseSigStructure(bytes: Uint8Array): SigStructure {
  const value = decodeCbor(bytes);
  if (!Array.isArray(value) || value.length !== 4 || value[0] !== 'Signature1') throw new CborError('not a Sig_structure of COSE_Sign1');
  const [, header, externalData, payload] = value as CborValue[];
  if (!(header instanceof Uint8Array && externalData instanceof Uint8Array && payload instanceof Uint8Array)) {
    throw new CborError('Sig_structure with other parts');
  }
  return { protectedHeaders: headerMap(header), externalData, payload };
}

export interface Sign1Input {
  suite: Suite;
  kid: Uint8Array;
  payload: Uint8Array;
  /** Gets the Sig_structure, returns the signature as the key store makes it (DER for ECDSA and SM2). */
  sign: (toBeSigned: Uint8Array) => Promise<Uint8Array>;
  /** Leave out tag 18 where the context says what it is. Default: tagged. */
  untagged?: boolean;
}

/** Builds and signs. Throws CborError for a suite without a COSE algorithm. */
export async function encodeSign1(input: Sign1Input): Promise<Uint8Array> {
  const algorithm = COSE_ALGORITHMS[input.suite];
  if (algorithm === undefined) throw new CborError('this suite has no COSE algorithm');
  const header = encodeCbor(
    new Map<CborKey, CborValue>([
      [HEADER_ALGORITHM, algorithm],
      [HEADER_KEY_ID, input.kid],
    ]),
  );
  const signed = await input.sign(encodeSigStructure(header, input.payload));
  const signature = input.suite === 'ed25519' ? signed : rawFromDerSignature(signed);
  const message = [header, new Map(), input.payload, signature];
  return encodeCbor(input.untagged ? message : new CborTag(SIGN1_TAG, message));
}

/** Reads COSE_Sign1, tagged (18, also inside the CWT tag 61) or bare. Throws CborError for anything else. */
export function parseSign1(bytes: Uint8Array): Sign1 {
  let value = decodeCbor(bytes);
  if (value instanceof CborTag && value.tag === CWT_TAG) value = value.value;
  if (value instanceof CborTag) {
    if (value.tag !== SIGN1_TAG) throw new CborError('another kind of COSE message');
    value = value.value;
  }
  if (!Array.isArray(value) || value.length !== 4) throw new CborError('not COSE_Sign1');
  const [protectedBytes, unprotectedHeaders, payload, signature] = value as CborValue[];
  if (!(protectedBytes instanceof Uint8Array && unprotectedHeaders instanceof Map)) throw new CborError('COSE_Sign1 with other headers');
  if (!(payload instanceof Uint8Array && signature instanceof Uint8Array)) throw new CborError('COSE_Sign1 with other parts');
  const protectedHeaders = headerMap(protectedBytes);
  for (const label of protectedHeaders.keys()) {
    if (unprotectedHeaders.has(label)) throw new CborError('a header stands protected and unprotected');
  }
  const algorithm = protectedHeaders.get(HEADER_ALGORITHM);
  const kid = protectedHeaders.get(HEADER_KEY_ID) ?? unprotectedHeaders.get(HEADER_KEY_ID);
  const suite = suiteOfAlgorithm(algorithm);
  return {
    ...(typeof algorithm === 'number' || typeof algorithm === 'string' ? { algorithm } : {}),
    ...(suite ? { suite } : {}),
    ...(kid instanceof Uint8Array ? { kid } : {}),
    protectedBytes,
    protectedHeaders,
    unprotectedHeaders,
    payload,
    signature,
    unknownCritical: hasUnknownCritical(protectedHeaders) || unprotectedHeaders.has(HEADER_CRITICAL),
  };
}

/** Whether this key made the signature, in the algorithm the protected header names. Never throws. */
export function verifySign1(message: Sign1, key: PublicKey, externalData?: Uint8Array): boolean {
  if (message.unknownCritical || message.suite !== key.suite) return false;
  if (message.signature.length !== 64) return false;
  const signature = key.suite === 'ed25519' ? message.signature : derFromRawSignature(message.signature);
  return verifyMessage(key, encodeSigStructure(message.protectedBytes, message.payload, externalData), signature);
}

/** The suite a COSE algorithm number means. */
export function suiteOfAlgorithm(algorithm: CborValue | undefined): Suite | undefined {
  return (Object.keys(COSE_ALGORITHMS) as Suite[]).find((suite) => COSE_ALGORITHMS[suite] === algorithm);
}

function headerMap(bytes: Uint8Array): CborMap {
  if (bytes.length === 0) return new Map();
  const map = decodeCbor(bytes);
  if (!(map instanceof Map)) throw new CborError('protected header is not a map');
  return map as CborMap;
}

function hasUnknownCritical(headers: CborMap): boolean {
  const critical = headers.get(HEADER_CRITICAL);
  if (critical === undefined) return false;
  return !Array.isArray(critical) || critical.length === 0 || critical.some((label) => !KNOWN_HEADERS.includes(label as CborKey));
}
