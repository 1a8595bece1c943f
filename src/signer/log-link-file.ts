import { closeSync, existsSync, fsyncSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Links between the keys of a signer's log, one on each line, added at the end and never changed. */
export interface LinkFile {
  lines(): string[];
  /** On the disk when this returns. */
  add(jws: string): void;
  /** Whether anybody has written since `lines` was last asked. */
  isChanged(): boolean;
}

export function openLinkFile(path: string): LinkFile {
  const stamp = () => {
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat ? `${stat.ino} ${stat.size} ${stat.mtimeMs}` : '';
  };
  let seen: string | undefined;
  return {
    lines() {
      seen = stamp();
      return linksIn(existsSync(path) ? readFileSync(path, 'utf8') : '');
    },
    add(jws) {
      const descriptor = openSync(path, 'a', 0o600);
      try {
        // Whoever was cut off in the middle of a line before has spoilt that line alone.
        writeSync(descriptor, `\n${jws}\n`);
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
      const folder = openSync(dirname(path), 'r');
      fsyncSync(folder);
      closeSync(folder);
    },
    isChanged: () => stamp() !== seen,
  };
}

/** The lines of such a file. */
export function linksIn(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
}
