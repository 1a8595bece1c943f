/**
 * One leaf of the issuance log: MerkleTreeLeaf of RFC 6962 §3.4 over a certificate as it was handed out. What differs from there:
 * no precertificates and no SCTs, as we log our own certificates only; so the timestamp of a leaf is the certificate's notBefore, and
 * whoever holds a certificate can compute its leaf hash without asking anybody.
 *
 * Certificates of natural persons are not published. Their leaves stand in the tree by hash alone, which tells nothing, as each
 * certificate contains a serial number of 126 random bits; who holds the certificate can prove that it is in the log.
 */
import { type Certificate, parseCertificate } from '#pki/certificate.ts';
import { leafHash } from '#pki/merkle-tree.ts';

const VERSION_1 = 0;
const TIMESTAMPED_ENTRY = 0;
const X509_ENTRY = 0;
/** version, leaf type, timestamp, entry type, length of the certificate. */
const HEADER_BYTES = 1 + 1 + 8 + 2 + 3;
/** No extensions. */
const TRAILER_BYTES = 2;

/** Profiles whose subjects are never natural persons. Any other, also one unknown here, is withheld. */
const PUBLISHED: ReadonlySet<string> = new Set([
  'root',
  'issuing',
  'authority',
  'seal-maker',
  'document-signer',
  'code-signer',
  'service-signer',
  'timestamp',
  'ocsp',
  'web-server',
  'device',
  'organisation',
  'organisation-encryption',
]);

/** Whether the log shows the certificate itself, not only its hash. Seals are withheld with the persons: some are of persons. */
export function isPublished(profile: string): boolean {
  return PUBLISHED.has(profile);
}

/** The bytes that are hashed into the leaf. */
export function encodeLeaf(certificate: Pick<Certificate, 'der' | 'notBefore'>): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt8(VERSION_1, 0);
  header.writeUInt8(TIMESTAMPED_ENTRY, 1);
  header.writeBigUInt64BE(BigInt(certificate.notBefore.getTime()), 2);
  header.writeUInt16BE(X509_ENTRY, 10);
  header.writeUIntBE(certificate.der.length, 12, 3);
  return Buffer.concat([header, certificate.der, Buffer.alloc(TRAILER_BYTES)]);
}

/** Throws DerError when the bytes are no certificate. */
export function leafHashOf(der: Uint8Array): Uint8Array {
  return leafHash(encodeLeaf(parseCertificate(der)));
}

/** The certificate in a leaf; undefined when the bytes are not such a leaf to the last one. */
export function readLeaf(leaf: Uint8Array): Uint8Array | undefined {
  const view = Buffer.from(leaf.buffer, leaf.byteOffset, leaf.length);
  if (view.length < HEADER_BYTES + TRAILER_BYTES) return undefined;
  const length = view.readUIntBE(12, 3);
  const isLeaf = view[0] === VERSION_1 && view[1] === TIMESTAMPED_ENTRY && view.readUInt16BE(10) === X509_ENTRY;
  if (!isLeaf || view.length !== HEADER_BYTES + length + TRAILER_BYTES || view.readUInt16BE(HEADER_BYTES + length) !== 0) return undefined;
  return Uint8Array.from(view.subarray(HEADER_BYTES, HEADER_BYTES + length));
}

/** `certificate_chain` of RFC 6962 §3.1: what comes with an entry besides the leaf. */
export function encodeChain(certificates: readonly Uint8Array[]): Uint8Array {
  const parts = certificates.map((der) => Buffer.concat([threeBytes(der.length), der]));
  return Buffer.concat([threeBytes(parts.reduce((sum, { length }) => sum + length, 0)), ...parts]);
}

function threeBytes(count: number): Buffer {
  const bytes = Buffer.alloc(3);
  bytes.writeUIntBE(count, 0, 3);
  return bytes;
}
