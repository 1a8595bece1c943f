import { spawnSync } from 'node:child_process';
import { createHash, sign, verify } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPair, importPrivateKey } from '#crypto/suite.ts';
import { validationDataFrom } from '#documents/pdf/collect-validation-data.ts';
import { type SignPdfInput, signPdf } from '#documents/pdf/sign-pdf.ts';
import { verifyPdf } from '#documents/pdf/verify-pdf.ts';
import { drawSealPicture } from '#seals/draw-seal-picture.ts';
import { DocumentAuthority } from '#test/fakes/document-authority.ts';
import { samplePdf } from '#test/fakes/sample-pdf.ts';
import { timestampAuthority } from '#test/fakes/timestamp-authority.ts';
import { compare, type Row } from './measure.ts';

const PAGES = [1, 10, 100, 1_000];
const HUNDRED_KIB = 100 * 1024;

/** Sealing a PDF of one page and 100 KiB: each level, many pages, eight at a time, verifying, and the memory a large one takes. */
export async function benchPdf(): Promise<Row[]> {
  const at = new Date();
  const authority = new DocumentAuthority({ suite: 'es256' });
  const signer = authority.issue('document-signer');
  const crls = [authority.crl([], new Date(at.getTime() - 60_000), new Date(at.getTime() + 86_400_000))];
  const anchors = [authority.root.certificate];
  const timestamp = timestampAuthority(authority.issue('timestamp'), () => at);
  const validationData = validationDataFrom({ anchors, crls, now: () => at });
  const { png } = await drawSealPicture({ organisationName: '通州市公安局', kind: 'official' });
  const pdf = samplePdf({ padding: HUNDRED_KIB });
  const seal = (file: Uint8Array, changes: Partial<SignPdfInput> = {}) =>
    signPdf(file, {
      certificates: [signer.certificate.der, authority.root.certificate.der],
      suite: 'es256',
      signedAt: at,
      fieldName: 'Seal',
      stamp: { pageIndex: 0, xMm: 130, yMm: 60, widthMm: 42, heightMm: 42, png },
      sign: signer.sign,
      ...changes,
    });
  const raw = importPrivateKey(generateKeyPair('es256').pkcs8);
  const hash = () => createHash('sha256').update(pdf).digest();
  const value = sign('sha256', hash(), raw.key);
  const bare = { name: 'SHA-256 of the file + one P-256 signature', work: () => sign('sha256', hash(), raw.key) };
  const check = { name: 'SHA-256 of the file + one P-256 check', work: () => verify('sha256', hash(), raw.publicKey.key, value) };
  const basic = { name: 'B-B of the same file', work: () => seal(pdf) };
  const levels = { 'B-T': { timestamp }, 'B-LT': { timestamp, validationData }, 'B-LTA': { timestamp, validationData, archive: true } };

  const rows = [await compare('PDF B-B, one page of 100 KiB, visible seal', () => seal(pdf), bare)];
  for (const [level, changes] of Object.entries(levels)) rows.push(await compare(`PDF ${level}`, () => seal(pdf, changes), basic));
  const eight = async () => void (await Promise.all(Array.from({ length: 8 }, () => seal(pdf))));
  rows.push(await compare('PDF B-B, eight at a time', eight, { name: 'eight in sequence', work: () => sequence(8, () => seal(pdf)) }));
  for (const pages of PAGES) {
    const file = samplePdf({ pages });
    const one = samplePdf();
    rows.push(await compare(`PDF B-B, ${pages} pages`, () => seal(file), { name: 'B-B of one page', work: () => seal(one) }));
  }
  const options = { anchors, crls, at: new Date(at.getTime() + 1_000) };
  for (const [level, changes] of Object.entries({ 'B-B': {}, ...levels })) {
    const sealed = await seal(pdf, changes);
    if (verifyPdf(sealed, options).report.verdict !== 'genuine') throw new Error(`${level} does not verify`);
    rows.push(await compare(`PDF verify ${level}`, () => verifyPdf(sealed, options), check));
  }
  rows.push(...memoryRows());
  return rows;
}

async function sequence(count: number, work: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < count; i++) await work();
}

/** Each in a process of its own, so that nothing else counts. */
function memoryRows(): Row[] {
  const folder = mkdtempSync(join(tmpdir(), 'pdf-bench-'));
  const path = join(folder, 'large.pdf');
  try {
    return [
      memoryRow('PDF B-LTA, 100 MiB: peak memory', 'seal', path),
      memoryRow('PDF verify B-LTA, 100 MiB: peak memory', 'verify', path),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function memoryRow(name: string, ...args: string[]): Row {
  const run = spawnSync(process.execPath, [new URL('seal-large-pdf.ts', import.meta.url).pathname, ...args], { encoding: 'utf8' });
  const { peakMiB, fileMiB } = JSON.parse(run.stdout) as { peakMiB: number; fileMiB: number };
  return {
    name,
    value: peakMiB,
    unit: 'MiB',
    baseline: 'the file itself',
    baselineValue: fileMiB,
    ratio: peakMiB / fileMiB,
  };
}
