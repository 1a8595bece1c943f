import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { DEFAULT_ZIP_LIMITS, readZip } from '#documents/container/read-zip.ts';
import { writeZip } from '#documents/container/write-zip.ts';
import { ZipError } from '#documents/container/zip-error.ts';

const TIME = new Date('2026-11-20T08:00:00Z');
const file = (name: string, text = `content of ${name}`) => ({ name, data: Buffer.from(text) });
const sample = () => Buffer.from(writeZip([file('OFD.xml'), file('Doc_0/Document.xml', 'x'.repeat(500)), file('b.bin')], { time: TIME }));

/** Why an archive is refused. */
function reasonFor(bytes: Uint8Array, limits = DEFAULT_ZIP_LIMITS): string {
  try {
    const archive = readZip(bytes, limits);
    for (const name of archive.entries.keys()) archive.read(name);
    return 'accepted';
  } catch (error) {
    if (error instanceof ZipError) return error.reason;
    throw error;
  }
}

/** The sample with bytes changed at places found from a signature. */
function patched(change: (bytes: Buffer) => void): Buffer {
  const bytes = sample();
  change(bytes);
  return bytes;
}

const directoryAt = (bytes: Buffer, index = 0) => {
  let at = bytes.indexOf('PK\x01\x02', 0, 'latin1');
  for (let i = 0; i < index; i++) at = bytes.indexOf('PK\x01\x02', at + 4, 'latin1');
  return at;
};

/** A writer without scruples: names and sizes as given. */
function rawZip(entries: { name: Buffer; flags?: number; data?: Buffer; method?: number; size?: number; offset?: number }[]): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, flags = 0, data = Buffer.alloc(0), method = 0, size = data.length, offset: stated } of entries) {
    const common = Buffer.alloc(24);
    common.writeUInt16LE(flags, 0);
    common.writeUInt16LE(method, 2);
    common.writeUInt32LE(data.length, 12);
    common.writeUInt32LE(size, 16);
    common.writeUInt16LE(name.length, 20);
    const head = Buffer.concat([Buffer.from('PK\x03\x04\x14\0', 'latin1'), common, name, data]);
    const central = Buffer.concat([Buffer.from('PK\x01\x02\x14\0\x14\0', 'latin1'), common, Buffer.alloc(14), name]);
    central.writeUInt32LE(stated ?? offset, 42);
    locals.push(head);
    directory.push(central);
    offset += head.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, ...directory, end]);
}

describe('what is written is read again', () => {
  test('names, bytes and order, the same every time', () => {
    const archive = readZip(sample());
    expect([...archive.entries.keys()]).toEqual(['OFD.xml', 'Doc_0/Document.xml', 'b.bin']);
    expect(Buffer.from(archive.read('Doc_0/Document.xml')).toString()).toBe('x'.repeat(500));
    expect(archive.warnings).toEqual([]);
    expect(sample().equals(sample())).toBe(true);
  });

  test('Chinese names carry the UTF-8 flag', () => {
    const archive = readZip(writeZip([file('文件/印章.png')], { time: TIME }));
    expect(archive.has('文件/印章.png')).toBe(true);
    expect(archive.warnings).toEqual([]);
  });

  test('copied entries keep their compressed bytes', () => {
    const first = readZip(sample()).entries.get('Doc_0/Document.xml');
    if (!first) throw new Error('entry missing');
    const copy = readZip(writeZip([{ copyOf: first }], { time: TIME })).entries.get('Doc_0/Document.xml');
    expect(Buffer.from(copy?.compressed ?? [])).toEqual(Buffer.from(first.compressed));
  });

  test.each(['/a', '../a', 'a\\b', 'a//b', 'C:/a', 'a/./b'])('the name %s is not written', (name) => {
    expect(() => writeZip([file(name)], { time: TIME })).toThrow(ZipError);
  });

  test('one name twice is not written', () => {
    expect(() => writeZip([file('a'), file('a')], { time: TIME })).toThrow('two archive entries');
  });
});

describe('tolerated with a warning', () => {
  test.each([
    ['bytes in front', () => Buffer.concat([Buffer.from('vendor'), sample()]), 'zip-data-before-archive'],
    ['bytes behind', () => Buffer.concat([sample(), Buffer.from('vendor')]), 'zip-data-after-archive'],
    ['a GBK name without flag', () => rawZip([{ name: Buffer.from('d3a1d5c2', 'hex') }]), 'zip-name-gbk'],
    ['a UTF-8 name without flag', () => rawZip([{ name: Buffer.from('印章') }]), 'zip-name-utf8-without-flag'],
  ])('%s', (_case, make, warning) => {
    const archive = readZip(make());
    expect(archive.warnings).toContain(warning);
    expect(archive.entries.size).toBeGreaterThan(0);
  });

  test('an archive comment is nothing to speak of', () => {
    const comment = Buffer.from('signed by nobody');
    const bytes = Buffer.concat([sample(), comment]);
    bytes.writeUInt16LE(comment.length, bytes.length - comment.length - 2);
    expect(readZip(bytes).warnings).toEqual([]);
  });

  test('sizes left to the data descriptor', () => {
    const bytes = patched((b) => {
      b.fill(0, 14, 26);
      b.writeUInt16LE(8, 6);
      b.writeUInt16LE(8, directoryAt(b) + 8);
    });
    expect(reasonFor(bytes)).toBe('accepted');
  });
});

describe('refused', () => {
  test.each<[string, () => Uint8Array, string]>([
    ['nothing', () => Buffer.alloc(0), 'not-a-zip'],
    ['junk', () => Buffer.from('hello '.repeat(100)), 'not-a-zip'],
    ['a truncated archive', () => sample().subarray(0, -30), 'not-a-zip'],
    ['one name twice', () => rawZip([{ name: Buffer.from('a') }, { name: Buffer.from('a') }]), 'duplicate-entry'],
    ['a file and a directory of one name', () => rawZip([{ name: Buffer.from('a') }, { name: Buffer.from('a/') }]), 'duplicate-entry'],
    ['a way out', () => rawZip([{ name: Buffer.from('a/../../b') }]), 'path-traversal'],
    ['an absolute name', () => rawZip([{ name: Buffer.from('/OFD.xml') }]), 'absolute-entry-name'],
    ['a drive', () => rawZip([{ name: Buffer.from('c:OFD.xml') }]), 'absolute-entry-name'],
    ['a backslash', () => rawZip([{ name: Buffer.from('Doc_0\\a.xml') }]), 'backslash-entry-name'],
    ['a name that is not normal', () => rawZip([{ name: Buffer.from('a/./b') }]), 'entry-name-not-normal'],
    ['a control character', () => rawZip([{ name: Buffer.from('a\0b') }]), 'entry-name-control-character'],
    ['an empty name', () => rawZip([{ name: Buffer.alloc(0) }]), 'entry-name-length'],
    ['encryption', () => rawZip([{ name: Buffer.from('a'), flags: 1 }]), 'encrypted-entry'],
    ['another compression', () => rawZip([{ name: Buffer.from('a'), method: 12 }]), 'compression-method'],
    ['a damaged byte', () => patched((b) => b.writeUInt8(b.readUInt8(40) ^ 1, 40)), 'crc-mismatch'],
    ['another name in the local header', () => patched((b) => b.write('XFD.xml', 30)), 'local-header-mismatch'],
    ['another size in the local header', () => patched((b) => b.writeUInt32LE(5, 22)), 'local-header-mismatch'],
    ['entries that overlap', () => patched((b) => b.writeUInt32LE(0, directoryAt(b, 1) + 42)), 'local-header-mismatch'],
    ['two archives in a row', () => Buffer.concat([sample(), sample()]), 'several-archives'],
    ['an empty archive behind another', () => Buffer.concat([sample(), rawZip([])]), 'hidden-entry'],
    ['a second end record that fits', () => twoEnds(), 'several-archives'],
    ['an entry outside', () => patched((b) => b.writeUInt32LE(1 << 20, directoryAt(b) + 42)), 'local-header-missing'],
  ])('%s', (_case, make, reason) => {
    expect(reasonFor(make())).toBe(reason);
  });

  /** Both end records are right about a directory: which one counts depends on the reader. */
  function twoEnds(): Buffer {
    const bytes = sample();
    const end = Buffer.from(bytes.subarray(-22));
    const directory = bytes.subarray(end.readUInt32LE(16), -22);
    const second = Buffer.from(end);
    second.writeUInt32LE(directory.length + 22 + directory.length, 12);
    return Buffer.concat([bytes, directory, second]);
  }
});

describe('bombs', () => {
  const SWOLLEN = 50 * 1024 * 1024;
  const zeros = deflateRawSync(Buffer.alloc(SWOLLEN));

  test('one entry that swells a thousand times', () => {
    expect(reasonFor(rawZip([{ name: Buffer.from('a'), method: 8, data: zeros, size: SWOLLEN }]))).toBe('compression-ratio');
  });

  test('an entry that says it is small', () => {
    expect(reasonFor(rawZip([{ name: Buffer.from('a'), method: 8, data: zeros, size: 1000 }]))).toBe('entry-damaged');
  });

  test('many entries in one body', () => {
    const data = deflateRawSync(Buffer.alloc(4 * 1024 * 1024));
    const entries = Array.from({ length: 200 }, (_, i) => ({
      name: Buffer.from(`e${String(i).padStart(4, '0')}`),
      method: 8,
      data: i === 0 ? data : Buffer.alloc(0),
      size: 4 * 1024 * 1024,
      offset: 0,
    }));
    expect(['archive-too-large', 'local-header-mismatch', 'overlapping-entries']).toContain(reasonFor(rawZip(entries)));
  });

  test('true overlap: a quoted local header inside another entry', () => {
    const inner = rawZip([{ name: Buffer.from('b'), data: Buffer.from('inner') }]);
    const body = inner.subarray(0, 36);
    const bytes = rawZip([
      { name: Buffer.from('a'), data: body },
      { name: Buffer.from('b'), data: Buffer.from('inner'), offset: 31 },
    ]);
    expect(reasonFor(bytes)).toBe('overlapping-entries');
  });

  test('more entries than allowed', () => {
    const entries = Array.from({ length: 101 }, (_, i) => ({ name: Buffer.from(`e${i}`) }));
    expect(reasonFor(rawZip(entries), { ...DEFAULT_ZIP_LIMITS, maxEntries: 100 })).toBe('too-many-entries');
  });
});
