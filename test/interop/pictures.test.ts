/** Both files of a licence in other people's programs: the same page everywhere, the text in it, the code on it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { pictureOfOfdPage } from '#documents/ofd/picture-of-ofd.ts';
import { renderOfd } from '#documents/ofd/write-ofd.ts';
import type { LicenceData } from '#documents/page/licence-data.ts';
import { licenceDocument } from '#documents/page/licence-document.ts';
import { listLicenceTypes } from '#documents/page/licence-type.ts';
import type { PageLayout } from '#documents/page/page-layout.ts';
import { pictureOfPdfPage } from '#documents/pdf/picture-of-pdf.ts';
import { renderPdf } from '#documents/pdf/write-pdf.ts';
import { sampleLicence, sampleType } from '#test/fakes/sample-licence.ts';
import { comparePictures } from './compare-pictures.ts';

const DPI = 100;
/** Set between what engines differ by (0.92 and more) and what a shift of 1.5 mm does (0.81 and less). */
const ALIKE = { structure: 0.9, meanDifference: 0.02 };
const createdAt = new Date('2026-11-20T02:00:00Z');
const folder = mkdtempSync(join(tmpdir(), 'tongren-pictures-'));
const path = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(slug: string, changes: Partial<LicenceData> = {}, move: (layouts: PageLayout[]) => PageLayout[] = (layouts) => layouts) {
  const document = licenceDocument(sampleType(slug), sampleLicence(slug, changes), { createdAt });
  const layouts = move(document.layouts);
  return { layouts, pdf: renderPdf(layouts, document.metadata), ofd: renderOfd(layouts, document.metadata) };
}

function drawn(program: 'pdftoppm' | 'mutool', pdf: Uint8Array, page: number, dpi = DPI): Uint8Array {
  writeFileSync(path('in.pdf'), pdf);
  const number = String(page + 1);
  if (program === 'mutool')
    execFileSync('mutool', ['draw', '-q', '-r', String(dpi), '-o', path('out.png'), path('in.pdf'), number], { stdio: 'ignore' });
  else execFileSync('pdftoppm', ['-r', String(dpi), '-png', '-f', number, '-l', number, '-singlefile', path('in.pdf'), path('out')]);
  return readFileSync(path('out.png'));
}

const pages = listLicenceTypes().flatMap((type) => type.pages.map((_page, index) => [type.slug, index] as const));

describe.each(pages)('%s, page %d', (slug, page) => {
  const { pdf, ofd } = write(slug);

  test.each(['pdftoppm', 'mutool'] as const)('our two pictures show what %s draws', async (program) => {
    const theirs = drawn(program, pdf, page);
    for (const ours of [await pictureOfOfdPage(ofd, page, DPI), await pictureOfPdfPage(pdf, page, DPI)]) {
      const { structure, meanDifference } = comparePictures(ours, theirs);
      expect(structure).toBeGreaterThan(ALIKE.structure);
      expect(meanDifference).toBeLessThan(ALIKE.meanDifference);
    }
  });

  test('the comparison notices text that moved by 1.5 mm', async () => {
    const moved = write(slug, {}, (layouts) =>
      layouts.map((layout) => ({
        ...layout,
        items: layout.items.map((item) => (item.kind === 'text' && item.field ? { ...item, xMm: item.xMm + 1.5 } : item)),
      })),
    );
    expect(comparePictures(await pictureOfOfdPage(moved.ofd, page, DPI), drawn('pdftoppm', pdf, page)).structure).toBeLessThan(0.85);
  });
});

describe.each(listLicenceTypes().map((type) => type.slug))('the PDF file of a %s', (slug) => {
  const data = sampleLicence(slug);
  const { pdf } = write(slug);
  writeFileSync(path(`${slug}.pdf`), pdf);

  test('qpdf finds no fault', () => {
    const { status, stdout } = spawnSync('qpdf', ['--check', path(`${slug}.pdf`)], { encoding: 'utf8' });
    expect(status).toBe(0);
    expect(stdout).toContain('No syntax or stream encoding errors found');
  });

  test('every font is embedded, a subset, and maps to Unicode', () => {
    const rows = execFileSync('pdffonts', [path(`${slug}.pdf`)], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .slice(2);
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(row).toMatch(/^[A-Z]{6}\+Noto\S+ +CID TrueType +Identity-H +yes yes yes/);
  });

  test('pdftotext returns every value', () => {
    const text = execFileSync('pdftotext', ['-raw', path(`${slug}.pdf`), '-'], { encoding: 'utf8' }).replace(/\s+/g, '');
    expect(text).toContain(data.holder.name);
    expect(text).toContain(data.holder.identifier);
    expect(text).toContain(data.identifier);
    for (const field of sampleType(slug).fields) {
      const value = data.fields[field.key];
      if (value && field.kind === 'text') expect(text).toContain(value.replace(/\s+/g, ''));
    }
  });
});

describe('what a scanner reads', () => {
  test.each(listLicenceTypes().map((type) => type.slug))('the code on both files of a %s leads to its public address', async (slug) => {
    const { pdf, ofd } = write(slug);
    writeFileSync(path('ofd.png'), await pictureOfOfdPage(ofd, 0, 200));
    writeFileSync(path('pdf.png'), await pictureOfPdfPage(pdf, 0, 200));
    for (const name of ['ofd.png', 'pdf.png']) {
      const read = execFileSync('zbarimg', ['-q', '--raw', '-Sdisable', '-Sqrcode.enable', path(name)], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim();
      expect(read).toBe(sampleLicence(slug).verifyAddress);
    }
  });
});

test('text beyond the basic plane and in a substitute face is drawn and can be extracted', async () => {
  const holder = { name: '李𬱖·𰻝', identifier: '990101199003070023', identifierType: '111' };
  const { pdf, ofd } = write('residence-permit', { holder });
  writeFileSync(path('rare.pdf'), pdf);
  expect(execFileSync('pdftotext', ['-raw', path('rare.pdf'), '-'], { encoding: 'utf8' }).replace(/\s+/g, '')).toContain(holder.name);
  expect(comparePictures(await pictureOfOfdPage(ofd, 0, DPI), drawn('pdftoppm', pdf, 0)).structure).toBeGreaterThan(ALIKE.structure);
});

test('the marks of a copy are on both files, and the strip below holds them in full', async () => {
  const copy = { madeAt: createdAt, madeBy: '海月区人才服务中心', purpose: '人才引进落户', validUntil: '2026-12-20' };
  const { pdf, ofd, layouts } = write('residence-permit', { copy });
  expect(layouts[0]?.heightMm).toBe(157);
  writeFileSync(path('copy.pdf'), pdf);
  const text = execFileSync('pdftotext', ['-raw', path('copy.pdf'), '-'], { encoding: 'utf8' }).replace(/\s+/g, '');
  expect(text).toContain('加注件：仅限海月区人才服务中心用于“人才引进落户”，有效期至2026年12月20日。');
  expect(comparePictures(await pictureOfOfdPage(ofd, 0, DPI), drawn('pdftoppm', pdf, 0)).structure).toBeGreaterThan(ALIKE.structure);
});
