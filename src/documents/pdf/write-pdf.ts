/**
 * Writing a licence as PDF in the shape of PDF/A-2b (ISO 19005-2): classic cross-reference table, embedded TrueType subsets with
 * ToUnicode, sRGB output intent, uncompressed XMP that agrees with the Info dictionary, no JavaScript, no attachments.
 * The same layouts and metadata always give the same bytes.
 */
import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { deflateKept } from '#documents/container/deflate-kept.ts';
import type { DocumentMetadata } from '#documents/page/document-metadata.ts';
import { type FontFace, subsetFont } from '#documents/page/fonts.ts';
import { charactersByFace, type ImageItem, type PageItem, type PageLayout } from '#documents/page/page-layout.ts';
import { srgbProfile } from '#documents/page/srgb-profile.ts';
import { type ContentResources, writeContent, writePaths } from './write-pdf-content.ts';
import { type PdfFont, writePdfFont } from './write-pdf-font.ts';
import { writePdfImage } from './write-pdf-image.ts';
import { infoDictionary, xmpPacket } from './write-pdf-metadata.ts';

const POINTS_PER_MM = 72 / 25.4;

/** Numbers objects in the order in which they are added. */
class PdfObjects {
  readonly #bodies: (Uint8Array | undefined)[] = [];

  reserve(): number {
    return this.#bodies.push(undefined);
  }
  fill(number: number, body: string | Uint8Array): void {
    this.#bodies[number - 1] = typeof body === 'string' ? Buffer.from(body, 'latin1') : body;
  }
  add(body: string | Uint8Array): number {
    const number = this.reserve();
    this.fill(number, body);
    return number;
  }
  /**
   * @param entries of the stream dictionary besides Length and Filter.
   * @param options.keep the same array comes again and is never written to: deflated once.
   */
  addStream(entries: string, data: Uint8Array, { compress = true, keep = false }: { compress?: boolean; keep?: boolean } = {}): number {
    if (!compress) return this.add(streamBody(entries, data, false));
    return this.add(streamBody(entries, keep ? deflateKept(data) : deflateSync(data), true));
  }

  /** The file. The identifier in the trailer comes from the content. */
  toFile(root: number, info: number): Uint8Array {
    const parts: Uint8Array[] = [Buffer.from('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n', 'latin1')];
    let offset = parts[0]?.length ?? 0;
    const offsets: number[] = [];
    const push = (part: Uint8Array) => {
      parts.push(part);
      offset += part.length;
    };
    this.#bodies.forEach((body, index) => {
      if (!body) throw new Error(`object ${index + 1} was reserved and never written`);
      offsets.push(offset);
      push(Buffer.from(`${index + 1} 0 obj\n`, 'latin1'));
      push(body);
      push(Buffer.from('\nendobj\n', 'latin1'));
    });
    const table = offset;
    const id = createHash('sha256').update(Buffer.concat(parts)).digest('hex').slice(0, 32).toUpperCase();
    const rows = offsets.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('');
    push(Buffer.from(`xref\n0 ${offsets.length + 1}\n0000000000 65535 f \n${rows}`, 'latin1'));
    push(Buffer.from(`trailer\n<< /Size ${offsets.length + 1} /Root ${root} 0 R /Info ${info} 0 R /ID [<${id}> <${id}>] >>\n`, 'latin1'));
    push(Buffer.from(`startxref\n${table}\n%%EOF\n`, 'latin1'));
    return Buffer.concat(parts);
  }
}

function streamBody(entries: string, data: Uint8Array, compressed: boolean): Uint8Array {
  const filter = compressed ? ' /Filter /FlateDecode' : '';
  return Buffer.concat([
    Buffer.from(`<< ${entries} /Length ${data.length}${filter} >>\nstream\n`, 'latin1'),
    data,
    Buffer.from('\nendstream', 'latin1'),
  ]);
}

/** @param layouts at least one page. */
export function renderPdf(layouts: readonly PageLayout[], metadata: DocumentMetadata): Uint8Array {
  if (layouts.length === 0) throw new Error('a document has at least one page');
  const objects = new PdfObjects();
  const catalog = objects.reserve();
  const pages = objects.reserve();
  const resources = new Resources(objects);
  for (const [face, characters] of charactersByFace(layouts)) resources.addFont(face, characters);
  const kids = layouts.map((layout) => addPage(objects, pages, layout, resources));
  const profile = objects.addStream('/N 3', srgbProfile(), { keep: true });
  const intent =
    '<< /Type /OutputIntent /S /GTS_PDFA1 /OutputConditionIdentifier (sRGB) /Info (sRGB IEC61966-2.1) ' +
    `/DestOutputProfile ${profile} 0 R >>`;
  const xmp = objects.addStream('/Type /Metadata /Subtype /XML', Buffer.from(xmpPacket(metadata), 'utf8'), { compress: false });
  const info = objects.add(infoDictionary(metadata));
  objects.fill(pages, `<< /Type /Pages /Count ${kids.length} /Kids [${kids.map((kid) => `${kid} 0 R`).join(' ')}] >>`);
  objects.fill(
    catalog,
    `<< /Type /Catalog /Pages ${pages} 0 R /Lang (zh-CN) /Metadata ${xmp} 0 R /OutputIntents [${intent}] ` +
      '/ViewerPreferences << /DisplayDocTitle true >> >>',
  );
  return objects.toFile(catalog, info);
}

class Resources implements ContentResources {
  readonly #objects: PdfObjects;
  readonly #fonts = new Map<FontFace, { font: PdfFont; object: number; name: string }>();
  readonly #images = new Map<string, { object: number; name: string }>();
  readonly #opacities = new Set<string>();

  constructor(objects: PdfObjects) {
    this.#objects = objects;
  }

  addFont(face: FontFace, characters: string): void {
    const { font, object } = writePdfFont(this.#objects, subsetFont(face, characters), characters);
    this.#fonts.set(face, { font, object, name: `F${this.#fonts.size + 1}` });
  }

  fontOf(face: FontFace): { font: PdfFont; name: string } {
    const font = this.#fonts.get(face);
    if (!font) throw new Error(`no font ${face} was added`);
    return font;
  }

  imageName(image: ImageItem): string {
    const digest = createHash('sha256').update(image.bytes).digest('hex');
    let known = this.#images.get(digest);
    if (!known) {
      known = { object: writePdfImage(this.#objects, image), name: `I${this.#images.size + 1}` };
      this.#images.set(digest, known);
    }
    return known.name;
  }

  opacityName(opacity: number): string {
    const percent = String(Math.round(opacity * 100));
    this.#opacities.add(percent);
    return `A${percent}`;
  }

  /** Every font and image of the document: pages share one dictionary. */
  dictionary(): string {
    const fonts = [...this.#fonts.values()].map(({ name, object }) => `/${name} ${object} 0 R`).join(' ');
    const images = [...this.#images.values()].map(({ name, object }) => `/${name} ${object} 0 R`).join(' ');
    const states = [...this.#opacities].map((percent) => `/A${percent} << /Type /ExtGState /ca ${Number(percent) / 100} >>`).join(' ');
    const groups = [fonts && `/Font << ${fonts} >>`, images && `/XObject << ${images} >>`, states && `/ExtGState << ${states} >>`];
    return `<< ${groups.filter(Boolean).join(' ')} >>`;
  }
}

function addPage(objects: PdfObjects, parent: number, layout: PageLayout, resources: Resources): number {
  const form = formOf(layout);
  const rest: PageItem[] = [...layout.background.slice(form.length), ...layout.items];
  const contents = [objects.addStream('', Buffer.from(writeContent(rest, layout.heightMm, resources), 'latin1'))];
  if (form.length > 0) contents.unshift(objects.addStream('', form.bytes, { keep: true }));
  const [width, height] = [layout.widthMm, layout.heightMm].map((mm) => Math.round(mm * POINTS_PER_MM * 10_000) / 10_000);
  return objects.add(
    `<< /Type /Page /Parent ${parent} 0 R /MediaBox [0 0 ${width} ${height}] /Group << /S /Transparency /CS /DeviceRGB >> /Resources ${resources.dictionary()} /Contents [${contents.map((content) => `${content} 0 R`).join(' ')}] >>`,
  );
}

interface Form {
  /** How many items of the background it holds: the paths before the first text, which names glyphs of the licence's own subset. */
  length: number;
  bytes: Uint8Array;
}
const forms = new WeakMap<readonly PageItem[], Form & { heightMm: number }>();

/** The lines and ornaments of a type, written once: a content stream of their own, the same in every licence. */
function formOf({ background, heightMm }: PageLayout): Form {
  const known = forms.get(background);
  if (known?.heightMm === heightMm) return known;
  const first = background.findIndex(({ kind }) => kind !== 'path');
  const length = first < 0 ? background.length : first;
  const paths = background.slice(0, length).filter((item) => item.kind === 'path');
  const form = { length, heightMm, bytes: Buffer.from(writePaths(paths, heightMm), 'latin1') };
  forms.set(background, form);
  return form;
}
