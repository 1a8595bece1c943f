/**
 * Signing a PDF by incremental updates: PAdES baseline B-B, B-T, B-LT and B-LTA (EN 319 142-1 §6.3), or CMS in the Chinese
 * algorithms. The original's bytes are copied and never touched; whatever could fail is tried before the key is used.
 */
import { DerError } from '#crypto/der.ts';
import { UnsupportedKeyError } from '#crypto/suite.ts';
import type { SignBytes } from '#documents/sign-bytes.ts';
import { Problem } from '#problem.ts';
import { addDocumentTimestamp, addSecurityStore, viewOf } from './add-validation-data.ts';
import { assertSignable } from './assert-signable.ts';
import { changesOf } from './compare-revisions.ts';
import { storedData } from './document-security-store.ts';
import { Increment, writeText } from './increment.ts';
import type { SeamSeal } from './page-stamps.ts';
import { openPdf } from './pdf-file.ts';
import { PdfError } from './pdf-values.ts';
import { readUpdates } from './read-updates.ts';
import { isMeasured, type RequestTimestamp } from './request-timestamp.ts';
import { type FieldLock, prepareField, type ReservedField } from './reserve-field.ts';
import { RevisedFile } from './revised-file.ts';
import type { PdfStamp } from './seal-appearance.ts';
import { type PdfSignatureForm, type PdfSuite, SignatureEnvelope } from './signature-envelope.ts';
import { SignaturePlaceholder } from './signature-placeholder.ts';
import { type CollectValidationData, joinValidationData } from './validation-data.ts';

export interface SignPdfInput {
  /** DER, the signer's first, then its issuers. */
  certificates: readonly Uint8Array[];
  suite: PdfSuite;
  signedAt: Date;
  /** A new field, or an empty one that was reserved under this name. */
  fieldName: string;
  /** The visible seal of the signature itself. */
  stamp?: PdfStamp;
  /** The seal on further places; only with the first signature of a file. */
  furtherStamps?: readonly PdfStamp[];
  /** A strip of the seal on each page's right edge; only with the first signature of a file. */
  seam?: SeamSeal;
  reason?: string;
  /** Makes this a certification, which must be the first signature: 1 no changes, 2 forms and signing, 3 annotations too. */
  certification?: 1 | 2 | 3;
  /** Form fields that this signature closes; of a reserved field, its own lock counts. */
  lock?: FieldLock;
  /** Empty fields for later seals; only with the first signature of a file. */
  reserve?: readonly ReservedField[];
  /** Default `pades`; for SM2 `pkcs7`, because no reader takes an SM2 signature for PAdES. */
  form?: PdfSignatureForm;
  /** Signs the DER of the signed attributes (SET, tag 0x31). */
  sign: SignBytes;
  /** Makes level B-T: a token over the signature value. Pass the same function again: its tokens are measured once. */
  timestamp?: RequestTimestamp;
  /** Makes level B-LT: called for the signer's chain and for the timestamp authority's. */
  validationData?: CollectValidationData;
  /** Makes level B-LTA: a document timestamp over all of it. Needs `timestamp`. */
  archive?: boolean;
}

/**
 * The signed file. Throws Problem `pdf-not-signable`, `pdf-encrypted`, `picture-not-usable`, `timestamp-not-usable`,
 * `validation-data-missing`, and what the functions given throw.
 */
export async function signPdf(pdf: Uint8Array, input: SignPdfInput): Promise<Uint8Array> {
  const { timestamp, validationData, archive } = input;
  if (archive && !timestamp) throw new Error('an archive timestamp without a timestamp authority');
  const form = input.form ?? (input.suite === 'sm2-sm3' ? 'pkcs7' : 'pades');
  const file = new RevisedFile(pdf);
  try {
    const envelope = new SignatureEnvelope({ ...input, form, timestamp });
    const { contents, chains } = await addSignature(file, input, form, envelope);
    const signedEnd = file.bytes.length;
    if (validationData) {
      const known = storedData(viewOf(file));
      const data = joinValidationData(...(await Promise.all(chains.map((chain) => validationData(chain, known)))));
      addSecurityStore(file, [{ contents, data }], archive === true);
    }
    if (archive && timestamp) await addDocumentTimestamp(file, timestamp, envelope.digestName);
    assertComparable(file, signedEnd);
    return file.bytes;
  } catch (error) {
    if (error instanceof PdfError || error instanceof DerError || error instanceof UnsupportedKeyError) {
      throw new Problem('pdf-not-signable', { cause: error });
    }
    throw error;
  }
}

/**
 * The revisions behind the signature as a verifier reads them: in a file that is broken somewhere, what we appended could look
 * like a change that is not allowed. Throws PdfError, Problem `pdf-not-signable`.
 */
function assertComparable(file: RevisedFile, signedEnd: number): void {
  if (file.bytes.length === signedEnd) return;
  const newest = viewOf(file);
  const updates = readUpdates(newest.file, newest.file.viewAt(signedEnd), newest);
  const foreign = updates.flatMap((update) => changesOf(update)).find(({ level }) => level !== 'validation-data');
  if (foreign) throw new Problem('pdf-not-signable', { cause: new PdfError(foreign.what) });
}

type Chains = Parameters<CollectValidationData>[0][];

async function addSignature(
  file: RevisedFile,
  input: SignPdfInput,
  form: PdfSignatureForm,
  envelope: SignatureEnvelope,
): Promise<{ contents: Uint8Array; chains: Chains }> {
  const more = input.validationData !== undefined || input.archive === true;
  // Refused before the authority is asked for the token of the dry run.
  if (input.timestamp && !isMeasured(input.timestamp, envelope.digestName)) prepare(file, input, form, 0);
  for (let attempt = 0; ; attempt++) {
    const contentsBytes = await envelope.measure();
    const placeholder = prepare(file, input, form, contentsBytes);
    const { cms, token } = await envelope.sign(placeholder.digest(envelope.digestName));
    // The authority's tokens have grown, for example by a longer chain: their length is known now.
    if (cms.length > contentsBytes && token && attempt === 0) continue;
    file.append(placeholder.fill(cms), more);
    const contents = new Uint8Array(contentsBytes);
    contents.set(cms);
    const chains: Chains = [{ role: 'signer', certificates: input.certificates, at: token?.at ?? input.signedAt }];
    if (token) chains.push({ role: 'timestamp', certificates: token.certificates, at: token.at });
    return { contents, chains };
  }
}

function prepare(file: RevisedFile, input: SignPdfInput, form: PdfSignatureForm, contentsBytes: number): SignaturePlaceholder {
  const { fieldName, stamp, furtherStamps = [], seam, reserve = [], certification, reason, signedAt } = input;
  const view = openPdf(file.bytes).viewAt(file.bytes.length);
  assertSignable(view, {
    fieldName,
    visible: stamp !== undefined,
    changesPages: furtherStamps.length + reserve.length > 0 || seam !== undefined,
    certification: certification !== undefined,
  });
  const increment = new Increment(view);
  const number = increment.allot();
  const { reference } = prepareField(view, increment, number, input);
  return new SignaturePlaceholder(file, increment, {
    number,
    entries: `/Type/Sig/Filter/Adobe.PPKLite/SubFilter/${form === 'pades' ? 'ETSI.CAdES.detached' : 'adbe.pkcs7.detached'}`,
    more: `/M(${writeDate(signedAt)})${reason ? `/Reason${writeText(reason)}` : ''}${reference}`,
    contentsBytes,
    seed: `${fieldName} ${signedAt.toISOString()} ${file.bytes.length} `,
  });
}

/** §7.9.4, in UTC. */
function writeDate(date: Date): string {
  return `D:${date.toISOString().replace(/\D/g, '').slice(0, 14)}+00'00'`;
}
