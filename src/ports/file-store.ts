/** Files by name: licence files at rest. Names are ours (`licences/<id>/<version>.ofd.enc`), never a user's. Contents are already encrypted. */
export interface FileStore {
  /** Whole or not at all: a reader never sees half a file. Overwrites. */
  put(name: string, content: Uint8Array): Promise<void>;
  find(name: string): Promise<Uint8Array | undefined>;
  /** With what somebody who died in the middle of `create` left of it. */
  remove(name: string): Promise<void>;
  /** All below this name (`seal-jobs/<id>`). */
  removeFolder(name: string): Promise<void>;
  /** For files too large to be held: only the pieces asked for are read. The caller closes it. */
  open(name: string): Promise<StoredFile | undefined>;
  /** The same for writing: piece by piece, and there for readers only when finished. One at a time under a name. */
  create(name: string): Promise<FileInMaking>;
}

export interface StoredFile {
  /** Bytes. */
  readonly length: number;
  /** The bytes from `start` up to, not including, `end`; never fewer. */
  read(start: number, end: number): Buffer;
  close(): void;
}

/** Either `finish` or `abandon` must be called. */
export interface FileInMaking {
  write(part: Uint8Array): void;
  /** From here the file is whole, safe on the disk, and under its name. */
  finish(): Promise<void>;
  /** Leaves nothing. */
  abandon(): Promise<void>;
}
