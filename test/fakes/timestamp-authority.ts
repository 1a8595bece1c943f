/** A time-stamp authority for tests: RFC 3161 tokens of any suite under a test authority, at a time that is given. */
import { encodeSignedAttributes, encodeSignedData } from '#crypto/cms.ts';
import { integer } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { digest, digestOfSuite } from '#crypto/suite.ts';
import type { RequestTimestamp } from '#documents/pdf/request-timestamp.ts';
import { encodeMessageImprint } from '#pki/timestamp-query.ts';
import { encodeTstInfo } from '#pki/timestamp-token.ts';
import type { TestIdentity } from './document-authority.ts';

let serial = 1_000_000;

/** @param further certificates that go into the token beside the authority's own. */
export function timestampAuthority(
  tsa: TestIdentity,
  at: () => Date,
  further: readonly Uint8Array[] = [],
  nonceDer?: Uint8Array,
): RequestTimestamp {
  const { suite } = tsa.key;
  const digestName = digestOfSuite(suite);
  return async (imprint, name) => {
    const info = encodeTstInfo({
      imprintDer: encodeMessageImprint(name, imprint),
      serial: Buffer.from((serial++).toString(16).padStart(8, '0'), 'hex'),
      at: at(),
      ...(nonceDer ? { nonceDer } : {}),
      tsaName: tsa.certificate.subject.der,
    });
    const signedAttributes = encodeSignedAttributes({
      contentType: OID.timeStampInfo,
      messageDigest: digest(digestName, info),
      signingCertificate: { digestName, digest: digest(digestName, tsa.certificate.der) },
    });
    return encodeSignedData({
      form: 'pkcs7',
      suite,
      contentType: OID.timeStampInfo,
      content: info,
      certificates: [tsa.certificate.der, ...further],
      signer: { issuer: tsa.certificate.issuer.der, serial: integer(tsa.certificate.serialBytes) },
      signedAttributes,
      signature: await tsa.sign(signedAttributes),
    });
  };
}
