/** Whatever the writers write, the readers read back as it was: seeded layouts, names, metadata and archives. */
import { describe, expect, test } from 'vitest';
import { readZip } from '#documents/container/read-zip.ts';
import { writeZip } from '#documents/container/write-zip.ts';
import { licenceMetadataOf } from '#documents/ofd/licence-metadata.ts';
import { openOfd } from '#documents/ofd/ofd-package.ts';
import { reachableFiles } from '#documents/ofd/reachable-files.ts';
import { taggedFieldsOf, textOfOfd } from '#documents/ofd/text-of-ofd.ts';
import { verifyOfd } from '#documents/ofd/verify-ofd.ts';
import { renderOfd } from '#documents/ofd/write-ofd.ts';
import type { DocumentMetadata } from '#documents/page/document-metadata.ts';
import { licenceDocument } from '#documents/page/licence-document.ts';
import type { PageLayout, TextItem } from '#documents/page/page-layout.ts';
import { sampleLicence, sampleType } from '#test/fakes/sample-licence.ts';
import { SealingTown, SIGNED_AT } from '#test/fakes/sample-ofd.ts';
import { randomFrom } from '#test/fakes/seeded-random.ts';

type Random = (below: number) => number;
const CHARACTERS = [...'证照测试通州市公安局林晓彤年月日有效期至0123456789ABCabc&<>"\'%/'];
const town = new SealingTown();
const model = licenceDocument(sampleType('residence-permit'), sampleLicence('residence-permit'), { createdAt: SIGNED_AT });
const sampleText = model.layouts.flatMap(({ items }) => items).find((item): item is TextItem => item.kind === 'text');

function someText(random: Random): string {
  return Array.from({ length: 1 + random(20) }, () => CHARACTERS[random(CHARACTERS.length)] ?? '证').join('');
}

function somePage(random: Random, texts: string[]): PageLayout {
  if (!sampleText) throw new Error('the sample shows no text');
  const { face, colour } = sampleText;
  const items = Array.from({ length: 1 + random(6) }, (_, line): TextItem => {
    const text = someText(random);
    texts.push(text);
    const place = { xMm: 5 + random(40), baselineMm: 20 + line * 20 };
    return { kind: 'text', text, face, sizeMm: 3 + random(4), ...place, advancesMm: [...text].map(() => 3 + random(3)), colour };
  });
  const shape = { kind: 'path', commands: [['M', 1, 1], ['L', random(80), random(80)], ['Z']], fill: '#c00000' } as const;
  const size = random(2) === 0 ? { widthMm: 210, heightMm: 297 } : { widthMm: 85.6, heightMm: 54 };
  return { ...size, background: [shape], items };
}

function someMetadata(random: Random): DocumentMetadata {
  const names = ['甲', '乙', 'c&d', 'e<f'].slice(0, random(5));
  return { ...model.metadata, title: someText(random), customDatas: names.map((name) => [name, someText(random)] as const) };
}

describe.each(Array.from({ length: 40 }, (_, seed) => seed))('layout %i', (seed) => {
  const random = randomFrom(seed);
  const texts: string[] = [];
  const layouts = Array.from({ length: 1 + random(5) }, () => somePage(random, texts));
  const metadata = someMetadata(random);
  const bytes = renderOfd(layouts, metadata);
  const ofd = openOfd(bytes);
  const [document] = ofd.documents;

  test('its pages, words and metadata come back, in order, and nothing else is in the file', () => {
    const pages = document ? textOfOfd(ofd, document) : [];
    expect(pages).toHaveLength(layouts.length);
    expect(pages.flatMap(({ pieces }) => pieces.map(({ text }) => text))).toEqual(texts);
    const { customDatas } = licenceMetadataOf(ofd);
    for (const [name, value] of metadata.customDatas) expect(customDatas.get(name)).toBe(value);
    const reach = reachableFiles(ofd);
    expect(reach.missing).toEqual([]);
    expect([...reach.files].sort()).toEqual([...ofd.archive.entries.keys()].sort());
    expect(ofd.archive.warnings).toEqual([]);
  });

  test('it is the same file twice, and genuine once sealed', async () => {
    expect(Buffer.compare(renderOfd(layouts, metadata), bytes)).toBe(0);
    const pageIndex = layouts.length - 1;
    const stamps = [{ pageIndex, xMm: 10, yMm: 10, widthMm: 40, heightMm: 40 }];
    const { verdict, reasons } = verifyOfd(await town.sealed(bytes, { stamps, lock: true }), town.options).report;
    expect([verdict, ...reasons]).toEqual(['genuine']);
  });
});

test('the fields of a licence are found by its data index', () => {
  const ofd = openOfd(renderOfd(model.layouts, model.metadata));
  const [document] = ofd.documents;
  const fields = document ? taggedFieldsOf(ofd, document) : [];
  expect(fields.length).toBeGreaterThan(3);
  expect(fields.map(({ text }) => text)).toContain('林晓彤');
});

test('300 seeded archives: names, bytes and order come back', () => {
  for (let seed = 0; seed < 300; seed++) {
    const random = randomFrom(seed);
    const entries = Array.from({ length: random(12) }, (_, n) => ({
      name: `${['', 'Doc_0/', '目录/', 'a b/'][random(4)]}${n}${['.xml', '图.png', ''][random(3)]}`,
      data: Buffer.from(Array.from({ length: random(300) }, () => random(random(2) ? 3 : 256))),
      store: random(2) === 0,
    }));
    const archive = readZip(writeZip(entries, { time: SIGNED_AT }));
    expect([...archive.entries.keys()]).toEqual(entries.map(({ name }) => name));
    for (const { name, data } of entries) expect(Buffer.from(archive.read(name)).equals(data)).toBe(true);
    expect(archive.warnings).toEqual([]);
  }
});
