/** What the server and its threads for files from outside say to each other: structured-cloneable, certificates as DER. */
import type { ProvenPdf } from '#documents/pdf/prove-signed-pdf.ts';
import type { HeldKeySigning } from '#documents/pdf/sign-with-held-key.ts';
import type { FileVerdict } from '#documents/verdict.ts';
import type { AnchorConstraints } from '#pki/anchor-constraints.ts';
import type { FieldFault, ProblemCode } from '#problem.ts';

export interface TrustBytes {
  anchors: Uint8Array[];
  intermediates: Uint8Array[];
  crls: Uint8Array[];
  /** Anchors of the trust list that are in force. */
  listed: { anchor: Uint8Array; extra: Uint8Array[]; constraints: AnchorConstraints; official: boolean }[];
}

export interface VerificationTask {
  kind: 'verify';
  bytes: Uint8Array;
  name: string;
  at: Date;
  trust: TrustBytes;
  withPictures: boolean;
}

export interface PictureTask {
  kind: 'picture';
  bytes: Uint8Array;
  format: 'ofd' | 'pdf';
  page: number;
  dpi: number;
}

/** A PDF is to be signed with a key that its holder keeps: what is there to sign? */
export interface PrepareSignatureTask {
  kind: 'prepare-signature';
  bytes: Uint8Array;
  signing: HeldKeySigning;
}

/** The holder has signed: the signature goes into the file, with what proves it later. */
export interface FinishSignatureTask {
  kind: 'finish-signature';
  bytes: Uint8Array;
  signing: HeldKeySigning;
  signature: Uint8Array;
  at: Date;
  trust: TrustBytes;
}

export type WorkerTask = VerificationTask | PictureTask | PrepareSignatureTask | FinishSignatureTask;

export interface VerificationAnswer {
  report: FileVerdict;
  licenceIdentifier?: string;
  licenceDataDigest?: string;
  /** PNG of the first pages. */
  pictures: Uint8Array[];
}

export interface PictureAnswer {
  picture: Uint8Array;
}

export interface PreparedSignature {
  /** DER of the signed attributes. */
  toBeSigned: Uint8Array;
}

export type WorkerAnswer = VerificationAnswer | PictureAnswer | PreparedSignature | ProvenPdf;

/** What a thread asks of the server while it works: small things, made with keys it has not. */
export type Question = { about: 'timestamp'; imprint: Uint8Array; suite: 'es256' | 'sm2-sm3' } | { about: 'ocsp'; request: Uint8Array };

/** A Problem on its way between threads. */
export interface SentProblem {
  code: ProblemCode;
  detail?: string;
  detailZh?: string;
  errors: readonly FieldFault[];
  retryAfterSeconds?: number;
}

/** From the thread: an answer, why there is none, or a question. */
export type WorkerMessage = { answer: WorkerAnswer } | { failure: string; problem?: SentProblem } | { number: number; question: Question };

/** To the thread besides its task. */
export type QuestionReply = { number: number } & ({ reply: Uint8Array } | { problem: SentProblem });
