/**
 * Writes CRLs (RFC 5280 §5) with a writer of our own: entry by entry into chunks, so that 10^5 entries take a fraction of a
 * second and memory little more than the list itself.
 */
import { context, TAG } from '#crypto/der.ts';
import {
  bitString,
  boolean,
  encodeHeader,
  explicit,
  generalizedTime,
  implicitPrimitive,
  integer,
  octetString,
  oid,
  sequence,
  tlv,
  x509Time,
} from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import type { Suite } from '#crypto/suite.ts';
import { encodeSignatureAlgorithm } from './build-certificate.ts';
import { REASON_CODES, type RevocationReason, type RevokedEntry } from './crl.ts';

export interface TbsCrlInput {
  suite: Suite;
  /** DER Name of the issuer, as it stands in the CA certificate's subject. */
  issuer: Uint8Array;
  /** Subject key identifier of the issuer. */
  issuerKeyIdentifier: Uint8Array;
  /** Never going back (§5.2.3). */
  number: bigint;
  thisUpdate: Date;
  nextUpdate: Date;
  entries: Iterable<RevokedEntry> | CrlEntries;
  /** Revoked certificates stay listed after they expire, if they expired after this (X.509 expiredCertsOnCRL). */
  expiredKeptSince?: Date;
  /** Makes a delta list: the number of the complete list to read it with (§5.2.4). */
  base?: bigint;
  /** Where the delta list of this complete list is (§5.2.6); a delta has none. */
  freshestUrl?: string;
  /** Address of a partition, the same in its complete list and its delta; makes a critical issuingDistributionPoint. A full list has none. */
  distributionPoint?: { url?: string; onlyCaCertificates?: boolean; onlyUserCertificates?: boolean };
}

const CHUNK_BYTES = 64 * 1024;
/** Longer than any entry that is written in place: serial number, time and reason. */
const MAX_PLAIN_ENTRY = 80;
const PLAIN_SERIAL = /^(?:0[1-9a-f]|[1-7][0-9a-f])(?:[0-9a-f]{2}){1,19}$/;

/** Entries encoded as they come, so that a list of a million never stands in memory as objects. */
export class CrlEntries {
  #chunks: Uint8Array[] = [];
  #open = Buffer.allocUnsafe(CHUNK_BYTES);
  #used = 0;
  #bytes = 0;
  /** Consecutive entries often have one time. */
  #time: { at: number; der: Uint8Array } = { at: Number.NaN, der: new Uint8Array() };
  count = 0;

  add(entry: RevokedEntry): void {
    if (entry.invalidityDate === undefined && PLAIN_SERIAL.test(entry.serialHex)) this.#addPlain(entry);
    else this.#addWhole(encodeEntry(entry));
    this.count += 1;
  }

  /** revokedCertificates, which is left out when there are none (§5.1.2.6). */
  get der(): Uint8Array[] {
    this.#close();
    return this.#bytes > 0 ? [encodeHeader(TAG.sequence, this.#bytes), ...this.#chunks] : [];
  }

  /** Octet by octet into the open chunk: a million times a dozen small elements would take seconds to allocate. */
  #addPlain({ serialHex, revokedAt, reason }: RevokedEntry): void {
    if (this.#used + MAX_PLAIN_ENTRY > CHUNK_BYTES) this.#close();
    const at = revokedAt.getTime();
    if (at !== this.#time.at) this.#time = { at, der: x509Time(revokedAt) };
    const time = this.#time.der;
    const why = REASON_EXTENSIONS[reason];
    const serialLength = serialHex.length / 2;
    const open = this.#open;
    let place = this.#used;
    open[place++] = TAG.sequence;
    open[place++] = 2 + serialLength + time.length + why.length;
    open[place++] = TAG.integer;
    open[place++] = serialLength;
    place += open.write(serialHex, place, 'hex');
    open.set(time, place);
    place += time.length;
    open.set(why, place);
    this.#used = place + why.length;
  }

  #addWhole(encoded: Uint8Array): void {
    if (this.#used + encoded.length > CHUNK_BYTES) this.#close();
    this.#open.set(encoded, this.#used);
    this.#used += encoded.length;
  }

  #close(): void {
    if (this.#used === 0) return;
    this.#chunks.push(this.#open.subarray(0, this.#used));
    this.#bytes += this.#used;
    this.#open = Buffer.allocUnsafe(CHUNK_BYTES);
    this.#used = 0;
  }
}

/** TBSCertList: the bytes to be signed. */
export function encodeTbsCrl(input: TbsCrlInput): Uint8Array {
  const revoked = collect(input.entries).der;
  return tlv(
    TAG.sequence,
    integer(1),
    encodeSignatureAlgorithm(input.suite),
    input.issuer,
    x509Time(input.thisUpdate),
    x509Time(input.nextUpdate),
    ...revoked,
    explicit(0, sequence(...encodeCrlExtensions(input))),
  );
}

function collect(given: TbsCrlInput['entries']): CrlEntries {
  if (given instanceof CrlEntries) return given;
  const entries = new CrlEntries();
  for (const entry of given) entries.add(entry);
  return entries;
}

function encodeCrlExtensions(input: TbsCrlInput): Uint8Array[] {
  const extensions = [
    sequence(oid(OID.authorityKeyIdentifier), octetString(sequence(implicitPrimitive(0, input.issuerKeyIdentifier)))),
    sequence(oid(OID.crlNumber), octetString(integer(input.number))),
  ];
  if (input.base !== undefined) {
    extensions.push(sequence(oid(OID.deltaCrlIndicator), boolean(true), octetString(integer(input.base))));
  }
  if (input.freshestUrl) extensions.push(sequence(oid(OID.freshestCrl), octetString(encodeFreshestPoint(input.freshestUrl))));
  if (input.expiredKeptSince) {
    extensions.push(sequence(oid(OID.expiredCertsOnCrl), octetString(generalizedTime(input.expiredKeptSince))));
  }
  const point = input.distributionPoint;
  if (point) extensions.push(sequence(oid(OID.issuingDistributionPoint), boolean(true), octetString(encodeIssuingPoint(point))));
  return extensions;
}

/** The value of freshestCRL (§5.2.6): the one place of the delta list. */
export function encodeFreshestPoint(url: string): Uint8Array {
  return sequence(sequence(encodePlace(url)));
}

/** distributionPoint of one address. */
function encodePlace(url: string): Uint8Array {
  return tlv(context(0), tlv(context(0), implicitPrimitive(6, Buffer.from(url, 'latin1'))));
}

/** The value of issuingDistributionPoint (§5.2.5). */
export function encodeIssuingPoint(point: NonNullable<TbsCrlInput['distributionPoint']>): Uint8Array {
  const parts: Uint8Array[] = [];
  if (point.url) parts.push(encodePlace(point.url));
  if (point.onlyUserCertificates) parts.push(implicitPrimitive(1, Uint8Array.of(0xff)));
  if (point.onlyCaCertificates) parts.push(implicitPrimitive(2, Uint8Array.of(0xff)));
  return sequence(...parts);
}

/** reasonCode is left out for `unspecified` (§5.3.1). */
function encodeReason(reason: RevocationReason): Uint8Array | undefined {
  if (reason === 'unspecified') return undefined;
  return sequence(oid(OID.reasonCode), octetString(integer(REASON_CODES[reason], TAG.enumerated)));
}

/** crlEntryExtensions of an entry that has no more to say than its reason. */
const REASON_EXTENSIONS = Object.fromEntries(
  (Object.keys(REASON_CODES) as RevocationReason[]).map((reason) => {
    const encoded = encodeReason(reason);
    return [reason, encoded ? sequence(encoded) : new Uint8Array()];
  }),
) as Record<RevocationReason, Uint8Array>;

function encodeEntry(entry: RevokedEntry): Uint8Array {
  const reason = encodeReason(entry.reason);
  const extensions = reason ? [reason] : [];
  if (entry.invalidityDate) extensions.push(sequence(oid(OID.invalidityDate), octetString(generalizedTime(entry.invalidityDate))));
  const rest = extensions.length > 0 ? [sequence(...extensions)] : [];
  return sequence(integer(Buffer.from(entry.serialHex, 'hex')), x509Time(entry.revokedAt), ...rest);
}

/** What stands before and after the signed bytes in a CertificateList: large lists are stored in pieces, and these are two of them. */
export function frameCrl(tbsLength: number, suite: Suite, signature: Uint8Array): { head: Uint8Array; tail: Uint8Array } {
  const tail = Buffer.concat([encodeSignatureAlgorithm(suite), bitString(signature)]);
  return { head: encodeHeader(TAG.sequence, tbsLength + tail.length), tail };
}

/** CertificateList from the signed bytes and their signature. */
export function assembleCrl(tbs: Uint8Array, suite: Suite, signature: Uint8Array): Uint8Array {
  const { head, tail } = frameCrl(tbs.length, suite, signature);
  return Buffer.concat([head, tbs, tail]);
}
