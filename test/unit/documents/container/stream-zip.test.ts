import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readZip } from '#documents/container/read-zip.ts';
import { type StreamedEntry, streamZip } from '#documents/container/stream-zip.ts';
import { writeZip } from '#documents/container/write-zip.ts';

const TIME = new Date('2026-11-21T08:00:00Z');
const entry = (name: string, text: string, change: Partial<StreamedEntry> = {}): StreamedEntry => {
  const data = Buffer.from(text);
  return { name, time: TIME, size: data.length, crc: crc32(data), pieces: [data.subarray(0, 3), data.subarray(3)], ...change };
};

async function* each(entries: readonly StreamedEntry[]) {
  yield* entries;
}

async function whole(...entries: StreamedEntry[]): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of streamZip(each(entries))) pieces.push(piece);
  return Buffer.concat(pieces);
}

test('the strictest of our readers opens it without a warning, and finds what was put in', async () => {
  const inner = Buffer.from(writeZip([{ name: 'OFD.xml', data: Buffer.from('an archive within') }], { time: TIME })).toString('latin1');
  const nested = { size: inner.length, crc: crc32(Buffer.from(inner, 'latin1')), pieces: [Buffer.from(inner, 'latin1')] };
  const archive = readZip(await whole(entry('通知书.pdf', 'one'), entry('子目录/a.ofd', '', nested), entry('empty', '')));
  expect(archive.warnings).toEqual([]);
  expect([...archive.entries.keys()]).toEqual(['通知书.pdf', '子目录/a.ofd', 'empty']);
  expect(Buffer.from(archive.read('通知书.pdf')).toString()).toBe('one');
  expect(Buffer.from(archive.read('子目录/a.ofd')).toString('latin1')).toBe(inner);
  expect(archive.read('empty')).toHaveLength(0);
  const [first] = archive.entries.values();
  expect(first).toMatchObject({ method: 0, flags: 0x800 });
});

test('without entries it is an empty archive', async () => {
  expect(readZip(await whole()).entries.size).toBe(0);
});

describe('it breaks off', () => {
  test.each([
    ['at a name that leads out', [entry('../a', 'x')]],
    ['at the same name again', [entry('a', 'x'), entry('a', 'y')]],
    ['when there is more than was said', [entry('a', 'xyz', { size: 2 })]],
    ['when there is less than was said', [entry('a', 'xyz', { size: 4 })]],
    ['when it is not what was said', [entry('a', 'xyz', { crc: crc32(Buffer.from('xyZ')) })]],
    ['at an entry of 4 GiB', [entry('a', '', { size: 2 ** 32 - 1 })]],
  ])('%s', async (_what, entries) => {
    await expect(whole(...entries)).rejects.toThrow();
  });
});

test('whoever stops in the middle ends the entry and the list of entries', async () => {
  const ended: string[] = [];
  async function* endless() {
    try {
      for (;;) yield Buffer.alloc(10);
    } finally {
      ended.push('entry');
    }
  }
  async function* entries() {
    try {
      yield entry('a', '', { size: 1_000_000, pieces: endless() });
    } finally {
      ended.push('entries');
    }
  }
  let seen = 0;
  for await (const _ of streamZip(entries())) if (++seen === 5) break;
  expect(ended).toEqual(['entry', 'entries']);
});
