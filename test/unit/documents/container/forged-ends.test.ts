/**
 * A forger's archive behind, within or instead of the sealed one, found by readers that ask less of an end record than we do, that look for
 * ZIP64 records whatever the end record says, or that unpack links.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { writeZip } from '#documents/container/write-zip.ts';
import { verifyOfd } from '#documents/ofd/verify-ofd.ts';
import { SealingTown, sampleFiles, unpack } from '#test/fakes/sample-ofd.ts';

const TIME = new Date('2026-11-20T08:00:00Z');
const PAGE = 'Doc_0/Pages/Page_0/Content.xml';
const forgedPage = Buffer.from((sampleFiles()[PAGE] ?? '').replace('测试', '伪造'));
const town = new SealingTown();
let sealed: Buffer;
let files: Record<string, Uint8Array>;
beforeAll(async () => {
  files = unpack(await town.sealed());
  sealed = pack(files);
});

const pack = (of: Record<string, Uint8Array>) =>
  Buffer.from(
    writeZip(
      Object.entries(of).map(([name, data]) => ({ name, data, store: name === 'Doc_0/notes.bin' })),
      { time: TIME },
    ),
  );
const endOf = (archive: Buffer) => archive.lastIndexOf('PK\x05\x06', undefined, 'latin1');
const startOf = (archive: Buffer) => archive.readUInt32LE(endOf(archive) + 16);
const judge = (bytes: Uint8Array) => verifyOfd(bytes, town.options).report;

/** Offsets counted from the start of a file in which the archive begins at `base`. */
function moved(archive: Buffer, base: number): Buffer {
  const copy = Buffer.from(archive);
  const directory = startOf(copy);
  for (let at = directory; copy.readUInt32LE(at) === 0x02014b50; ) {
    copy.writeUInt32LE(copy.readUInt32LE(at + 42) + base, at + 42);
    at += 46 + copy.readUInt16LE(at + 28) + copy.readUInt16LE(at + 30) + copy.readUInt16LE(at + 32);
  }
  copy.writeUInt32LE(directory + base, endOf(copy) + 16);
  return copy;
}

describe('another archive behind, its end record odd in a way that readers overlook', () => {
  test.each([
    ['on another disk', (end: Buffer) => end.writeUInt16LE(1, 4)],
    ['with its directory on another disk', (end: Buffer) => end.writeUInt16LE(1, 6)],
    ['with fewer entries on this disk', (end: Buffer) => end.writeUInt16LE(1, 8)],
    ['with a comment that is cut short', (end: Buffer) => end.writeUInt16LE(9, 20)],
  ])('%s', (_name, change) => {
    const second = moved(pack({ ...files, [PAGE]: forgedPage }), sealed.length);
    change(second.subarray(endOf(second)));
    expect(judge(Buffer.concat([sealed, second]))).toMatchObject({ verdict: 'malformed', official: false });
  });

  test('bytes of a vendor behind are nothing to speak of', () => {
    expect(judge(Buffer.concat([sealed, Buffer.from('vendor')])).verdict).toBe('genuine');
  });
});

test('ZIP64 records that lead to another directory, where the end record needs none', () => {
  const held = { ...files, [PAGE]: forgedPage };
  const base = 30 + 'Doc_0/notes.bin'.length;
  const inner = moved(pack(held), base);
  const outer = pack({ 'Doc_0/notes.bin': inner, ...files });
  const records = Buffer.alloc(76);
  records.write('PK\x06\x06', 0, 'latin1');
  records.writeBigUInt64LE(44n, 4);
  records.writeBigUInt64LE(BigInt(Object.keys(held).length), 24);
  records.writeBigUInt64LE(BigInt(Object.keys(held).length), 32);
  records.writeBigUInt64LE(BigInt(endOf(inner) - (startOf(inner) - base)), 40);
  records.writeBigUInt64LE(BigInt(startOf(inner)), 48);
  records.write('PK\x06\x07', 56, 'latin1');
  records.writeBigUInt64LE(BigInt(endOf(outer)), 64);
  records.writeUInt32LE(1, 72);
  const end = endOf(outer);
  const forged = Buffer.concat([outer.subarray(0, end), records, outer.subarray(end)]);
  expect(judge(forged)).toMatchObject({ verdict: expect.stringMatching(/malformed|unsupported/), official: false });
});

describe('where unpacking puts a file', () => {
  const directoryEntry = (archive: Buffer, name: string) => archive.lastIndexOf(name, undefined, 'latin1') - 46;

  test('a link in the place of a folder', () => {
    const forged = pack({ 'Doc_0/Pages': Buffer.from('../Forged'), ...files, 'Forged/Page_0/Content.xml': forgedPage });
    expect(judge(forged)).toMatchObject({ verdict: 'malformed', official: false });
  });

  test('a link by any name', () => {
    const forged = pack({ ...files, 'Doc_0/Annots': Buffer.from('../Forged') });
    const at = directoryEntry(forged, 'Doc_0/Annots');
    expect(judge(forged).verdict).toBe('genuine');
    forged.writeUInt16LE(3 << 8, at + 4);
    forged.writeUInt32LE(0o120777 * 0x10000, at + 38);
    expect(judge(forged)).toMatchObject({ verdict: 'malformed', official: false });
  });
});

test('stored data whose end a stream reader looks for, and finds another entry', () => {
  const inner = pack({ [PAGE]: forgedPage });
  const forged = pack({ 'Doc_0/notes.bin': inner, ...files });
  expect(judge(forged).verdict).toBe('genuine');
  forged.writeUInt16LE(8, 6);
  expect(judge(forged)).toMatchObject({ verdict: 'malformed', official: false });
});
