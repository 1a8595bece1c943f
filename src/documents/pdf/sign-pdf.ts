/**
 * Signing a PDF by an incremental update: PAdES baseline B-B (EN 319 142-1 §6.3), or CMS in the Chinese algorithms.
 * The original's bytes are copied and never touched; whatever could fail is tried before the key is used.
 */
import { createHash } from 'node:crypto';
import { encodeSignedAttributes, encodeSignedData } from '#crypto/cms.ts';
import { DerError } from '#crypto/der.ts';
import { OID } from '#crypto/oids.ts';
import { digest, digestOfSuite, type Suite, UnsupportedKeyError } from '#crypto/suite.ts';
import { verifySignature } from '#crypto/verify-signature.ts';
import type { SignBytes } from '#documents/sign-bytes.ts';
import { type Certificate, parseCertificate } from '#pki/certificate.ts';
import { Problem } from '#problem.ts';
import { findSignatures } from './find-signatures.ts';
import { readForm } from './form-fields.ts';
import { Increment, writeText } from './increment.ts';
import { openPdf, type PdfView } from './pdf-file.ts';
import { PdfError } from './pdf-values.ts';
import { rulesOf } from './permissions.ts';
import { prepareField } from './reserve-field.ts';
import type { PdfStamp } from './seal-appearance.ts';

/** What readers of PDF know; Ed25519 is not among it. */
export type PdfSuite = Exclude<Suite, 'ed25519'>;

/** `pades`: ETSI.CAdES.detached. `pkcs7` and `gm`: adbe.pkcs7.detached with PKCS#7's or GM/T 0010's object identifiers. */
export type PdfSignatureForm = 'pades' | 'pkcs7' | 'gm';

export interface SignPdfInput {
  /** DER, the signer's first, then its issuers. */
  certificates: readonly Uint8Array[];
  suite: PdfSuite;
  signedAt: Date;
  /** A new field, or an empty one that was reserved under this name. */
  fieldName: string;
  stamp?: PdfStamp;
  reason?: string;
  /** Makes this a certification, which must be the first signature: 1 no changes, 2 forms and signing, 3 annotations too. */
  certification?: 1 | 2 | 3;
  /** Default `pades`; for SM2 `pkcs7`, because no reader takes an SM2 signature for PAdES. */
  form?: PdfSignatureForm;
  /** Signs the DER of the signed attributes (SET, tag 0x31). */
  sign: SignBytes;
}

/** Room for each number of /ByteRange: files above 100 MB broke signers that reserved less. */
const OFFSET_DIGITS = 10;
/** Longest signature value: two 33-octet integers for 256-bit curves; RSA by its modulus. */
const CURVE_SIGNATURE_BYTES = 72;

/** The signed file. Throws Problem `pdf-not-signable`, `pdf-encrypted`, `picture-not-usable`, and what `sign` throws. */
export async function signPdf(pdf: Uint8Array, input: SignPdfInput): Promise<Uint8Array> {
  const [leafDer] = input.certificates;
  if (!leafDer) throw new Error('signing without a certificate');
  const leaf = parseCertificate(leafDer);
  const form = input.form ?? (input.suite === 'sm2-sm3' ? 'pkcs7' : 'pades');
  const envelope = new Envelope(input, form, leaf);
  const { update, contentsAt, contentsBytes } = prepare(pdf, input, form, envelope.size);

  const gapStart = pdf.length + contentsAt;
  const gapEnd = gapStart + contentsBytes * 2 + 2;
  const total = pdf.length + update.length;
  writeByteRange(update, contentsAt, gapStart, gapEnd, total - gapEnd);
  const name = digestOfSuite(input.suite);
  const hash = createHash(name)
    .update(pdf)
    .update(update.subarray(0, contentsAt))
    .update(update.subarray(contentsAt + contentsBytes * 2 + 2));
  const cms = await envelope.sign(hash.digest());
  if (cms.length > contentsBytes) throw new Error('the signature is longer than the room reserved for it');
  update.write(
    Buffer.from(cms)
      .toString('hex')
      .toUpperCase()
      .padEnd(contentsBytes * 2, '0'),
    contentsAt + 1,
    'latin1',
  );
  return Buffer.concat([pdf, update], total);
}

/** The CMS around a digest, with its size known beforehand. */
class Envelope {
  readonly size: number;
  readonly #input: SignPdfInput;
  readonly #form: PdfSignatureForm;
  readonly #leaf: Certificate;

  constructor(input: SignPdfInput, form: PdfSignatureForm, leaf: Certificate) {
    this.#input = input;
    this.#form = form;
    this.#leaf = leaf;
    const longest =
      input.suite === 'rs256' ? (leaf.publicKey().key.asymmetricKeyDetails?.modulusLength ?? 4096) : CURVE_SIGNATURE_BYTES * 8;
    const attributes = this.#attributes(new Uint8Array(32));
    // A dry run over the real chain; the value may be a few octets shorter, never longer.
    this.size = this.#encode(attributes, new Uint8Array(Math.ceil(longest / 8))).length;
  }

  async sign(messageDigest: Uint8Array): Promise<Uint8Array> {
    const attributes = this.#attributes(messageDigest);
    const signature = await this.#input.sign(attributes);
    this.#assertFits(attributes, signature);
    return this.#encode(attributes, signature);
  }

  #attributes(messageDigest: Uint8Array): Uint8Array {
    const { suite, certificates } = this.#input;
    const digestName = digestOfSuite(suite);
    return encodeSignedAttributes({
      contentType: this.#form === 'gm' ? OID.gmData : OID.data,
      messageDigest,
      signingCertificate: { digestName, digest: digest(digestName, certificates[0] as Uint8Array) },
    });
  }

  #encode(signedAttributes: Uint8Array, signature: Uint8Array): Uint8Array {
    const { suite, certificates } = this.#input;
    return encodeSignedData({ form: this.#form === 'gm' ? 'gm' : 'pkcs7', suite, certificates, signedAttributes, signature });
  }

  /** A key that does not belong to the certificate would give a file that looks sealed and never verifies. */
  #assertFits(attributes: Uint8Array, signature: Uint8Array): void {
    const { suite } = this.#input;
    const scheme = suite === 'sm2-sm3' ? 'sm2' : suite === 'es256' ? 'ecdsa' : 'rsa';
    const digestName = digestOfSuite(suite);
    const algorithm = { scheme, digest: digestName } as const;
    if (!verifySignature(this.#leaf.publicKey(), algorithm, attributes, signature, digestName)) {
      throw new Error('the signature was not made by the key of the certificate');
    }
  }
}

interface Prepared {
  readonly update: Buffer;
  /** Offset of `<` of Contents in the update. */
  readonly contentsAt: number;
  readonly contentsBytes: number;
}

function prepare(pdf: Uint8Array, input: SignPdfInput, form: PdfSignatureForm, contentsBytes: number): Prepared {
  try {
    const file = openPdf(pdf);
    const view = file.viewAt(pdf.length);
    assertSignable(view, input);
    const increment = new Increment(view);
    const number = increment.allot();
    const { reference } = prepareField(view, increment, number, input);
    const head = `<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/${form === 'pades' ? 'ETSI.CAdES.detached' : 'adbe.pkcs7.detached'}/ByteRange ${byteRange(0, 0, 0)}/Contents `;
    const reason = input.reason ? `/Reason${writeText(input.reason)}` : '';
    increment.put(number, `${head}<${'0'.repeat(contentsBytes * 2)}>/M(${writeDate(input.signedAt)})${reason}${reference}>>`);
    const seed = Buffer.concat([Buffer.from(`${input.fieldName} ${input.signedAt.toISOString()} ${pdf.length} `), pdf.subarray(-2048)]);
    const { bytes, bodyAt } = increment.build(seed);
    return { update: bytes, contentsAt: (bodyAt.get(number) ?? 0) + head.length, contentsBytes };
  } catch (error) {
    if (error instanceof PdfError || error instanceof DerError || error instanceof UnsupportedKeyError) {
      throw new Problem('pdf-not-signable', { cause: error });
    }
    throw error;
  }
}

/** Refuses what would give a file that cannot be judged, or that breaks an earlier signature. */
function assertSignable(view: PdfView, input: SignPdfInput): void {
  if (view.encrypted) throw new Problem('pdf-encrypted');
  const earlier = view.catalog.entries.has('AcroForm') ? findSignatures(view.file, view) : [];
  if (earlier.length === 0) return;
  const levels = earlier.map(({ dict }) => rulesOf(view, dict).certification);
  if (levels.includes(1)) {
    throw new Problem('pdf-not-signable', {
      detail: 'The PDF was certified to allow no further changes, signatures included.',
      detailZh: '该 PDF 已认证为不允许任何更改，不能再次签署。',
    });
  }
  const isCertified = levels.some((level) => level !== undefined);
  if (isCertified && input.stamp && !readForm(view).nodes.some(({ name }) => name === input.fieldName)) {
    throw new Problem('pdf-not-signable', {
      detail: 'After a certification a visible seal needs a field that was reserved for it.',
      detailZh: '文件认证后，可见印章只能加盖在预留的签名域中。',
    });
  }
  if (input.certification) {
    throw new Problem('pdf-not-signable', {
      detail: 'A certification must be the first signature of a PDF.',
      detailZh: '认证签名必须是 PDF 的第一个签名。',
    });
  }
}

function byteRange(length1: number, start2: number, length2: number): string {
  return `[0 ${[length1, start2, length2].map((number) => String(number).padStart(OFFSET_DIGITS, ' ')).join(' ')}]`;
}

function writeByteRange(update: Buffer, contentsAt: number, gapStart: number, gapEnd: number, length2: number): void {
  const text = byteRange(gapStart, gapEnd, length2);
  update.write(text, contentsAt - '/Contents '.length - text.length, 'latin1');
}

/** §7.9.4, in UTC. */
function writeDate(date: Date): string {
  return `D:${date.toISOString().replace(/\D/g, '').slice(0, 14)}+00'00'`;
}
