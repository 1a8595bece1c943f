import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ProgramRun {
  status: number | null;
  stdout: Buffer;
  stderr: Buffer;
}

/** Runs `openssl` with files that exist for this run only: an argument `@name` becomes the path of that file. */
export function runOpenSsl(args: readonly string[], files: Readonly<Record<string, Uint8Array>> = {}): ProgramRun {
  return runProgram('openssl', args, files);
}

/** The same for another program. */
export function runProgram(program: string, args: readonly string[], files: Readonly<Record<string, Uint8Array>> = {}): ProgramRun {
  const folder = mkdtempSync(join(tmpdir(), 'tongren-'));
  try {
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
    const named = args.map((item) => (item.startsWith('@') ? join(folder, item.slice(1)) : item));
    const { status, stdout, stderr } = spawnSync(program, named, { maxBuffer: 2 ** 24 });
    return { status, stdout, stderr };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
