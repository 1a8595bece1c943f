/**
 * One file, two archives: readers find the central directory by the offset that the end record states, or by going back from the
 * end record by the directory's size. Both must lead to the same directory.
 */
import { crc32, deflateRawSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { readZip } from '#documents/container/read-zip.ts';
import { writeZip } from '#documents/container/write-zip.ts';
import { verifyOfd } from '#documents/ofd/verify-ofd.ts';
import { SealingTown, sampleFiles, unpack } from '#test/fakes/sample-ofd.ts';

const TIME = new Date('2026-11-20T08:00:00Z');
const PAGE = 'Doc_0/Pages/Page_0/Content.xml';
const town = new SealingTown();
let genuine: Record<string, Uint8Array>;
beforeAll(async () => {
  genuine = unpack(await town.sealed());
});

const endOf = (archive: Buffer) => archive.lastIndexOf('PK\x05\x06', undefined, 'latin1');
const storedOffset = (archive: Buffer) => archive.readUInt32LE(endOf(archive) + 16);
const pack = (files: Record<string, Uint8Array>, store: readonly string[] = []) =>
  Buffer.from(
    writeZip(
      Object.entries(files).map(([name, data]) => ({ name, data, store: store.includes(name) })),
      { time: TIME },
    ),
  );

/** What a reader sees that goes by the stored offset alone: names and where their data would start. */
function namesByStoredOffset(archive: Buffer): string[] {
  const names: string[] = [];
  let at = storedOffset(archive);
  while (archive.readUInt32LE(at) === 0x02014b50) {
    const [name, extra, comment] = [28, 30, 32].map((field) => archive.readUInt16LE(at + field)) as [number, number, number];
    const local = archive.readUInt32LE(at + 42);
    expect(archive.readUInt32LE(local)).toBe(0x04034b50);
    names.push(archive.toString('utf8', at + 46, at + 46 + name));
    at += 46 + name + extra + comment;
  }
  return names;
}

/** The forger's archive as the content of an entry, its offsets counted from the start of the file that it will lie in. */
function forgedArchive(files: Record<string, Uint8Array>, base: number): Buffer {
  const archive = pack(files);
  const directory = storedOffset(archive);
  for (let at = directory; archive.readUInt32LE(at) === 0x02014b50; ) {
    archive.writeUInt32LE(archive.readUInt32LE(at + 42) + base, at + 42);
    at += 46 + archive.readUInt16LE(at + 28) + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  return archive.subarray(0, endOf(archive));
}

/** The sealed package with the forger's inside an entry nobody links to, and so many bytes in front that the stored offset leads there. */
function twoInOne(): Buffer {
  const pages = { ...genuine, [PAGE]: Buffer.from((sampleFiles()[PAGE] ?? '').replaceAll('2026', '2099')) };
  const entry = 'Doc_0/notes.bin';
  const headerBytes = 30 + entry.length;
  const inside = (base: number) => forgedArchive(pages, base);
  const length = inside(0).length;
  const outer = pack({ [entry]: Buffer.alloc(length), ...genuine }, [entry]);
  const forgedDirectory = headerBytes + storedOffset(pack(pages));
  const front = storedOffset(outer) - forgedDirectory;
  const content = inside(front + headerBytes);
  return Buffer.concat([Buffer.alloc(front, 'v'), pack({ [entry]: content, ...genuine }, [entry])]);
}

describe('a package that holds another', () => {
  test('to which the stored offset leads is refused', () => {
    const forged = twoInOne();
    expect(namesByStoredOffset(forged)).toContain(PAGE);
    expect(namesByStoredOffset(forged)).not.toContain('Doc_0/notes.bin');
    expect(() => readZip(forged)).toThrow(expect.objectContaining({ reason: 'several-archives' }));
    expect(verifyOfd(forged, town.options).report).toMatchObject({ verdict: 'malformed', official: false });
  });

  test('bytes in front and an archive as an attachment are nothing to speak of', () => {
    const whole = pack({ ...genuine, 'Doc_0/notes.bin': pack(genuine) }, ['Doc_0/notes.bin']);
    expect(verifyOfd(whole, town.options).report.verdict).toBe('genuine');
    expect(verifyOfd(Buffer.concat([Buffer.from('vendor bytes'), whole]), town.options).report.verdict).toBe('genuine');
  });
});

test('an entry of the directory beyond the stated number is refused', () => {
  const forged = pack({ [PAGE]: Buffer.from('<forged/>') });
  const local = forged.subarray(0, storedOffset(forged));
  const archive = pack({ 'Doc_0/notes.bin': local, ...genuine }, ['Doc_0/notes.bin']);
  const extra = Buffer.from(forged.subarray(storedOffset(forged), endOf(forged)));
  extra.writeUInt32LE(30 + 'Doc_0/notes.bin'.length, 42);
  const end = Buffer.from(archive.subarray(endOf(archive)));
  end.writeUInt32LE(end.readUInt32LE(12) + extra.length, 12);
  const whole = Buffer.concat([archive.subarray(0, endOf(archive)), extra, end]);
  expect(() => readZip(whole)).toThrow(expect.objectContaining({ reason: 'hidden-entry' }));
});

test('deflated data that ends early, with entries behind it that a stream reader would find, is refused', () => {
  const inside = pack({ [PAGE]: Buffer.from('<forged/>') });
  const archive = pack({ 'Doc_0/notes.bin': Buffer.concat([Buffer.alloc(inside.length + 30), inside]), ...genuine }, ['Doc_0/notes.bin']);
  const directory = archive.lastIndexOf('Doc_0/notes.bin') - 46;
  const data = 30 + 'Doc_0/notes.bin'.length;
  const [short, plain] = [deflateRawSync('nothing to see'), Buffer.from('nothing to see')];
  short.copy(archive, data);
  for (const [at, shift] of [
    [0, 0],
    [directory, 2],
  ] as const) {
    archive.writeUInt16LE(8, at + shift + 8);
    archive.writeUInt32LE(crc32(plain), at + shift + 14);
    archive.writeUInt32LE(plain.length, at + shift + 22);
  }
  expect(() => readZip(archive)).toThrow(expect.objectContaining({ reason: 'hidden-entry' }));
});

test('deflated data that happens to hold such a mark is content', () => {
  const held = pack({ 'a.zip': pack({ [PAGE]: Buffer.from('x') }) });
  expect(readZip(pack({ 'b.zip': held })).read('b.zip')).toEqual(held);
});

describe('a stored entry whose local header says nothing of its size', () => {
  /** A reader that goes from one local header to the next takes what is inside for the next entries. */
  function withSizeless(content: Buffer): Buffer {
    const archive = pack({ ...genuine, 'Doc_0/notes.bin': content }, ['Doc_0/notes.bin']);
    const at = archive.indexOf('Doc_0/notes.bin') - 30;
    expect([archive.readUInt32LE(at), archive.readUInt32LE(at + 14)]).toEqual([0x04034b50, crc32(content)]);
    archive.fill(0, at + 14, at + 26);
    return archive;
  }

  test('and which holds entries of its own is refused', () => {
    const inside = pack({ [PAGE]: Buffer.from('<forged/>') });
    expect(() => readZip(withSizeless(inside))).toThrow(expect.objectContaining({ reason: 'hidden-entry' }));
    expect(verifyOfd(withSizeless(inside), town.options).report.official).toBe(false);
  });

  test('and holds none is read, with a warning', () => {
    expect(readZip(withSizeless(Buffer.from('nothing to see'))).warnings).toContain('zip-local-header-incomplete');
  });
});
