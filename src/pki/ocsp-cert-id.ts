/** CertID (RFC 6960 §4.1.1): which certificate is meant, by digests of its issuer's name and key and by its serial number. */
import { type DerElement, DerError, parseDer, TAG } from '#crypto/der.ts';
import { integer, nullValue, octetString, oid, sequence } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { type DigestName, digest } from '#crypto/suite.ts';
import { digestOfOid } from '#crypto/verify-signature.ts';
import { type Certificate, serialToHex } from './certificate.ts';

export interface OcspCertId {
  /** Undefined for a digest we do not know: then it names no certificate of ours. */
  digest: DigestName | undefined;
  nameHash: Uint8Array;
  keyHash: Uint8Array;
  /** As `Certificate.serialHex`. */
  serialHex: string;
  /** As it stood: a response repeats it unchanged. */
  der: Uint8Array;
}

/** RFC 5280 §4.1.2.2 allows 20; a sign octet may stand before them. */
const MAX_SERIAL_OCTETS = 21;
const MAX_HASH_OCTETS = 64;

const DIGEST_OIDS: Record<DigestName, string> = {
  sm3: OID.sm3,
  sha1: OID.sha1,
  sha256: OID.sha256,
  sha384: OID.sha384,
  sha512: OID.sha512,
};

/** Reads one CertID. Throws DerError when it is not one. */
export function parseCertId(element: DerElement): OcspCertId {
  const [algorithm, nameHash, keyHash, serial, more] = element.expect(TAG.sequence).children;
  if (!algorithm || !nameHash || !keyHash || !serial || more) throw new DerError('a CertID has other parts');
  if (serial.expect(TAG.integer).content.length > MAX_SERIAL_OCTETS) throw new DerError('serial number too long');
  const name = nameHash.asOctets();
  const key = keyHash.asOctets();
  if (name.length > MAX_HASH_OCTETS || key.length > MAX_HASH_OCTETS) throw new DerError('digest too long');
  return {
    digest: digestOfOid(algorithm.expect(TAG.sequence).at(0).asOid()),
    nameHash: name,
    keyHash: key,
    serialHex: serialToHex(serial.asBigInt()),
    der: element.bytes,
  };
}

/** The two digests by which CertIDs name an issuer. */
export interface IssuerHashes {
  nameHash: Uint8Array;
  keyHash: Uint8Array;
}

/** @param issuer the certificate of the authority, whose subject and key are meant. */
export function issuerHashes(issuer: Pick<Certificate, 'subject' | 'spki'>, digestName: DigestName): IssuerHashes {
  return { nameHash: digest(digestName, issuer.subject.der), keyHash: digest(digestName, parseDer(issuer.spki).at(1).asBits()) };
}

/** Writes a CertID. */
export function encodeCertId({ nameHash, keyHash }: IssuerHashes, digestName: DigestName, serial: Uint8Array): Uint8Array {
  const algorithm = sequence(oid(DIGEST_OIDS[digestName]), nullValue());
  return sequence(algorithm, octetString(nameHash), octetString(keyHash), integer(serial));
}

/** Whether the CertID names a certificate of this issuer. */
export function isOfIssuer(certId: OcspCertId, issuer: Pick<Certificate, 'subject' | 'spki'>): boolean {
  if (!certId.digest) return false;
  const { nameHash, keyHash } = issuerHashes(issuer, certId.digest);
  return Buffer.compare(nameHash, certId.nameHash) === 0 && Buffer.compare(keyHash, certId.keyHash) === 0;
}
