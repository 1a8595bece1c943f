/**
 * Any licence that can be laid out comes back from both of its files as it was: its data, its words page by page, its tags. Names with
 * rare characters, texts as long as they may be, several pages, photos, copies, and attachments of odd names.
 */
import { createHash } from 'node:crypto';
import { PDFiumLibrary } from '@hyzyla/pdfium';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { licenceMetadataOf } from '#documents/ofd/licence-metadata.ts';
import { openOfd } from '#documents/ofd/ofd-package.ts';
import { taggedFieldsOf, textOfOfd } from '#documents/ofd/text-of-ofd.ts';
import { verifyOfd } from '#documents/ofd/verify-ofd.ts';
import { renderOfd } from '#documents/ofd/write-ofd.ts';
import { missingCharacters } from '#documents/page/fonts.ts';
import { canonicalLicenceData, type LicenceData } from '#documents/page/licence-data.ts';
import { licenceDocument } from '#documents/page/licence-document.ts';
import { findLicenceType, type LicenceField, type LicenceType, listLicenceTypes } from '#documents/page/licence-type.ts';
import type { PageLayout, TextItem } from '#documents/page/page-layout.ts';
import { licenceMetadataOfPdf } from '#documents/pdf/licence-metadata.ts';
import { renderPdf } from '#documents/pdf/write-pdf.ts';
import { Problem } from '#problem.ts';
import { sampleLicence } from '#test/fakes/sample-licence.ts';
import { SealingTown, SIGNED_AT } from '#test/fakes/sample-ofd.ts';

/** Of names and places, four bytes long some of them, with what XML and PDF strings must escape. */
const CHARACTERS = [...'𬱖𬭎𫖯𬀩𠮷㛃䶮堃喆珺龑犇骉淼燚㑇﨑林晓彤阿卜杜热合曼·买提张ABCxyz0189&<>"\'()\\%#{}[]/，。；（）'].filter(
  (character) => missingCharacters(character).length === 0,
);
const RUNS = 12;
const town = new SealingTown();
let pdfium: PDFiumLibrary;

beforeAll(async () => {
  pdfium = await PDFiumLibrary.init();
});

const textOf = (minimum: number, maximum: number) =>
  fc.array(fc.constantFrom(...CHARACTERS), { minLength: minimum, maxLength: maximum }).map((characters) => characters.join(''));

/** Any value the field takes; what has a pattern or a form of its own keeps its example. */
function anyValue(field: LicenceField): fc.Arbitrary<string> {
  if (field.kind !== 'text' || field.pattern) return fc.constant(field.example);
  const some = fc.oneof({ weight: 3, arbitrary: textOf(1, Math.min(field.maxLength, 40)) }, textOf(1, field.maxLength));
  return field.required === false ? fc.oneof(some, fc.constant('')) : some;
}

function licenceOf(type: LicenceType): fc.Arbitrary<LicenceData> {
  const base = sampleLicence(type.slug);
  const fields = fc.record(Object.fromEntries(type.fields.map((field) => [field.key, anyValue(field)])));
  const copy = fc.record({ madeBy: textOf(1, 20), purpose: textOf(1, 30) });
  return fc.record({ name: textOf(1, 60), issuer: textOf(2, 30), fields, copy: fc.option(copy, { nil: undefined }) }).map((drawn) => ({
    ...base,
    holder: { ...base.holder, name: drawn.name },
    issuer: { ...base.issuer, name: drawn.issuer },
    fields: Object.fromEntries(Object.entries(drawn.fields).filter(([, value]) => value !== '')),
    ...(drawn.copy ? { copy: { ...drawn.copy, madeAt: SIGNED_AT, validUntil: '2026-12-20' } } : {}),
  }));
}

const bare = (text: string) => text.replace(/\s+/g, '');
const textsOn = (page: PageLayout) => [...page.background, ...page.items].filter((item): item is TextItem => item.kind === 'text');
const sorted = (texts: readonly string[]) => [...bare(texts.join(''))].sort().join('');

const cases = listLicenceTypes().flatMap(({ slug }) => (['standard', 'large'] as const).map((variant) => [slug, variant] as const));

describe.each(cases)('%s (%s)', (slug, variant) => {
  const type = findLicenceType(slug);
  if (!type) throw new Error(`no licence type ${slug}`);
  /** Undefined for a text that is refused because it does not fit. */
  const laidOut = (data: LicenceData) => {
    try {
      return licenceDocument(type, data, { createdAt: SIGNED_AT, variant });
    } catch (error) {
      expect(error).toBeInstanceOf(Problem);
      expect((error as Problem).code).toBe('text-does-not-fit');
      return undefined;
    }
  };

  test('its OFD file says the same data, words and tags, sealed or not', { timeout: 60_000 }, async () => {
    let made = 0;
    await fc.assert(
      fc.asyncProperty(licenceOf(type), async (data) => {
        const laid = laidOut(data);
        if (!laid) return;
        made++;
        const { layouts, metadata } = laid;
        const bytes = renderOfd(layouts, metadata);
        const sealed = await town.sealed(bytes, { lock: true });
        expect(verifyOfd(sealed, town.options)).toMatchObject({ report: { verdict: 'genuine' }, licenceIdentifier: data.identifier });
        const ofd = openOfd(sealed);
        const [document] = ofd.documents;
        if (!document) throw new Error('no document');
        const { identifier, dataDigest, customDatas } = licenceMetadataOf(ofd);
        expect(identifier).toBe(data.identifier);
        const said = Object.fromEntries(metadata.customDatas);
        expect(Object.fromEntries(customDatas)).toEqual(said);
        expect([customDatas.get('持证主体'), customDatas.get('证照颁发机构')]).toEqual([data.holder.name, data.issuer.name]);
        // What travels with the page is the licence, and the digest under the seal is of it.
        const entry = [...ofd.archive.entries.keys()].find((name) => name.endsWith('licence.json'));
        const attached = ofd.read(entry ?? '');
        expect(Buffer.from(attached).equals(canonicalLicenceData(data))).toBe(true);
        expect(JSON.parse(Buffer.from(attached).toString('utf8'))).toMatchObject({
          holder: data.holder,
          issuer: data.issuer,
          fields: data.fields,
        });
        expect(dataDigest).toBe(`sha256:${createHash('sha256').update(attached).digest('hex')}`);
        const pages = textOfOfd(ofd, document);
        expect(pages).toHaveLength(layouts.length);
        pages.forEach(({ pieces }, index) => {
          const shown = layouts[index]?.items.filter((item) => item.kind === 'text').map(({ text }) => text) ?? [];
          for (const text of shown) expect(bare(pieces.map((piece) => piece.text).join(''))).toContain(bare(text));
        });
        const tags = new Map<string, string>();
        for (const { name, text } of taggedFieldsOf(ofd, document)) tags.set(name, (tags.get(name) ?? '') + text);
        for (const [key, name] of metadata.tagNames) {
          const shown = layouts.flatMap(textsOn).filter((item) => item.field === key);
          expect(bare(tags.get(name) ?? ''), name).toBe(bare(shown.map(({ text }) => text).join('')));
        }
      }),
      { numRuns: RUNS, seed: 20261121 },
    );
    expect(made).toBeGreaterThan(RUNS / 3);
  });

  test('its PDF file says the same data, and PDFium reads the same words from it', { timeout: 60_000 }, async () => {
    let made = 0;
    await fc.assert(
      fc.asyncProperty(licenceOf(type), async (data) => {
        const laid = laidOut(data);
        if (!laid) return;
        made++;
        const { layouts, metadata } = laid;
        const bytes = renderPdf(layouts, metadata);
        expect(licenceMetadataOfPdf(bytes)).toEqual({ identifier: data.identifier, dataDigest: metadata.dataDigest });
        const document = await pdfium.loadDocument(bytes);
        try {
          expect(document.getPageCount()).toBe(layouts.length);
          layouts.forEach((layout, index) => {
            const read = document.getPage(index).getText();
            expect(sorted([read])).toBe(sorted(textsOn(layout).map(({ text }) => text)));
          });
        } finally {
          document.destroy();
        }
      }),
      { numRuns: RUNS, seed: 20261121 },
    );
    expect(made).toBeGreaterThan(RUNS / 3);
  });
});

test('attachments of odd names and lengths come back byte for byte', () => {
  const { layouts, metadata } = licenceDocument(findLicenceType('residence-permit') as LicenceType, sampleLicence('residence-permit'), {
    createdAt: SIGNED_AT,
  });
  const name = fc.constantFrom('licence.json', '附件 一.json', '𬱖.xml', 'a&b.json', '..json', 'LICENCE.JSON', 'x'.repeat(100));
  fc.assert(
    fc.property(name, fc.uint8Array({ maxLength: 70_000 }), (attachmentName, bytes) => {
      const ofd = openOfd(renderOfd(layouts, { ...metadata, attachment: { name: attachmentName, format: 'json', bytes } }));
      const entries = [...ofd.archive.entries.keys()].filter(
        (entry) => entry.startsWith('Doc_0/Attachs/') && !entry.endsWith('Attachments.xml'),
      );
      expect(entries).toHaveLength(1);
      expect(Buffer.from(ofd.read(entries[0] ?? '')).equals(bytes)).toBe(true);
    }),
    { numRuns: 60, seed: 20261121 },
  );
});
