/**
 * Writing a licence as OFD (GB/T 33190-2016, in the shape GB/T 36905 and OFD-A ask for): OFD.xml first, elements in schema order, the
 * form as template pages, TrueType subsets, metadata, data index and machine-readable data. `seal-ofd.ts` adds the signature list.
 * The same layouts and metadata always give the same bytes.
 */
import { createHash } from 'node:crypto';
import { type NewEntry, writeZip } from '#documents/container/write-zip.ts';
import { chinaDate } from '#documents/page/copy-mark.ts';
import { CREATOR, type DocumentMetadata } from '#documents/page/document-metadata.ts';
import { type FontFace, type FontSubset, subsetFont } from '#documents/page/fonts.ts';
import { charactersByFace, formatNumber, type ImageItem, type PageItem, type PageLayout } from '#documents/page/page-layout.ts';
import { escapeXml } from '#documents/xml/escape-xml.ts';
import { type ObjectWriter, writeObjects } from './write-ofd-objects.ts';
import { OFD_NAMESPACE, writeCustomTags } from './write-ofd-tags.ts';

const XML = '<?xml version="1.0" encoding="UTF-8"?>\n';
const DOCUMENT = 'Doc_0';

interface FontResource {
  id: number;
  subset: FontSubset;
  file: string;
}
interface ImageResource {
  id: number;
  format: 'PNG' | 'JPEG';
  bytes: Uint8Array;
  file: string;
}
interface WrittenPage {
  id: number;
  file: string;
  xml: string;
}
interface WrittenTemplate extends WrittenPage {
  background: readonly PageItem[];
}

/** Resources and numbers of the document being written. */
class Writing implements ObjectWriter {
  #lastId = 0;
  readonly fonts = new Map<FontFace, FontResource>();
  readonly images = new Map<string, ImageResource>();
  readonly templates = new Map<readonly PageItem[], WrittenTemplate>();
  readonly pages: WrittenPage[] = [];
  /** Field → page and object ids. */
  readonly tags = new Map<string, { page: number; object: number }[]>();
  #page = 0;

  nextId(): number {
    return ++this.#lastId;
  }
  get lastId(): number {
    return this.#lastId;
  }

  addFont(face: FontFace, characters: string): void {
    const id = this.nextId();
    this.fonts.set(face, { id, subset: subsetFont(face, characters), file: `font_${id}.ttf` });
  }

  fontId(face: FontFace): number {
    const font = this.fonts.get(face);
    if (!font) throw new Error(`no font ${face} was added`);
    return font.id;
  }

  imageId(image: ImageItem): number {
    const digest = createHash('sha256').update(image.bytes).digest('hex');
    let resource = this.images.get(digest);
    if (!resource) {
      const id = this.nextId();
      const file = `image_${id}.${image.format === 'PNG' ? 'png' : 'jpg'}`;
      resource = { id, format: image.format, bytes: image.bytes, file };
      this.images.set(digest, resource);
    }
    return resource.id;
  }

  tagged(field: string, object: number): void {
    const known = this.tags.get(field);
    if (known) known.push({ page: this.#page, object });
    else this.tags.set(field, [{ page: this.#page, object }]);
  }

  addPage(layout: PageLayout): void {
    let template = this.templates.get(layout.background);
    if (!template && layout.background.length > 0) {
      const file = `Tpls/Tpl_${this.templates.size}/Content.xml`;
      template = { id: this.nextId(), file, xml: '', background: layout.background };
      template.xml = this.#content(layout, layout.background, 'Background', '');
      this.templates.set(layout.background, template);
    }
    const page = { id: this.nextId(), file: `Pages/Page_${this.pages.length}/Content.xml`, xml: '' };
    this.#page = page.id;
    page.xml = this.#content(
      layout,
      layout.items,
      'Body',
      template ? `<ofd:Template TemplateID="${template.id}" ZOrder="Background"/>` : '',
    );
    this.pages.push(page);
  }

  #content(layout: PageLayout, items: readonly PageItem[], layer: string, template: string): string {
    const area = `<ofd:Area><ofd:PhysicalBox>0 0 ${formatNumber(layout.widthMm)} ${formatNumber(layout.heightMm)}</ofd:PhysicalBox></ofd:Area>`;
    const open = `<ofd:Layer ID="${this.nextId()}" Type="${layer}">`;
    const objects = writeObjects(items, layout, this);
    return `${XML}<ofd:Page ${OFD_NAMESPACE}>${template}${area}<ofd:Content>${open}${objects}</ofd:Layer></ofd:Content></ofd:Page>`;
  }
}

/** @param layouts at least one page. */
export function renderOfd(layouts: readonly PageLayout[], metadata: DocumentMetadata): Uint8Array {
  const first = layouts[0];
  if (!first) throw new Error('a document has at least one page');
  const writing = new Writing();
  for (const [face, characters] of charactersByFace(layouts)) writing.addFont(face, characters);
  for (const layout of layouts) writing.addPage(layout);
  const tags = writeCustomTags(writing.tags, metadata.tagNames);
  const entries: NewEntry[] = [
    text('OFD.xml', ofdXml(metadata)),
    text(`${DOCUMENT}/Document.xml`, documentXml(writing, first, tags !== undefined, metadata.attachment !== undefined)),
    text(`${DOCUMENT}/PublicRes.xml`, publicResXml(writing)),
  ];
  if (writing.images.size > 0) entries.push(text(`${DOCUMENT}/DocumentRes.xml`, documentResXml(writing)));
  // Outlines shrink by a quarter at most, and inflating them would be a good part of what each seal, check and view costs.
  for (const { file, subset } of writing.fonts.values()) entries.push({ name: `${DOCUMENT}/Res/${file}`, data: subset.bytes, store: true });
  for (const { file, bytes } of writing.images.values()) entries.push({ name: `${DOCUMENT}/Res/${file}`, data: bytes, store: true });
  for (const { file, xml, background } of writing.templates.values())
    entries.push({ name: `${DOCUMENT}/${file}`, data: bytesOfForm(background, xml), keep: true });
  for (const { file, xml } of writing.pages) entries.push(text(`${DOCUMENT}/${file}`, xml));
  if (tags) {
    entries.push(
      text(`${DOCUMENT}/Tags/CustomTags.xml`, XML + tags.index),
      text(`${DOCUMENT}/Tags/Tag_Certificate.xml`, XML + tags.certificate),
    );
  }
  if (metadata.attachment) {
    entries.push(text(`${DOCUMENT}/Attachs/Attachments.xml`, attachmentsXml(metadata.attachment, metadata.createdAt)));
    entries.push({ name: `${DOCUMENT}/Attachs/${metadata.attachment.name}`, data: metadata.attachment.bytes });
  }
  return writeZip(entries, { time: metadata.createdAt });
}

const forms = new WeakMap<readonly PageItem[], { xml: string; bytes: Uint8Array }>();

/** The form of a type reads the same in nearly every licence: the same array then, so that it is deflated once. */
function bytesOfForm(background: readonly PageItem[], xml: string): Uint8Array {
  const known = forms.get(background);
  if (known?.xml === xml) return known.bytes;
  const bytes = Buffer.from(xml, 'utf8');
  forms.set(background, { xml, bytes });
  return bytes;
}

function text(name: string, xml: string): NewEntry {
  return { name, data: Buffer.from(xml, 'utf8') };
}

function ofdXml(metadata: DocumentMetadata): string {
  const custom = metadata.customDatas.map(
    ([name, value]) => `<ofd:CustomData Name="${escapeXml(name)}">${escapeXml(value)}</ofd:CustomData>`,
  );
  return (
    `${XML}<ofd:OFD ${OFD_NAMESPACE} Version="1.0" DocType="OFD"><ofd:DocBody><ofd:DocInfo>` +
    `<ofd:DocID>${metadata.documentId}</ofd:DocID><ofd:Title>${escapeXml(metadata.title)}</ofd:Title>` +
    `<ofd:Author>${escapeXml(metadata.author)}</ofd:Author><ofd:Subject>${escapeXml(metadata.subject)}</ofd:Subject>` +
    `<ofd:CreationDate>${chinaDate(metadata.createdAt)}</ofd:CreationDate><ofd:Creator>${CREATOR}</ofd:Creator>` +
    `<ofd:CustomDatas>${custom.join('')}</ofd:CustomDatas></ofd:DocInfo>` +
    `<ofd:DocRoot>${DOCUMENT}/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>`
  );
}

function documentXml(writing: Writing, first: PageLayout, hasTags: boolean, hasAttachments: boolean): string {
  const templates = [...writing.templates.values()].map(
    ({ id, file }) => `<ofd:TemplatePage ID="${id}" BaseLoc="${file}" ZOrder="Background"/>`,
  );
  const pages = writing.pages.map(({ id, file }) => `<ofd:Page ID="${id}" BaseLoc="${file}"/>`);
  return (
    `${XML}<ofd:Document ${OFD_NAMESPACE}><ofd:CommonData><ofd:MaxUnitID>${writing.lastId}</ofd:MaxUnitID>` +
    `<ofd:PageArea><ofd:PhysicalBox>0 0 ${formatNumber(first.widthMm)} ${formatNumber(first.heightMm)}</ofd:PhysicalBox></ofd:PageArea>` +
    '<ofd:PublicRes>PublicRes.xml</ofd:PublicRes>' +
    (writing.images.size > 0 ? '<ofd:DocumentRes>DocumentRes.xml</ofd:DocumentRes>' : '') +
    `${templates.join('')}</ofd:CommonData><ofd:Pages>${pages.join('')}</ofd:Pages>` +
    (hasTags ? '<ofd:CustomTags>Tags/CustomTags.xml</ofd:CustomTags>' : '') +
    (hasAttachments ? '<ofd:Attachments>Attachs/Attachments.xml</ofd:Attachments>' : '') +
    '</ofd:Document>'
  );
}

function publicResXml(writing: Writing): string {
  const fonts = [...writing.fonts.values()].map(({ id, subset, file }) => {
    const serif = subset.face.startsWith('serif') ? ' Serif="true"' : '';
    const bold = subset.face.endsWith('bold') ? ' Bold="true"' : '';
    const name = `FontName="${escapeXml(subset.name)}" FamilyName="${escapeXml(subset.family)}"`;
    return `<ofd:Font ID="${id}" ${name}${bold}${serif}><ofd:FontFile>${file}</ofd:FontFile></ofd:Font>`;
  });
  const list = fonts.length > 0 ? `<ofd:Fonts>${fonts.join('')}</ofd:Fonts>` : '';
  return `${XML}<ofd:Res ${OFD_NAMESPACE} BaseLoc="Res">${list}</ofd:Res>`;
}

function documentResXml(writing: Writing): string {
  const media = [...writing.images.values()].map(
    ({ id, format, file }) =>
      `<ofd:MultiMedia ID="${id}" Type="Image" Format="${format}"><ofd:MediaFile>${file}</ofd:MediaFile></ofd:MultiMedia>`,
  );
  return `${XML}<ofd:Res ${OFD_NAMESPACE} BaseLoc="Res"><ofd:MultiMedias>${media.join('')}</ofd:MultiMedias></ofd:Res>`;
}

function attachmentsXml({ name, format, bytes }: NonNullable<DocumentMetadata['attachment']>, createdAt: Date): string {
  const local = new Date(createdAt.getTime() + 8 * 3_600_000).toISOString().slice(0, 19);
  const attributes = `ID="a1" Name="${escapeXml(name)}" Format="${format}" CreationDate="${local}" Size="${formatNumber(bytes.length / 1024)}" Visible="false"`;
  const file = `<ofd:FileLoc>/${DOCUMENT}/Attachs/${escapeXml(name)}</ofd:FileLoc>`;
  return `${XML}<ofd:Attachments ${OFD_NAMESPACE}><ofd:Attachment ${attributes}>${file}</ofd:Attachment></ofd:Attachments>`;
}
