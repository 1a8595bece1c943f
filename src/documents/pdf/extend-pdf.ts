/**
 * Keeping signatures provable (EN 319 142-1 §5.5): adds to a signed PDF what levels B-T, B-LT and B-LTA ask for, by anybody's
 * signatures, and renews an archive timestamp before its authority's certificate or algorithm weakens. Each signature is
 * judged first: what cannot be proven any more cannot be kept provable.
 */
import { DerError } from '#crypto/der.ts';
import type { DigestName } from '#crypto/suite.ts';
import type { SignatureReport, VerifyOptions } from '#documents/verdict.ts';
import { Problem } from '#problem.ts';
import { addDocumentTimestamp, addSecurityStore, viewOf } from './add-validation-data.ts';
import { storedData } from './document-security-store.ts';
import { findSignatures } from './find-signatures.ts';
import { type LocatedSignature, locateSignature } from './locate-signature.ts';
import { PdfError } from './pdf-values.ts';
import type { RequestTimestamp } from './request-timestamp.ts';
import { RevisedFile } from './revised-file.ts';
import { chainsOf } from './signature-chains.ts';
import { type CollectValidationData, joinValidationData } from './validation-data.ts';
import { verifyPdf } from './verify-pdf.ts';
import type { StoreEntry } from './write-security-store.ts';

export type ExtensionLevel = 't' | 'lt' | 'lta';

export interface ExtendPdfInput {
  level: ExtensionLevel;
  timestamp: RequestTimestamp;
  /** Of the document timestamp's imprint. */
  digest: DigestName;
  validationData: CollectValidationData;
  /** How the signatures are judged before anything is added. */
  trust: VerifyOptions;
}

export interface ExtendedPdf {
  pdf: Uint8Array;
  /** What was appended, in order. Empty when the file has the level already. */
  added: readonly ('timestamp' | 'validation-data')[];
}

/**
 * Level `t` timestamps the document when a signature has no proven time; `lt` adds missing validation data too; `lta` adds
 * the data and always a new document timestamp over it. Throws Problem `pdf-not-extendable`, `pdf-encrypted`,
 * `validation-data-missing`, `timestamp-not-usable`, and what the functions throw.
 */
export async function extendPdf(pdf: Uint8Array, input: ExtendPdfInput): Promise<ExtendedPdf> {
  const { level, timestamp, digest } = input;
  const reports = assertExtendable(pdf, input.trust);
  const file = new RevisedFile(pdf);
  let added: ExtendedPdf['added'] = [];
  try {
    if (level !== 'lta' && reports.some(({ time }) => time.proven === null)) {
      await addDocumentTimestamp(file, timestamp, digest, level === 'lt');
      added = [...added, 'timestamp'];
    }
    if (level !== 't' && addSecurityStore(file, await storeEntries(file, reports, input), level === 'lta')) {
      added = [...added, 'validation-data'];
    }
    if (level === 'lta') {
      await addDocumentTimestamp(file, timestamp, digest);
      added = [...added, 'timestamp'];
    }
  } catch (error) {
    if (error instanceof PdfError || error instanceof DerError) throw new Problem('pdf-not-extendable', { cause: error });
    throw error;
  }
  return { pdf: file.bytes, added };
}

function assertExtendable(pdf: Uint8Array, trust: VerifyOptions): SignatureReport[] {
  const { report } = verifyPdf(pdf, trust);
  if (report.reasons.includes('encrypted')) throw new Problem('pdf-encrypted');
  const { signatures } = report;
  if (signatures.length === 0) refuse('There is no signature in the PDF.', 'PDF 中没有签名。');
  const wrong = signatures.filter(({ verdict }) => verdict !== 'genuine' && verdict !== 'partly-covered');
  if (wrong.length > 0) {
    const what = wrong.map(({ index, verdict, reasons }) => `${index + 1}: ${verdict} (${reasons.join(', ')})`).join('; ');
    refuse(`Signature ${what}. Only good signatures can be kept provable.`, `签名 ${what}。只有有效的签名才能延长。`);
  }
  const late = signatures.filter(({ subIndication }) => subIndication === 'OUT_OF_BOUNDS_NO_POE');
  if (late.length > 0) {
    const which = late.map(({ index }) => index + 1).join(', ');
    refuse(
      `It is too late for signature ${which}: its certificate, or its timestamp’s, ended before any timestamp covered it.`,
      `签名 ${which} 已无法延长：其证书或时间戳机构的证书已到期，此前没有时间戳覆盖。`,
    );
  }
  return signatures;
}

/** One entry for each signature, timestamps included: what is missing for its chains, and what the file has of them. */
async function storeEntries(file: RevisedFile, reports: readonly SignatureReport[], input: ExtendPdfInput): Promise<StoreEntry[]> {
  const view = viewOf(file);
  const known = storedData(view);
  const located = findSignatures(view.file, view).map((found, index) => locateSignature(view.file, found, index));
  const entries: StoreEntry[] = [];
  for (const [index, { contents, range }] of located.entries()) {
    if (!contents || !range) continue;
    const { proven, claimed } = reports[index]?.time ?? { proven: null, claimed: null };
    const later = reports.flatMap(({ kind, time }, other) =>
      kind === 'timestamp' && time.proven && (located[other]?.range?.end ?? 0) > range.end ? [new Date(time.proven).getTime()] : [],
    );
    const stampedUntil = later.length > 0 ? new Date(Math.min(...later)) : input.trust.at;
    const at = new Date(proven ?? claimed ?? stampedUntil);
    const chains = chainsOf(located[index] as LocatedSignature, known.certificates, at, stampedUntil);
    const data = await Promise.all(chains.map((chain) => input.validationData(chain, known)));
    entries.push({ contents, data: joinValidationData(...data) });
  }
  return entries;
}

function refuse(detail: string, detailZh: string): never {
  throw new Problem('pdf-not-extendable', { detail, detailZh });
}
