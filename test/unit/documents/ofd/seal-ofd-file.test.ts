/** From disk to disk: the same file as in memory, and never more of it in memory than a few pieces. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { BytesInFile } from '#documents/container/byte-source.ts';
import { digestEntry } from '#documents/container/digest-entry.ts';
import { readZip } from '#documents/container/read-zip.ts';
import { openOfd } from '#documents/ofd/ofd-package.ts';
import { sealOfd } from '#documents/ofd/seal-ofd.ts';
import { sealOfdFile } from '#documents/ofd/seal-ofd-file.ts';
import { verifyOfd } from '#documents/ofd/verify-ofd.ts';
import { writeLargeOfd, writeReferencesOfd } from '#test/bench/large-ofd.ts';
import { PROVIDER, packFiles, SealingTown, SIGNED_AT, sampleFiles } from '#test/fakes/sample-ofd.ts';

const MIB = 1024 * 1024;
const folder = mkdtempSync(join(tmpdir(), 'ofd-file-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
const town = new SealingTown();
const input = async () => ({
  seal: await town.seal(),
  signerCertificate: town.signer.certificate.der,
  signedAt: SIGNED_AT,
  stamps: [{ pageIndex: 0, xMm: 140, yMm: 220, widthMm: 42, heightMm: 42 }],
  provider: PROVIDER,
  lock: true,
  // A fixed value: whether it verifies is for the other tests.
  sign: async () => new Uint8Array(70),
});

test('gives the bytes that sealing in memory gives, large entries, stored and deflated, included', async () => {
  const text = Array.from({ length: 200_000 }, (_, n) => `line ${n * 7919}`).join('\n');
  const ofd = packFiles({ ...sampleFiles(), 'Doc_0/Res/long.txt': text });
  writeFileSync(at('a.ofd'), ofd);
  const sealing = await input();
  await sealOfdFile(at('a.ofd'), at('b.ofd'), sealing);
  expect(readFileSync(at('b.ofd')).equals(await sealOfd(ofd, sealing))).toBe(true);
  expect(existsSync(at('b.ofd.unfinished'))).toBe(false);
  await sealOfdFile(at('a.ofd'), at('a.ofd'), sealing);
  expect(readFileSync(at('a.ofd')).equals(readFileSync(at('b.ofd')))).toBe(true);
});

test('a file that cannot be sealed leaves nothing behind', async () => {
  const damaged = Buffer.from(packFiles({ ...sampleFiles(), 'Doc_0/Res/big.bin': Buffer.alloc(2 * MIB, 'abcdefg') }));
  const local = damaged.indexOf('Doc_0/Res/big.bin') + 60;
  damaged.writeUInt8((damaged.at(local) ?? 0) ^ 0xff, local);
  writeFileSync(at('damaged.ofd'), damaged);
  await expect(sealOfdFile(at('damaged.ofd'), at('never.ofd'), await input())).rejects.toMatchObject({ code: 'ofd-not-readable' });
  await expect(sealOfdFile(at('absent.ofd'), at('never.ofd'), await input())).rejects.toMatchObject({ code: 'ENOENT' });
  expect([existsSync(at('never.ofd')), existsSync(at('never.ofd.unfinished'))]).toEqual([false, false]);
});

test('an archive is read from a file as it is from memory', async () => {
  writeFileSync(at('c.ofd'), await town.sealed());
  const source = new BytesInFile(at('c.ofd'));
  const [file, memory] = [readZip(source), readZip(readFileSync(at('c.ofd')))];
  expect([...file.entries.keys()]).toEqual([...memory.entries.keys()]);
  for (const name of file.entries.keys()) expect(Buffer.from(file.read(name)).equals(memory.read(name))).toBe(true);
  expect(verifyOfd(source, town.options)).toEqual(verifyOfd(readFileSync(at('c.ofd')), town.options));
  source.close();
});

test('opening and sealing 200 pages and 25 MiB reads no piece longer than a mebibyte', async () => {
  writeLargeOfd(at('pages.ofd'), { pages: 200, pictureBytes: MIB / 8 });
  const read = BytesInFile.prototype.read;
  let longest = 0;
  BytesInFile.prototype.read = function (start, end) {
    longest = Math.max(longest, end - start);
    return read.call(this, start, end);
  };
  try {
    await sealOfdFile(at('pages.ofd'), at('sealed.ofd'), await input());
  } finally {
    BytesInFile.prototype.read = read;
  }
  expect(longest).toBeLessThanOrEqual(MIB);
  const sealed = openOfd(readFileSync(at('sealed.ofd')));
  expect(sealed.documents).toHaveLength(1);
  expect(sealed.archive.has('Doc_0/Signs/Sign_0/SignedValue.dat')).toBe(true);
});

test('the digest of a file that swells beyond what it states stops there', async () => {
  const ofd = packFiles({ ...sampleFiles(), 'Doc_0/Res/big.bin': Buffer.alloc(4 * MIB, 'abcdefg') });
  const entry = readZip(ofd).entries.get('Doc_0/Res/big.bin');
  if (!entry) throw new Error('no such entry');
  await expect(digestEntry({ ...entry, size: 1000, pieces: () => entry.pieces() }, 'sm3')).rejects.toMatchObject({
    reason: 'size-mismatch',
  });
  await expect(digestEntry({ ...entry, crc: 1, pieces: () => entry.pieces() }, 'sm3')).rejects.toMatchObject({ reason: 'crc-mismatch' });
});

test('a form that comes again is digested once, and one that differs in a byte anew', async () => {
  const form = Array.from({ length: 20_000 }, (_, n) => `line ${n}`).join('\n');
  const other = `${form.slice(0, -1)}x`;
  const packed = (text: string) => packFiles({ ...sampleFiles(), 'Doc_0/Tpls/Tpl_0/form.xml': text });
  for (const text of [form, form, other, form]) {
    const sealed = await town.sealed(packed(text));
    const xml = Buffer.from(readZip(sealed).read('Doc_0/Signs/Sign_0/Signature.xml')).toString();
    expect(xml).toContain(createHash('sm3').update(text).digest('base64'));
    expect(verifyOfd(sealed, town.options).report.verdict).toBe('genuine');
  }
});

test('297,000 references in 99 signatures are judged one by one', () => {
  writeReferencesOfd(at('references.ofd'), { signatures: 99, references: 3000 });
  const { signatures } = verifyOfd(readFileSync(at('references.ofd')), town.options).report;
  expect(signatures).toHaveLength(99);
  for (const { verdict, reasons } of signatures)
    expect([verdict, ...reasons]).toEqual(['unsupported', 'no-certificate', 'type-differs-from-value']);
});

const peakOf = (...args: string[]) => {
  const run = spawnSync(process.execPath, [join(import.meta.dirname, '../../../bench/ofd-memory.ts'), ...args], { encoding: 'utf8' });
  return (JSON.parse(run.stdout) as { peakMiB: number }).peakMiB;
};

test('memory stays below the aim: sealing 100 MiB from disk to disk, verifying it, and verifying 297,000 references', () => {
  writeLargeOfd(at('large.ofd'), { pages: 200, pictureBytes: MIB / 2 });
  expect(peakOf('seal-file', at('large.ofd'), at('large-sealed.ofd'))).toBeLessThan(300);
  expect(peakOf('verify-file', at('large-sealed.ofd'))).toBeLessThan(300);
  expect(peakOf('verify', at('references.ofd'))).toBeLessThan(300);
}, 30_000);
