/**
 * Other people's programs open the archives that we make while we send them: Info-ZIP, Python's zipfile, and Java as one that cannot go back.
 * Beyond 65,535 entries and beyond 4 GiB too, where ZIP64 begins; the latter as a file with holes.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { ArchiveNames } from '#documents/container/archive-names.ts';
import { type StreamedEntry, streamZip } from '#documents/container/stream-zip.ts';

const folder = mkdtempSync(join(tmpdir(), 'tongren-zip-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TIME = new Date('2026-11-21T08:00:00Z');
const entry = (name: string, data: Buffer): StreamedEntry => ({ name, time: TIME, size: data.length, crc: crc32(data), pieces: [data] });

async function* each(entries: Iterable<StreamedEntry>) {
  yield* entries;
}

/** Pieces of nothing but zeros become holes. */
async function store(name: string, entries: Iterable<StreamedEntry>): Promise<string> {
  const path = join(folder, name);
  const file = openSync(path, 'w');
  let at = 0;
  for await (const piece of streamZip(each(entries))) {
    if (piece !== ZEROS) writeSync(file, piece, 0, piece.length, at);
    at += piece.length;
  }
  ftruncateSync(file, at);
  closeSync(file);
  return path;
}

const ZEROS = Buffer.alloc(64 * 1024 * 1024);

function run(command: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
  return { status, stdout, stderr };
}

const PYTHON = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    names = archive.namelist()
    picked = sys.argv[2:] or names
    print(json.dumps({'count': len(names), 'texts': {name: archive.read(name).decode() for name in picked}}))
`;
const python = (path: string, ...names: string[]) => {
  const { status, stdout, stderr } = run('python3', '-c', PYTHON, path, ...names);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return JSON.parse(stdout) as { count: number; texts: Record<string, string> };
};

/** Reads from the front and never looks at the directory. */
const JAVA = `
import java.io.*; import java.util.zip.*;
public class FromTheFront {
  public static void main(String[] args) throws Exception {
    try (ZipInputStream in = new ZipInputStream(new FileInputStream(args[0]))) {
      for (ZipEntry e; (e = in.getNextEntry()) != null;) new PrintStream(System.out, true, "UTF-8").println(e.getName() + "=" + new String(in.readAllBytes(), "UTF-8"));
    }
  }
}
`;

const HOSTILE = [
  '../../etc/passwd',
  '/root/x.pdf',
  'C:\\x.pdf',
  '通知.pdf',
  '通知.PDF',
  'con.pdf',
  '子目录/é.pdf',
  `${'长'.repeat(196)}.pdf`,
];

describe('names of all kinds', () => {
  const names = new ArchiveNames();
  const given = HOSTILE.map((name) => names.give(name, 'key.pdf'));
  const entries = given.map((name, index) => entry(name, Buffer.from(`content ${index}`)));
  const expected = Object.fromEntries(given.map((name, index) => [name, `content ${index}`]));

  test('Python', async () => {
    expect(python(await store('names.zip', entries))).toEqual({ count: HOSTILE.length, texts: expected });
  });

  test('Info-ZIP tests it, unpacks all of it into the folder it is told, and has nothing to say', async () => {
    const path = await store('unzip.zip', entries);
    expect(run('unzip', '-tqq', path)).toEqual({ status: 0, stdout: '', stderr: '' });
    const out = join(folder, 'out');
    expect(run('unzip', '-qq', path, '-d', out)).toEqual({ status: 0, stdout: '', stderr: '' });
    // Found under their names, and to be read by those who unpacked them.
    for (const [name, content] of Object.entries(expected)) expect(readFileSync(join(out, name), 'utf8')).toBe(content);
    expect(run('find', out, '-type', 'f', '-perm', '-444').stdout.trim().split('\n').length).toBe(HOSTILE.length);
  });

  test('Java, from the front to the back', async () => {
    const path = await store('java.zip', entries);
    const source = join(folder, 'FromTheFront.java');
    writeFileSync(source, JAVA);
    const { stdout, stderr, status } = run('java', '-Dfile.encoding=UTF-8', source, path);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout.trim().split('\n')).toEqual(given.map((name, index) => `${name}=content ${index}`));
  });
});

test.each([65_534, 65_535, 65_536, 70_000])('%i entries', { timeout: 120_000 }, async (count) => {
  function* entries() {
    for (let n = 0; n < count; n++) yield entry(`文件-${n}.pdf`, Buffer.from(String(n)));
  }
  const path = await store(`many-${count}.zip`, entries());
  const last = `文件-${count - 1}.pdf`;
  expect(python(path, '文件-0.pdf', last)).toEqual({ count, texts: { '文件-0.pdf': '0', [last]: String(count - 1) } });
  const { status, stdout } = run('unzip', '-p', path, last);
  expect([status, stdout]).toEqual([0, String(count - 1)]);
});

test('more than four gibibytes', { timeout: 240_000 }, async () => {
  const crc = crc32(ZEROS);
  function* entries() {
    yield entry('first.txt', Buffer.from('first'));
    for (let n = 0; n < 66; n++) yield { name: `zeros-${n}`, time: TIME, size: ZEROS.length, crc, pieces: [ZEROS] };
    yield entry('最后.txt', Buffer.from('last'));
  }
  const path = await store('large.zip', entries());
  expect(python(path, 'first.txt', '最后.txt')).toEqual({ count: 68, texts: { 'first.txt': 'first', '最后.txt': 'last' } });
  const { status, stdout, stderr } = run('unzip', '-tqq', path, 'zeros-65', '最后.txt');
  expect([status, stdout, stderr]).toEqual([0, '', '']);
});
