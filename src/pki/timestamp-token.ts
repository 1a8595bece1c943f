/** TSTInfo and the reply around a token (RFC 3161 §2.4.2). */
import { DerError, parseDer, TAG } from '#crypto/der.ts';
import { bitString, compactTime, explicit, integer, oid, sequence, tlv, utf8String } from '#crypto/encode-der.ts';
import { digestOfOid } from '#crypto/verify-signature.ts';
import { POLICY_ARC } from './profiles.ts';
import { TIMESTAMP_FAILURES, type TimestampRefusal } from './timestamp-query.ts';

/** The one policy under which this authority stamps: accuracy of a second, any imprint of SHA-2 or SM3, no ordering promised. */
export const TIMESTAMP_POLICY = `${POLICY_ARC}.9.1`;
export const ACCURACY_SECONDS = 1;
const LIMITS = { maxElements: 200, maxDepth: 12 };

export interface TimestampInfo {
  imprintDer: Uint8Array;
  /** Big-endian, at most 20 octets, never used twice. */
  serial: Uint8Array;
  at: Date;
  nonceDer?: Uint8Array;
  /** DER Name of the authority's certificate. */
  tsaName: Uint8Array;
}

/** TSTInfo. Ordering is left out: DER does not write its default, false. */
export function encodeTstInfo({ imprintDer, serial, at, nonceDer, tsaName }: TimestampInfo): Uint8Array {
  return sequence(
    integer(1),
    oid(TIMESTAMP_POLICY),
    imprintDer,
    integer(serial),
    tlv(TAG.generalizedTime, Buffer.from(preciseTime(at), 'latin1')),
    sequence(integer(ACCURACY_SECONDS)),
    ...(nonceDer ? [nonceDer] : []),
    explicit(0, explicit(4, tsaName)),
  );
}

/** Milliseconds where there are any, without trailing zeros (§2.4.2): whole seconds alone would use up the accuracy. */
function preciseTime(at: Date): string {
  const whole = compactTime(at).slice(0, -1);
  const milliseconds = at.getUTCMilliseconds();
  return milliseconds === 0 ? `${whole}Z` : `${whole}.${String(milliseconds).padStart(3, '0').replace(/0+$/, '')}Z`;
}

export interface ReadTstInfo {
  policy: string;
  digestOid: string;
  imprint: Uint8Array;
  serialContent: Uint8Array;
  at: Date;
}

/** Reads the parts of a TSTInfo that a signer judges. Throws DerError. */
export function parseTstInfo(der: Uint8Array): ReadTstInfo {
  const info = parseDer(der, LIMITS).expect(TAG.sequence);
  if (info.at(0).asNumber() !== 1) throw new DerError('TSTInfo of another version');
  const imprint = info.at(2, TAG.sequence);
  const digestOid = imprint.at(0, TAG.sequence).at(0).asOid();
  if (!digestOfOid(digestOid)) throw new DerError('imprint of an unknown digest');
  return {
    policy: info.at(1).asOid(),
    digestOid,
    imprint: imprint.at(1).asOctets(),
    serialContent: info.at(3, TAG.integer).content,
    at: info.at(4, TAG.generalizedTime).asTime(),
  };
}

/** TimeStampResp `granted`. */
export function encodeTimestampReply(token: Uint8Array): Uint8Array {
  return sequence(sequence(integer(0)), token);
}

/** TimeStampResp `rejection` with the reason in words and as a bit. */
export function encodeTimestampRefusal({ failure, because }: TimestampRefusal): Uint8Array {
  const bit = TIMESTAMP_FAILURES[failure];
  const octets = new Uint8Array((bit >> 3) + 1);
  octets[bit >> 3] = 0x80 >> (bit & 7);
  return sequence(sequence(integer(2), sequence(utf8String(because)), bitString(octets, 7 - (bit & 7))));
}
