import { spawnSync } from 'node:child_process';
import { createHash, createSign, createVerify } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPair, importPrivateKey } from '#crypto/suite.ts';
import { writeZip } from '#documents/container/write-zip.ts';
import { verifyOfd } from '#documents/ofd/verify-ofd.ts';
import { SealingTown, SIGNED_AT } from '#test/fakes/sample-ofd.ts';
import { largeOfdEntries } from './large-ofd.ts';
import { compare, type Row } from './measure.ts';

const PAGES = [1, 10, 100, 1_000];
const PICTURE_BYTES = 1024;

/** Sealing and verifying OFD files of many pages, eight at a time, and the memory that large ones take. */
export async function benchOfd(): Promise<Row[]> {
  const town = new SealingTown();
  const seal = await town.seal();
  const raw = importPrivateKey(generateKeyPair('sm2-sm3').pkcs8);
  const z = raw.publicKey.z ?? new Uint8Array();
  const rows: Row[] = [];
  for (const pages of PAGES) {
    const ofd = writeZip(largeOfdEntries({ pages, pictureBytes: PICTURE_BYTES }), { time: SIGNED_AT });
    const hash = () => createHash('sm3').update(ofd).digest();
    const value = createSign('sm3').update(z).update(hash()).sign(raw.key);
    const sign = { name: 'SM3 of the file + one SM2 signature', work: () => createSign('sm3').update(z).update(hash()).sign(raw.key) };
    const check = {
      name: 'SM3 of the file + one SM2 check',
      work: () => createVerify('sm3').update(z).update(hash()).verify(raw.publicKey.key, value),
    };
    const sealed = await town.sealed(ofd, { seal, lock: true });
    if (verifyOfd(sealed, town.options).report.verdict !== 'genuine') throw new Error(`${pages} pages do not verify`);
    const size = `${Math.round(ofd.length / 1024)} KiB`;
    rows.push(await compare(`OFD: seal, ${pages} pages, ${size}`, () => town.sealed(ofd, { seal, lock: true }), sign));
    rows.push(await compare(`OFD: verify, ${pages} pages, ${size}`, () => verifyOfd(sealed, town.options), check));
    if (pages !== 1) continue;
    const eight = async () => void (await Promise.all(Array.from({ length: 8 }, () => town.sealed(ofd, { seal, lock: true }))));
    const sequence = async () => {
      for (let i = 0; i < 8; i++) await town.sealed(ofd, { seal, lock: true });
    };
    rows.push(await compare('OFD: seal, eight at a time', eight, { name: 'eight in sequence', work: sequence }));
  }
  return [...rows, ...memoryRows()];
}

/** Each in a process of its own, so that nothing else counts. */
function memoryRows(): Row[] {
  const folder = mkdtempSync(join(tmpdir(), 'ofd-bench-'));
  const [pages, sealed, references] = ['pages', 'sealed', 'references'].map((name) => join(folder, `${name}.ofd`)) as [
    string,
    string,
    string,
  ];
  try {
    run('make-pages', pages);
    run('make-references', references);
    return [
      memoryRow('OFD: seal 200 pages, 100 MiB, from disk to disk: peak memory', run('seal-file', pages, sealed)),
      memoryRow('OFD: the same in memory: peak memory', run('seal-memory', pages)),
      memoryRow('OFD: verify it from disk: peak memory', run('verify-file', sealed)),
      memoryRow('OFD: verify 99 signatures with 297,000 references: peak memory', run('verify', references)),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Measured {
  fileMiB: number;
  peakMiB: number;
}

function run(...args: string[]): Measured {
  const child = spawnSync(process.execPath, [new URL('ofd-memory.ts', import.meta.url).pathname, ...args], { encoding: 'utf8' });
  return JSON.parse(child.stdout) as Measured;
}

function memoryRow(name: string, { peakMiB, fileMiB }: Measured): Row {
  return { name, value: peakMiB, unit: 'MiB', baseline: 'the file itself', baselineValue: fileMiB, ratio: peakMiB / fileMiB };
}
