/**
 * Writes CRLs (RFC 5280 §5) with a writer of our own: entry by entry into chunks, so that 10^5 entries take a fraction of a
 * second and memory little more than the list itself.
 */
import {
  bitString,
  boolean,
  context,
  encodeHeader,
  explicit,
  generalizedTime,
  implicitPrimitive,
  integer,
  octetString,
  oid,
  sequence,
  TAG,
  tlv,
  x509Time,
} from '#crypto/der.ts';
import { OID } from '#crypto/oids.ts';
import type { Suite } from '#crypto/suite.ts';
import { encodeSignatureAlgorithm } from './build-certificate.ts';
import { REASON_CODES, type RevokedEntry } from './crl.ts';

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
  entries: Iterable<RevokedEntry>;
  /** Revoked certificates stay listed after they expire, if they expired after this (X.509 expiredCertsOnCRL). */
  expiredKeptSince?: Date;
  /** Addresses of a partition; makes a critical issuingDistributionPoint. A full list has none. */
  distributionPoint?: { url?: string; onlyCaCertificates?: boolean; onlyUserCertificates?: boolean };
}

const CHUNK_BYTES = 64 * 1024;

/** TBSCertList: the bytes to be signed. */
export function encodeTbsCrl(input: TbsCrlInput): Uint8Array {
  const chunks: Uint8Array[] = [];
  let open: Uint8Array[] = [];
  let openBytes = 0;
  let total = 0;
  for (const entry of input.entries) {
    const encoded = encodeEntry(entry);
    open.push(encoded);
    openBytes += encoded.length;
    total += encoded.length;
    if (openBytes > CHUNK_BYTES) {
      chunks.push(Buffer.concat(open));
      open = [];
      openBytes = 0;
    }
  }
  chunks.push(...open);
  const revoked = total > 0 ? [encodeHeader(TAG.sequence, total), ...chunks] : [];
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

function encodeCrlExtensions(input: TbsCrlInput): Uint8Array[] {
  const extensions = [
    sequence(oid(OID.authorityKeyIdentifier), octetString(sequence(implicitPrimitive(0, input.issuerKeyIdentifier)))),
    sequence(oid(OID.crlNumber), octetString(integer(input.number))),
  ];
  if (input.expiredKeptSince) {
    extensions.push(sequence(oid(OID.expiredCertsOnCrl), octetString(generalizedTime(input.expiredKeptSince))));
  }
  const point = input.distributionPoint;
  if (point) {
    const parts: Uint8Array[] = [];
    if (point.url) parts.push(tlv(context(0), tlv(context(0), implicitPrimitive(6, Buffer.from(point.url, 'latin1')))));
    if (point.onlyUserCertificates) parts.push(implicitPrimitive(1, Uint8Array.of(0xff)));
    if (point.onlyCaCertificates) parts.push(implicitPrimitive(2, Uint8Array.of(0xff)));
    extensions.push(sequence(oid(OID.issuingDistributionPoint), boolean(true), octetString(sequence(...parts))));
  }
  return extensions;
}

/** reasonCode is left out for `unspecified` (§5.3.1). */
function encodeEntry(entry: RevokedEntry): Uint8Array {
  const extensions: Uint8Array[] = [];
  if (entry.reason !== 'unspecified') {
    extensions.push(sequence(oid(OID.reasonCode), octetString(integer(REASON_CODES[entry.reason], TAG.enumerated))));
  }
  if (entry.invalidityDate) extensions.push(sequence(oid(OID.invalidityDate), octetString(generalizedTime(entry.invalidityDate))));
  const rest = extensions.length > 0 ? [sequence(...extensions)] : [];
  return sequence(integer(Buffer.from(entry.serialHex, 'hex')), x509Time(entry.revokedAt), ...rest);
}

/** CertificateList from the signed bytes and their signature. */
export function assembleCrl(tbs: Uint8Array, suite: Suite, signature: Uint8Array): Uint8Array {
  return sequence(tbs, encodeSignatureAlgorithm(suite), bitString(signature));
}
