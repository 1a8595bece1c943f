/** What the server and its verification threads say to each other: structured-cloneable, certificates as DER. */
import type { FileVerdict } from '#documents/verdict.ts';
import type { AnchorConstraints } from '#pki/anchor-constraints.ts';

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

export type WorkerTask = VerificationTask | PictureTask;

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

export type WorkerAnswer = VerificationAnswer | PictureAnswer;

/** Either an answer, or why there is none. */
export interface WorkerMessage {
  answer?: WorkerAnswer;
  failure?: string;
}
