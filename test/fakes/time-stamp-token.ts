/** RFC 3161 tokens for tests, made with a key of a test authority. */
import { encodeSignedAttributes } from '#crypto/cms.ts';
import { explicit, generalizedTime, integer, nullValue, octetString, oid, sequence, setOf, tlv } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { type DigestName, digest } from '#crypto/suite.ts';
import type { TestIdentity } from './document-authority.ts';

/** A token of an SM2 authority that says `stamped` existed at `at`. */
export async function timeStampToken(
  tsa: TestIdentity,
  stamped: Uint8Array,
  at: Date,
  imprint: Extract<DigestName, 'sm3' | 'sha1'> = 'sm3',
): Promise<Uint8Array> {
  const sm3 = sequence(oid(OID.sm3), nullValue());
  const imprinted = sequence(sequence(oid(OID[imprint]), nullValue()), octetString(digest(imprint, stamped)));
  const info = sequence(integer(1), oid('1.2.3.4.5'), imprinted, integer(7), generalizedTime(at));
  const attributes = encodeSignedAttributes({
    contentType: OID.timeStampInfo,
    messageDigest: digest('sm3', info),
    signingCertificate: { digestName: 'sha256', digest: digest('sha256', tsa.certificate.der) },
  });
  const signature = await tsa.sign(attributes);
  const { issuer, serialBytes } = tsa.certificate;
  const signer = sequence(
    integer(1),
    sequence(issuer.der, integer(serialBytes)),
    sm3,
    tlv(0xa0, attributes.subarray(attributes.length - contentLength(attributes))),
    sequence(oid(OID.sm2WithSm3)),
    octetString(signature),
  );
  const signedData = sequence(
    integer(3),
    setOf(sm3),
    sequence(oid(OID.timeStampInfo), explicit(0, octetString(info))),
    tlv(0xa0, tsa.certificate.der),
    setOf(signer),
  );
  return sequence(oid(OID.signedData), explicit(0, signedData));
}

/** Octets of the content of one DER element. */
function contentLength(der: Uint8Array): number {
  const first = der[1] ?? 0;
  if (first < 0x80) return first;
  return Buffer.from(der.subarray(2, 2 + (first & 0x7f))).readUIntBE(0, first & 0x7f);
}
