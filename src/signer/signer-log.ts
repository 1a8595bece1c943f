/**
 * The signer's own log on disk. A line is written to the operating system before the act it tells of has any effect outside, so a
 * killed process loses none. Rare and grave acts (a key made, a policy taken, a seal made, a root's signature) are on the disk itself
 * before they take effect; the others within a second: that much a power cut can cost.
 */
import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  fdatasync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Problem } from '#problem.ts';
import { encodeLine, fileNumbers, GENESIS, hashOfLine, nameOfFile, parseLine, type SignerLogLine } from './log-line.ts';

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
const SYNC_EVERY_MS = 1_000;
const FIRST_LINE_BYTES = 1_024;
const GRAVE = new Set<SignerLogLine['event']>([
  'opened',
  'continued',
  'recovered',
  'key-creating',
  'key-created',
  'key-retiring',
  'key-retired',
  'log-key-rotated',
  'policy-taken',
  'policy-refused',
]);
const syncData = promisify(fdatasync);

/** How far the log has come. */
export interface LogPosition {
  n: number;
  hash: string;
}

export interface SignerLog {
  /** Random, from the line that opened the log; undefined where that file was moved away. */
  readonly id: string | undefined;
  /** Where the line stands. Throws Problem `signer-log-unavailable` when it cannot be written: then the act must not take effect. */
  append(line: SignerLogLine): Promise<LogPosition>;
  position(): LogPosition;
  close(): Promise<void>;
}

export interface SignerLogOptions {
  folder: string;
  /** A file longer than this is closed and the next begun; the chain goes on. Files are never deleted here. */
  maxBytes?: number;
  now: () => Date;
  /** The system calls, for tests of a full disk. */
  write?: (descriptor: number, text: string) => number;
}

/** Opens the newest file of the folder (0700, made when missing). Throws a plain Error when its end is not a line of this log. */
export function openSignerLog({ folder, maxBytes = DEFAULT_MAX_BYTES, now, write = writeText }: SignerLogOptions): SignerLog {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  let file = fileNumbers(readdirSync(folder)).at(-1) ?? 1;
  let descriptor = openSync(join(folder, nameOfFile(file)), 'a', 0o600);
  let { position, bytes, torn } = endOf(folder, file, descriptor);
  let isDirty = false;
  let failing: Problem | undefined;

  const put = (line: SignerLogLine): void => {
    const text = encodeLine(position.n + 1, position.hash, line);
    const whole = `${text}\n`;
    const length = Buffer.byteLength(whole);
    try {
      if (write(descriptor, whole) !== length) throw new Error('the line was written in part');
    } catch (cause) {
      // Whatever part of it arrived is taken back, so that the next line follows the last whole one.
      if (fstatSync(descriptor).size > bytes) ftruncateSync(descriptor, bytes);
      throw cause;
    }
    bytes += length;
    position = { n: position.n + 1, hash: hashOfLine(text) };
    isDirty = true;
  };

  const rotate = (): void => {
    const next = openSync(join(folder, nameOfFile(file + 1)), 'ax', 0o600);
    const [before, sizeBefore] = [descriptor, bytes];
    [descriptor, bytes] = [next, 0];
    try {
      put({ at: now().toISOString(), event: 'continued' });
    } catch (error) {
      [descriptor, bytes] = [before, sizeBefore];
      closeSync(next);
      throw error;
    }
    file++;
    fdatasync(before, () => closeSync(before));
  };

  const sync = async (): Promise<void> => {
    if (!isDirty) return;
    isDirty = false;
    try {
      await syncData(descriptor);
      failing = undefined;
    } catch (cause) {
      isDirty = true;
      failing = unavailable(cause);
    }
  };
  const timer = setInterval(() => void sync(), SYNC_EVERY_MS);
  timer.unref();

  if (torn > 0) {
    ftruncateSync(descriptor, bytes);
    put({ at: now().toISOString(), event: 'recovered', reason: `${torn} bytes of an unfinished line were taken back` });
  }
  if (position.n === 0) put({ at: now().toISOString(), event: 'opened', log: randomUUID() });

  return {
    id: idOf(folder),
    async append(line) {
      // A disk that would not keep the last lines is asked again before it is trusted with another.
      if (failing) await sync();
      if (failing) throw failing;
      try {
        if (bytes >= maxBytes) rotate();
        put(line);
      } catch (cause) {
        throw unavailable(cause);
      }
      const place = position;
      if (!isGrave(line)) return place;
      await sync();
      if (failing) throw failing;
      return place;
    },
    position: () => position,
    async close() {
      clearInterval(timer);
      await sync();
      closeSync(descriptor);
    },
  };
}

function isGrave({ event, purpose, key }: SignerLogLine): boolean {
  return GRAVE.has(event) || (event === 'signed' && (purpose === 'seal-info' || (key?.startsWith('ca-root-') ?? false)));
}

function unavailable(cause: unknown): Problem {
  return new Problem('signer-log-unavailable', { cause });
}

function writeText(descriptor: number, text: string): number {
  return writeSync(descriptor, text);
}

/** What the first line of the first file says, where that is still here. */
function idOf(folder: string): string | undefined {
  const path = join(folder, nameOfFile(1));
  if (!existsSync(path)) return undefined;
  const descriptor = openSync(path, 'r');
  try {
    const start = Buffer.alloc(FIRST_LINE_BYTES);
    const text = start.subarray(0, readSync(descriptor, start, 0, start.length, 0));
    return parseLine(text.subarray(0, Math.max(0, text.indexOf(0x0a))).toString('utf8'))?.log;
  } finally {
    closeSync(descriptor);
  }
}

/** Where the chain stands at the end of the newest file, and how many bytes of an unfinished line follow. */
function endOf(folder: string, file: number, descriptor: number): { position: LogPosition; bytes: number; torn: number } {
  const content = readFileSync(join(folder, nameOfFile(file)));
  const size = fstatSync(descriptor).size;
  const whole = content.lastIndexOf(0x0a) + 1;
  const torn = size - whole;
  if (whole > 0) {
    const text = content.subarray(content.lastIndexOf(0x0a, whole - 2) + 1, whole - 1);
    const line = parseLine(text.toString('utf8'));
    if (!line) throw new Error(`The signer's log ${nameOfFile(file)} does not end in a line of its own: find out who wrote there.`);
    return { position: { n: line.n, hash: hashOfLine(text) }, bytes: whole, torn };
  }
  if (file === 1) return { position: { n: 0, hash: GENESIS }, bytes: 0, torn };
  // The process ended between making this file and writing to it: the chain stands where the file before ends.
  const before = fileNumbers(readdirSync(folder))
    .filter((number) => number < file)
    .at(-1);
  if (before === undefined) throw new Error(`The signer's log begins with ${nameOfFile(file)}, which is empty.`);
  const former = openSync(join(folder, nameOfFile(before)), 'r');
  try {
    return { position: endOf(folder, before, former).position, bytes: 0, torn };
  } finally {
    closeSync(former);
  }
}
