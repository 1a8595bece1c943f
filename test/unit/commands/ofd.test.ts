/** `tongren ofd`: text, facts, pictures and files of packages, ours and other people's. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { describeOfdFile, extractFromOfd, printOfdText, renderOfdFile } from '#commands/ofd.ts';
import { renderOfd } from '#documents/ofd/write-ofd.ts';
import { decodePng } from '#documents/page/decode-png.ts';
import { licenceDocument } from '#documents/page/licence-document.ts';
import { listLicenceTypes } from '#documents/page/licence-type.ts';
import { sampleLicence } from '#test/fakes/sample-licence.ts';
import { packFiles, SealingTown, SIGNED_AT, sampleFiles } from '#test/fakes/sample-ofd.ts';

const folder = mkdtempSync(join(tmpdir(), 'tongren-ofd-'));
const vectors = join(import.meta.dirname, '../../vectors/ofd');
const printed: string[] = [];
const complaints: string[] = [];

beforeEach(() => {
  printed.length = 0;
  complaints.length = 0;
  vi.spyOn(console, 'log').mockImplementation((text: string) => void printed.push(text));
  vi.spyOn(console, 'error').mockImplementation((text: string) => void complaints.push(text));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function keep(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

function licenceFile(): string {
  const type = listLicenceTypes().find(({ slug }) => slug === 'business-licence');
  if (!type) throw new Error('no such type');
  const { layouts, metadata } = licenceDocument(type, sampleLicence('business-licence'), { createdAt: SIGNED_AT });
  return keep('licence.ofd', renderOfd(layouts, metadata));
}

describe('tongren ofd', () => {
  test('text gives the lines of a page from top to bottom, template included', async () => {
    const { holder } = sampleLicence('business-licence');
    expect(await printOfdText(licenceFile(), {})).toBe(0);
    const text = printed.join('\n');
    expect(text).toContain(holder.name);
    expect(text.indexOf('营业执照')).toBeLessThan(text.indexOf(holder.name));
  });

  test('text --fields gives the items of the data index with what the page shows for them', async () => {
    const { holder } = sampleLicence('business-licence');
    expect(await printOfdText(licenceFile(), { fields: true, json: true })).toBe(0);
    const fields = JSON.parse(printed.join('')) as { name: string; text: string; pageIndexes: number[] }[];
    expect(fields).toContainEqual({ name: '持证主体', text: holder.name, pageIndexes: [0] });
  });

  test('text --fields reads the data index of an invoice that others made', async () => {
    expect(await printOfdText(join(vectors, 'signed/ofdrw_999.ofd'), { fields: true })).toBe(0);
    expect(printed.join('')).toMatch(/^InvoiceCode\t\d+$/m);
  });

  test('text of a page that is not there says how many there are', async () => {
    expect(await printOfdText(licenceFile(), { page: 7 })).toBe(1);
    expect(complaints.join('')).toContain('1 pages');
  });

  test('info tells pages, metadata and signatures of a sealed file', async () => {
    const path = keep('sealed.ofd', await new SealingTown().sealed());
    expect(await describeOfdFile(path, { json: true })).toBe(0);
    const [document] = (JSON.parse(printed.join('')) as { documents: { pages: object[]; signatures: object[]; customDatas: object[] }[] })
      .documents;
    expect(document?.pages).toMatchObject([{ widthMm: 210, heightMm: 297 }]);
    expect(document?.signatures).toMatchObject([{ type: 'Seal', provider: 'tongren', stamps: 1 }]);
    expect(document?.customDatas).toContainEqual({ name: '证照标识', value: '1.2.156.3005.2.TEST' });
  });

  test('render writes each page as a picture of its size', async () => {
    const out = join(folder, 'page.png');
    expect(await renderOfdFile(join(vectors, 'signed/ofdrw_999.ofd'), { dpi: 50.8, format: 'png', out })).toBe(0);
    expect(printed).toHaveLength(5);
    expect(decodePng(readFileSync(join(folder, 'page-1.png')))).toMatchObject({ width: 420, height: 280 });
  });

  test('render writes a page as SVG in millimetres', async () => {
    const out = join(folder, 'page.svg');
    expect(await renderOfdFile(licenceFile(), { page: 1, dpi: 150, format: 'svg', out })).toBe(0);
    expect(readFileSync(out, 'utf8')).toMatch(/^<svg [^>]*width="\d+mm"/);
  });

  test('extract writes attachments under safe names and never over a file', async () => {
    const files = { ...sampleFiles() };
    files['Doc_0/Attachs/a$(b).json'] = '{}';
    files['Doc_0/Attachs/Attachments.xml'] = files['Doc_0/Attachs/Attachments.xml']?.replace('licence.json', 'a$(b).json') ?? '';
    const path = keep('attached.ofd', packFiles(files));
    const out = join(folder, 'attachments');
    expect(await extractFromOfd(path, { attachments: true, out })).toBe(0);
    expect(readdirSync(out)).toEqual(['a__b_.json']);
    expect(await extractFromOfd(path, { attachments: true, out })).toBe(2);
    expect(complaints.join('')).toContain('exists already');
  });

  test('extract --seals writes the picture of each seal once', async () => {
    const path = keep('sealed.ofd', await new SealingTown().sealed());
    const out = join(folder, 'seals');
    expect(await extractFromOfd(path, { seals: true, out })).toBe(0);
    expect(readFileSync(join(out, 'seal-1.png'), 'utf8')).toBe('a red circle');
  });

  test('a file that is no OFD is refused in a sentence', async () => {
    expect(await describeOfdFile(keep('broken.ofd', Buffer.from('PK\u0003\u0004 and nothing')), {})).toBe(2);
    expect(complaints.join('')).toMatch(/damaged|已损坏/);
    expect(await describeOfdFile(join(folder, 'absent.ofd'), {})).toBe(2);
  });
});
