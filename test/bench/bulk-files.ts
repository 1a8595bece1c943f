/** Files for sealing in bulk: licences of one page, no two alike, and some that nobody can seal. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderOfd } from '#documents/ofd/write-ofd.ts';
import { licenceDocument } from '#documents/page/licence-document.ts';
import { renderPdf } from '#documents/pdf/write-pdf.ts';
import { sampleLicence, sampleType } from '#test/fakes/sample-licence.ts';

const CREATED = new Date('2026-11-20T08:00:00Z');
const SLUG = 'residence-permit';

export interface BulkFiles {
  /** By name; the good ones. */
  good: string[];
  /** Name → the code its failure must have. */
  bad: Map<string, string>;
  bytes: number;
}

/** Writes `count` files into `folder`, one PDF to two OFDs, one in five hundred unusable. */
export function writeBulkFiles(folder: string, count: number): BulkFiles {
  const good: string[] = [];
  const bad = new Map<string, string>();
  let bytes = 0;
  const write = (name: string, content: Uint8Array | string) => {
    const path = join(folder, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, content);
    bytes += content.length;
  };
  for (let n = 0; n < count; n++) {
    const folderOf = `批次${String(Math.floor(n / 1000)).padStart(2, '0')}`;
    const isPdf = n % 3 === 2;
    const name = `${folderOf}/${String(n).padStart(5, '0')}.${isPdf ? 'pdf' : 'ofd'}`;
    const file = isPdf ? pdfOf(n) : ofdOf(n);
    if (n % 500 !== 250) {
      good.push(name);
      write(name, file);
      continue;
    }
    const [code, content] = spoilt(file, isPdf, Math.floor(n / 500));
    bad.set(name, code);
    write(name, content);
  }
  return { good, bad, bytes };
}

const licenceOf = (n: number) => {
  const licence = sampleLicence(SLUG, { number: `9901002026${String(n).padStart(8, '0')}` });
  return licenceDocument(sampleType(SLUG), licence, { createdAt: CREATED });
};

export function ofdOf(n: number): Uint8Array {
  const { layouts, metadata } = licenceOf(n);
  return renderOfd(layouts, metadata);
}

export function pdfOf(n: number): Uint8Array {
  const { layouts, metadata } = licenceOf(n);
  return renderPdf(layouts, metadata);
}

function spoilt(file: Uint8Array, isPdf: boolean, kind: number): [string, Uint8Array | string] {
  const cut = file.subarray(0, Math.floor(file.length / 2));
  if (isPdf) return kind % 2 ? ['pdf-not-signable', '%PDF-1.7 and no more'] : ['unsupported-media-type', ''];
  const ways: [string, Uint8Array | string][] = [
    ['ofd-not-readable', cut],
    ['unsupported-media-type', 'text that calls itself a document'],
    ['ofd-not-readable', 'PK\u0003\u0004 but nothing else'],
  ];
  return ways[kind % ways.length] as [string, Uint8Array | string];
}
