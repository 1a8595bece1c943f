import { inflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readZip } from '#documents/container/read-zip.ts';
import { licenceMetadataOf } from '#documents/ofd/licence-metadata.ts';
import { openOfd } from '#documents/ofd/ofd-package.ts';
import { renderOfd } from '#documents/ofd/write-ofd.ts';
import { type LicenceData, licenceDataDigest } from '#documents/page/licence-data.ts';
import { licenceDocument } from '#documents/page/licence-document.ts';
import { listLicenceTypes } from '#documents/page/licence-type.ts';
import { readXml, type XmlElement } from '#documents/xml/read-xml.ts';
import { sampleLicence, sampleType } from '#test/fakes/sample-licence.ts';

const createdAt = new Date('2026-11-20T02:00:00Z');
/** A picture of one red point. */
const PHOTO = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC', 'base64');

function write(slug: string, changes: Partial<LicenceData> = {}, variant: 'standard' | 'large' = 'standard') {
  const document = licenceDocument(sampleType(slug), sampleLicence(slug, changes), { createdAt, variant });
  const bytes = renderOfd(document.layouts, document.metadata);
  const ofd = openOfd(bytes);
  return { ...document, bytes, ofd, tree: (name: string) => readXml(ofd.read(name)) };
}

function walk(element: XmlElement, visit: (element: XmlElement) => void): void {
  visit(element);
  for (const child of element.children) walk(child, visit);
}

const cases = listLicenceTypes().flatMap((type) => (['standard', 'large'] as const).map((variant) => [type.slug, variant] as const));

describe.each(cases)('the OFD file of a %s (%s)', (slug, variant) => {
  const { ofd, tree, bytes, layouts } = write(slug, {}, variant);
  const names = [...ofd.archive.entries.keys()];
  const pages = names.filter((name) => name.endsWith('/Content.xml'));

  test('begins with OFD.xml and has no folder entries', () => {
    expect(names[0]).toBe('OFD.xml');
    expect(names.some((name) => name.endsWith('/'))).toBe(false);
  });

  test('gives every object a number of its own, none above MaxUnitID', () => {
    const document = tree('Doc_0/Document.xml');
    const ids: number[] = [];
    for (const name of ['Doc_0/Document.xml', 'Doc_0/PublicRes.xml', ...pages]) {
      walk(tree(name), (element) => {
        const id = element.attribute('ID');
        if (id) ids.push(Number(id));
      });
    }
    expect(new Set(ids).size).toBe(ids.length);
    expect(Math.min(...ids)).toBeGreaterThan(0);
    expect(Math.max(...ids)).toBeLessThanOrEqual(Number(document.path('CommonData', 'MaxUnitID')?.text));
  });

  test('writes one advance fewer than characters, without the repeat shorthand', () => {
    let codes = 0;
    for (const name of pages) {
      walk(tree(name), (element) => {
        if (element.name !== 'TextCode') return;
        codes++;
        const deltas = (element.attribute('DeltaX') ?? '').split(' ').filter(Boolean);
        expect(deltas).toHaveLength(Array.from(element.text).length - 1);
        expect(deltas.every((delta) => Number(delta) > 0)).toBe(true);
      });
    }
    expect(codes).toBeGreaterThan(10);
  });

  test('refers only to fonts that it embeds', () => {
    const fonts = new Map(
      tree('Doc_0/PublicRes.xml')
        .path('Fonts')
        ?.childrenOf('Font')
        .map((font) => [font.attribute('ID'), font.textOf('FontFile')]),
    );
    for (const file of fonts.values()) expect(names).toContain(`Doc_0/Res/${file}`);
    for (const name of pages)
      walk(tree(name), (element) => element.name === 'TextObject' && expect(fonts.has(element.attribute('Font'))).toBe(true));
  });

  test('keeps every object of the form on a template page, one page of content for each layout', () => {
    expect(pages.filter((name) => name.includes('/Pages/'))).toHaveLength(layouts.length);
    const template = tree('Doc_0/Document.xml').path('CommonData', 'TemplatePage');
    expect(tree('Doc_0/Pages/Page_0/Content.xml').child('Template')?.attribute('TemplateID')).toBe(template?.attribute('ID'));
  });

  test('is the same, byte for byte, when made again', () => {
    expect(Buffer.compare(write(slug, {}, variant).bytes, bytes)).toBe(0);
  });
});

describe('what an OFD licence says about itself', () => {
  const data = sampleLicence('residence-permit');
  const { bytes, ofd, tree } = write('residence-permit');

  test('identifier and digest under their Chinese names and pinyin keys', () => {
    const { identifier, customDatas } = licenceMetadataOf(bytes);
    expect(identifier).toBe(data.identifier);
    expect(customDatas.get('ZZBS')).toBe(data.identifier);
    expect(customDatas.get('持证主体')).toBe(data.holder.name);
    expect(customDatas.get('证照数据摘要')).toBe(licenceDataDigest(data));
  });

  test('the data index points at the objects that show the item', () => {
    const index = tree('Doc_0/Tags/Tag_Certificate.xml');
    const page = tree('Doc_0/Document.xml').path('Pages', 'Page')?.attribute('ID');
    const texts = new Map<string, string>();
    walk(tree('Doc_0/Pages/Page_0/Content.xml'), (element) => {
      if (element.name === 'TextObject') texts.set(element.attribute('ID') ?? '', element.textOf('TextCode') ?? '');
    });
    const shown = (name: string) =>
      index
        .child(name)
        ?.childrenOf('ObjectRef')
        .map((reference) => {
          expect(reference.attribute('PageRef')).toBe(page);
          return texts.get(reference.text.trim());
        })
        .join('');
    expect(shown('持证主体')).toBe(data.holder.name);
    expect(shown('持证主体代码')).toBe(data.holder.identifier);
    expect(shown('居住地址')).toBe(data.fields.currentAddress);
  });

  test('machine-readable data is attached, and its digest is the one in the metadata', () => {
    const file = tree('Doc_0/Attachs/Attachments.xml').path('Attachment', 'FileLoc')?.text ?? '';
    expect(JSON.parse(Buffer.from(ofd.read(file.slice(1))).toString('utf8'))).toMatchObject({
      identifier: data.identifier,
      holder: data.holder,
    });
  });

  test('a copy says for whom, for what and until when', () => {
    const copy = { madeAt: createdAt, madeBy: '海月区人才服务中心', purpose: '人才引进落户', validUntil: '2026-12-20' };
    const { customDatas } = licenceMetadataOf(write('residence-permit', { copy }).bytes);
    expect(customDatas.get('加注件制作事由')).toBe('人才引进落户');
    expect(customDatas.get('JZJYXQJZSJ')).toBe('2026-12-20');
    expect(customDatas.get('证照数据摘要')).toBe(licenceDataDigest(data));
  });

  test('text that XML would misread arrives unharmed', () => {
    const name = '甲&乙<丙>"丁"\'戊';
    const written = write('business-licence', { holder: { name, identifier: '91990100MATR000126', identifierType: '001' } });
    expect(licenceMetadataOf(written.bytes).customDatas.get('持证主体')).toBe(name);
    expect(Buffer.from(written.ofd.read('Doc_0/Pages/Page_0/Content.xml')).toString('utf8')).toContain('甲&amp;乙&lt;丙&gt;');
  });

  test('a character beyond the basic plane stands in a text object of its own', () => {
    const holder = { name: '李𬱖华', identifier: '990101199003070023', identifierType: '111' };
    const codes: string[] = [];
    walk(
      write('residence-permit', { holder }).tree('Doc_0/Pages/Page_0/Content.xml'),
      (element) => element.name === 'TextCode' && codes.push(element.text),
    );
    expect(codes).toEqual(expect.arrayContaining(['李', '𬱖', '华']));
  });

  test('a photo is stored once, as it came', () => {
    const written = write('residence-permit', { photo: { format: 'PNG', bytes: PHOTO } });
    const file = written.tree('Doc_0/DocumentRes.xml').path('MultiMedias', 'MultiMedia', 'MediaFile')?.text ?? '';
    expect(Buffer.compare(written.ofd.read(`Doc_0/Res/${file}`), PHOTO)).toBe(0);
  });

  test('the archive is plain ZIP: deflated entries open with zlib alone', () => {
    const entry = readZip(bytes).entries.get('Doc_0/Document.xml');
    expect(inflateRawSync(entry?.compressed ?? Buffer.alloc(0)).toString('utf8')).toContain('<ofd:MaxUnitID>');
  });
});
