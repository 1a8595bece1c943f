/** What reading one PDF may cost. Each counter is shared by all views, signatures and updates of the file. */
import type { ValueBudget } from './lexer.ts';
import { PdfError } from './pdf-values.ts';

export interface PdfLimits {
  maxFileBytes: number;
  maxObjects: number;
  /** Cross-reference sections in one chain. */
  maxSections: number;
  /** Decoded bytes of one structure stream, and of all together. */
  maxStreamBytes: number;
  maxDecodedBytes: number;
  /** Objects read, over all views. */
  maxReads: number;
  /** Values (numbers, names, dictionaries…) in all objects that are read. */
  maxValues: number;
  /** Signed bytes hashed, over all signatures. */
  maxSignedBytes: number;
  /** Pairs of values compared, over all updates. */
  maxComparisons: number;
}

export const DEFAULT_PDF_LIMITS: PdfLimits = {
  maxFileBytes: 200 * 1024 * 1024,
  maxObjects: 500_000,
  maxSections: 1_000,
  maxStreamBytes: 32 * 1024 * 1024,
  maxDecodedBytes: 128 * 1024 * 1024,
  maxReads: 400_000,
  maxValues: 800_000,
  maxSignedBytes: 1024 * 1024 * 1024,
  maxComparisons: 3_000_000,
};

/** Throws PdfError from whatever goes beyond a limit. */
export class WorkBudget {
  /** Shared with the lexers. */
  readonly values: ValueBudget;
  readonly #maxStreamBytes: number;
  #decodedLeft: number;
  #readsLeft: number;
  /** Bytes that may still be lexed: objects that overlap would otherwise make the work grow with the square of the file. */
  #lexedLeft: number;
  #entriesLeft: number;
  #comparisonsLeft: number;
  #signedLeft: number;

  constructor(limits: PdfLimits, fileBytes: number) {
    this.values = { left: limits.maxValues };
    this.#maxStreamBytes = limits.maxStreamBytes;
    this.#decodedLeft = limits.maxDecodedBytes;
    this.#readsLeft = limits.maxReads;
    this.#lexedLeft = 8 * fileBytes + 16 * 1024 * 1024;
    this.#entriesLeft = limits.maxObjects * 1.5;
    this.#comparisonsLeft = limits.maxComparisons;
    this.#signedLeft = limits.maxSignedBytes;
  }

  /** How large the next stream may become. */
  get decodable(): number {
    return Math.min(this.#maxStreamBytes, this.#decodedLeft);
  }

  spendDecoded(bytes: number): void {
    this.#decodedLeft -= bytes;
    if (this.#decodedLeft < 0) throw new PdfError('stream-too-large');
  }

  spendRead(bytes: number): void {
    this.#readsLeft--;
    this.#lexedLeft -= bytes;
    if (this.#readsLeft < 0 || this.#lexedLeft < 0) throw new PdfError('work-limit');
  }

  spendEntries(count: number): void {
    this.#entriesLeft -= count;
    if (this.#entriesLeft < 0) throw new PdfError('too-many-objects');
  }

  spendComparison(): void {
    this.#comparisonsLeft--;
    if (this.#comparisonsLeft < 0) throw new PdfError('work-limit');
  }

  spendSigned(bytes: number): void {
    this.#signedLeft -= bytes;
    if (this.#signedLeft < 0) throw new PdfError('work-limit');
  }
}
