/** The CMS of a signature we make: CAdES for PAdES, or CMS in the Chinese algorithms, with or without a signature timestamp. */
import { encodeSignedAttributes, encodeSignedData } from '#crypto/cms.ts';
import { oid, sequence, setOf } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { type DigestName, digest, digestOfSuite, type Suite } from '#crypto/suite.ts';
import { verifySignature } from '#crypto/verify-signature.ts';
import type { SignBytes } from '#documents/sign-bytes.ts';
import { type Certificate, parseCertificate } from '#pki/certificate.ts';
import { type RequestTimestamp, type TimestampToken, takeTimestamp, timestampRoom } from './request-timestamp.ts';

/** What readers of PDF know; Ed25519 is not among it. */
export type PdfSuite = Exclude<Suite, 'ed25519'>;

/** `pades`: ETSI.CAdES.detached. `pkcs7` and `gm`: adbe.pkcs7.detached with PKCS#7's or GM/T 0010's object identifiers. */
export type PdfSignatureForm = 'pades' | 'pkcs7' | 'gm';

export interface EnvelopeInput {
  /** DER, the signer's first, then its issuers. */
  certificates: readonly Uint8Array[];
  suite: PdfSuite;
  form: PdfSignatureForm;
  sign: SignBytes;
  timestamp?: RequestTimestamp | undefined;
}

/** Longest signature value: two 33-octet integers for 256-bit curves; RSA by its modulus. */
const CURVE_SIGNATURE_BYTES = 72;
/** Lengths of the five shells around a token grow by an octet or two when a token makes them pass 127, 255 or 65535. */
const SHELL_BYTES = 16;

export class SignatureEnvelope {
  readonly digestName: DigestName;
  readonly #input: EnvelopeInput;
  readonly #leaf: Certificate;

  /** Throws DerError and UnsupportedKeyError for a certificate that cannot sign. */
  constructor(input: EnvelopeInput) {
    const [leaf] = input.certificates;
    if (!leaf) throw new Error('signing without a certificate');
    this.#input = input;
    this.#leaf = parseCertificate(leaf);
    this.digestName = digestOfSuite(input.suite);
  }

  /** A dry run over the real chain and a real timestamp; the value may be a few octets shorter, never longer. */
  async measure(): Promise<number> {
    const { suite, timestamp } = this.#input;
    const modulus = suite === 'rs256' ? (this.#leaf.publicKey().key.asymmetricKeyDetails?.modulusLength ?? 4096) : 0;
    const longest = suite === 'rs256' ? Math.ceil(modulus / 8) : CURVE_SIGNATURE_BYTES;
    const bare = this.#encode(this.#attributes(new Uint8Array(32)), new Uint8Array(longest)).length;
    if (!timestamp) return bare;
    const empty = timestampAttribute(new Uint8Array());
    return bare + empty.length + (await timestampRoom(timestamp, this.digestName)) + SHELL_BYTES;
  }

  /** Throws what `sign` and the timestamp throw, and an Error when the key is not the certificate's. */
  async sign(messageDigest: Uint8Array): Promise<{ cms: Uint8Array; token?: TimestampToken }> {
    const attributes = this.#attributes(messageDigest);
    const signature = await this.#input.sign(attributes);
    this.#assertFits(attributes, signature);
    const { timestamp } = this.#input;
    if (!timestamp) return { cms: this.#encode(attributes, signature) };
    // EN 319 122-1 §5.3: over the signature value, without tag and length.
    const token = await takeTimestamp(timestamp, this.digestName, digest(this.digestName, signature));
    return { cms: this.#encode(attributes, signature, token.der), token };
  }

  #attributes(messageDigest: Uint8Array): Uint8Array {
    const { certificates, form } = this.#input;
    return encodeSignedAttributes({
      contentType: form === 'gm' ? OID.gmData : OID.data,
      messageDigest,
      signingCertificate: { digestName: this.digestName, digest: digest(this.digestName, certificates[0] as Uint8Array) },
    });
  }

  #encode(signedAttributes: Uint8Array, signature: Uint8Array, token?: Uint8Array): Uint8Array {
    const { suite, certificates, form } = this.#input;
    return encodeSignedData({
      form: form === 'gm' ? 'gm' : 'pkcs7',
      suite,
      certificates,
      signedAttributes,
      signature,
      ...(token ? { unsignedAttributes: [timestampAttribute(token)] } : {}),
    });
  }

  /** A key that does not belong to the certificate would give a file that looks sealed and never verifies. */
  #assertFits(attributes: Uint8Array, signature: Uint8Array): void {
    const { suite } = this.#input;
    const scheme = suite === 'sm2-sm3' ? 'sm2' : suite === 'es256' ? 'ecdsa' : 'rsa';
    const algorithm = { scheme, digest: this.digestName } as const;
    if (!verifySignature(this.#leaf.publicKey(), algorithm, attributes, signature, this.digestName)) {
      throw new Error('the signature was not made by the key of the certificate');
    }
  }
}

function timestampAttribute(token: Uint8Array): Uint8Array {
  return sequence(oid(OID.timeStampToken), setOf(token));
}
