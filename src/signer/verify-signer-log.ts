/** Checking a signer's log: every line whole, numbered on, and bound to the one before; and as long as the heads say. */

import type { LogHead } from './log-head.ts';
import { FOLLOWED, GENESIS, hashOfLine, parseLine } from './log-line.ts';
import type { HeadKey } from './read-head-keys.ts';
import type { LogPosition } from './signer-log.ts';

export interface LogFile {
  name: string;
  bytes: Uint8Array;
}

export interface LogFault {
  file: string;
  /** Place in the file, from 1. */
  line: number;
  fault:
    | 'unreadable'
    | 'cut-line'
    | 'changed-or-missing-before'
    | 'number-missing'
    | 'number-again'
    | 'not-the-beginning'
    | 'missing-at-end'
    | 'not-that-of-head'
    | 'not-that-of-key'
    | 'head-of-former-key';
}

export interface LogReport {
  lines: number;
  /** Number of the first line given; above 1 when earlier files were archived. */
  first: number | undefined;
  last: LogPosition | undefined;
  events: Record<string, number>;
  /** Heads that the lines confirmed. */
  headsConfirmed: number;
  /** Changes of the key of the heads that the lines confirmed. */
  keysConfirmed: number;
  faults: LogFault[];
}

/** After so many the rest is not listed: one removed file must not drown the page. */
const MAX_FAULTS = 100;

/**
 * @param files in the order of their numbers.
 * @param keys of the heads: what one signed past the line in which it was succeeded does not count, whoever had it then.
 */
export function verifySignerLog(files: readonly LogFile[], heads: readonly LogHead[] = [], keys: readonly HeadKey[] = []): LogReport {
  const report: LogReport = { lines: 0, first: undefined, last: undefined, events: {}, headsConfirmed: 0, keysConfirmed: 0, faults: [] };
  const wanted = new Map<number, LogHead[]>();
  for (const head of heads) wanted.set(head.n, [...(wanted.get(head.n) ?? []), head]);
  const add = (file: string, line: number, fault: LogFault['fault']) => {
    if (report.faults.length < MAX_FAULTS) report.faults.push({ file, line, fault });
  };
  const seen: SeenLines = { log: undefined, followedAt: new Map(), lines: new Map() };
  const asked = new Set([...wanted.keys(), ...keys.flatMap(({ link }) => link?.n ?? [])]);
  let before: LogPosition | undefined;
  let end = { file: files.at(-1)?.name ?? '', line: 0 };

  for (const { name, bytes } of files) {
    const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    let line = 0;
    for (let from = 0; from < content.length; ) {
      line++;
      const feed = content.indexOf(0x0a, from);
      const text = content.subarray(from, feed < 0 ? content.length : feed);
      from = feed < 0 ? content.length : feed + 1;
      end = { file: name, line };
      const parsed = parseLine(text.toString('utf8'));
      const hash = hashOfLine(text);
      if (feed < 0) add(name, line, 'cut-line');
      else if (!parsed) add(name, line, 'unreadable');
      if (!parsed) {
        // Its number is taken to be the next, so that one unreadable line is one fault and the next says what it was bound to.
        before = { n: (before?.n ?? 0) + 1, hash };
        continue;
      }
      if (!before) {
        if (parsed.n === 1 && parsed.previous !== GENESIS) add(name, line, 'not-the-beginning');
      } else {
        if (parsed.n > before.n + 1) add(name, line, 'number-missing');
        else if (parsed.n <= before.n) add(name, line, 'number-again');
        if (parsed.previous !== before.hash) add(name, line, 'changed-or-missing-before');
      }
      for (const head of wanted.get(parsed.n) ?? []) {
        if (head.hash === hash) report.headsConfirmed++;
        else add(name, line, 'not-that-of-head');
      }
      if (asked.has(parsed.n)) seen.lines.set(parsed.n, { hash, file: name, line });
      seen.log ??= parsed.log;
      if (parsed.event === 'log-key-rotated' && parsed.reason === FOLLOWED && parsed.key) seen.followedAt.set(parsed.key, parsed.n);
      report.lines++;
      report.first ??= parsed.n;
      report.events[parsed.event] = (report.events[parsed.event] ?? 0) + 1;
      before = { n: parsed.n, hash };
    }
  }
  report.last = before;
  const furthest = Math.max(0, ...heads.map(({ n }) => n));
  if (furthest > (before?.n ?? 0)) add(end.file, end.line, 'missing-at-end');
  for (const { name, link } of keys) {
    if (!name || !link) continue;
    const followed = seen.followedAt.get(name);
    // Where several processes share one store, a key may have been introduced in the log of another.
    const isOther = followed !== undefined || (link.log !== undefined && seen.log !== undefined && link.log !== seen.log);
    if (!isOther) {
      const place = seen.lines.get(link.n);
      if (place?.hash === link.hash) report.keysConfirmed++;
      else if (place) add(place.file, place.line, 'not-that-of-key');
      else if (link.n > Math.max(before?.n ?? 0, furthest)) add(end.file, end.line, 'missing-at-end');
    }
    const cut = isOther ? followed : link.n;
    for (const head of heads) {
      if (cut === undefined || head.key !== link.previous || head.n <= cut) continue;
      const place = seen.lines.get(head.n);
      if (place?.hash === head.hash) report.headsConfirmed--;
      add(place?.file ?? end.file, place?.line ?? end.line, 'head-of-former-key');
    }
  }
  return report;
}

interface SeenLines {
  /** What the line says that opened the log, where that is among the files. */
  log: string | undefined;
  /** Name of a key → the line in which this log went over to it, where another log introduced it. */
  followedAt: Map<string, number>;
  /** Number of a line that is asked about → where it is. */
  lines: Map<number, { hash: string; file: string; line: number }>;
}
