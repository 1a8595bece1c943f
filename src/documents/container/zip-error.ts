/** Thrown for an archive that must not be read. `reason` is a stable code; `unsupported` tells a kind we do not read from damage. */
export class ZipError extends Error {
  override name = 'ZipError';
  readonly reason: string;
  readonly entry: string | undefined;
  readonly unsupported: boolean;

  constructor(reason: string, entry?: string, unsupported = false, cause?: unknown) {
    super(entry ? `${reason}: ${entry}` : reason, { cause });
    this.reason = reason;
    this.entry = entry;
    this.unsupported = unsupported;
  }
}
