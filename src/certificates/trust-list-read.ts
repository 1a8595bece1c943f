/**
 * Reads a trust list from outside, ours or another installation's, as any program should: form, signatures, the chain of the key
 * to a root that the reader trusts, dates. Never throws for what is in it.
 */

import { z } from 'zod';
import { derFromRawSignature, importPublicKey, UnsupportedKeyError, verifyMessage } from '#crypto/suite.ts';
import { type Certificate, parseCertificate } from '#pki/certificate.ts';
import { profileOf } from '#pki/profiles.ts';
import { validatePath } from '#pki/validate-path.ts';
import { signedListShape, TRUST_LIST_TYPE, type TrustList, trustListShape } from './trust-list-format.ts';

export type TrustListFault =
  | 'malformed'
  /** A signature is not right, or an entry's fingerprint is not that of its certificate. */
  | 'forged'
  /** No signature is by a key that is certified for records under a root of the reader's. */
  | 'unknown-key'
  /** `nextUpdate` has passed. */
  | 'out-of-date'
  | 'not-yet-issued';

export interface TrustListVerdict {
  faults: TrustListFault[];
  /** Set whenever it could be read, whatever else is wrong. */
  list?: TrustList;
  /** Suites whose signature was right and proven. */
  proven: string[];
}

const headerShape = z.strictObject({ alg: z.enum(['ES256', 'SGD_SM3_SM2']), kid: z.string().max(100), typ: z.literal(TRUST_LIST_TYPE) });
const SUITES = { ES256: 'es256', SGD_SM3_SM2: 'sm2-sm3' } as const;

export function readTrustList(document: unknown, { anchors, at }: { anchors: readonly Certificate[]; at: Date }): TrustListVerdict {
  const signed = signedListShape.safeParse(document);
  const parsed = trustListShape.safeParse(signed.success ? decode(signed.data.payload) : undefined);
  if (!signed.success || !parsed.success) return { faults: ['malformed'], proven: [] };
  const list = parsed.data;
  const faults: TrustListFault[] = [];
  const judged = signed.data.signatures.map((signature) => judgeSignature(signed.data.payload, signature, anchors, at));
  if (judged.includes('forged') || list.entries.some((entry) => !isOwnFingerprint(entry))) faults.push('forged');
  const proven = judged.filter((one) => one !== 'forged' && one !== 'unknown-key');
  if (proven.length === 0 && !judged.includes('forged')) faults.push('unknown-key');
  if (at > new Date(list.nextUpdate)) faults.push('out-of-date');
  if (at < new Date(list.issuedAt)) faults.push('not-yet-issued');
  return { faults, list, proven };
}

function judgeSignature(
  payload: string,
  { protected: head, header, signature }: z.infer<typeof signedListShape>['signatures'][number],
  anchors: readonly Certificate[],
  at: Date,
): 'forged' | 'unknown-key' | 'es256' | 'sm2-sm3' {
  const read = headerShape.safeParse(decode(head));
  if (!read.success) return 'forged';
  const suite = SUITES[read.data.alg];
  const raw = Buffer.from(signature, 'base64url');
  try {
    const [leaf, ...intermediates] = header.x5c.map((text) => parseCertificate(Buffer.from(text, 'base64')));
    if (!leaf) return 'unknown-key';
    const key = importPublicKey(leaf.spki);
    const isRight =
      key.suite === suite && raw.length === 64 && verifyMessage(key, Buffer.from(`${head}.${payload}`, 'latin1'), derFromRawSignature(raw));
    if (!isRight) return 'forged';
    const isOurs = profileOf(leaf) === 'service-signer' && validatePath({ leaf, intermediates, anchors, at }).valid;
    return isOurs ? suite : 'unknown-key';
  } catch (error) {
    if (error instanceof UnsupportedKeyError) return 'unknown-key';
    return 'forged';
  }
}

function isOwnFingerprint({ certificates, fingerprint }: TrustList['entries'][number]): boolean {
  try {
    return parseCertificate(Buffer.from(certificates[0] ?? '', 'base64')).fingerprint === fingerprint;
  } catch {
    return false;
  }
}

function decode(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
