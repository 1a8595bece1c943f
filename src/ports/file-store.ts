/** Files by name: licence files at rest. Names are ours (`licences/<id>/<version>.ofd.enc`), never a user's. Contents are already encrypted. */
export interface FileStore {
  /** Whole or not at all: a reader never sees half a file. Overwrites. */
  put(name: string, content: Uint8Array): Promise<void>;
  find(name: string): Promise<Uint8Array | undefined>;
  remove(name: string): Promise<void>;
}
