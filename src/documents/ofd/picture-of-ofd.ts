/**
 * A page of an OFD file as a picture, stamps of its signatures included. Tolerant towards other producers' files: what is faulty or
 * unsupported is left out, what goes beyond the budget is refused. A picture proves nothing; verdicts come from verifying.
 */
import { ZipError } from '#documents/container/zip-error.ts';
import { pngOfSvg } from '#documents/page/svg-picture.ts';
import { XmlError } from '#documents/xml/decode-text.ts';
import { readXml, type XmlElement } from '#documents/xml/read-xml.ts';
import { newXmlBudget } from '#documents/xml/scan-xml.ts';
import { Problem } from '#problem.ts';
import { type Box, parseBox } from './box.ts';
import { type OfdPackage, openOfd } from './ofd-package.ts';
import { directoryOf } from './package-path.ts';
import { PictureBudget } from './picture-budget.ts';
import { pictureMarkup } from './picture-image.ts';
import { type DrawingContext, drawObjects } from './picture-objects.ts';
import { PictureResources } from './picture-resources.ts';
import { PictureText } from './picture-text.ts';
import { type Stamp, stampsOf } from './stamps.ts';

const MAX_XML_NODES = 400_000;
const MAX_PIXELS = 40_000_000;

/** PNG on white. @throws Problem `picture-not-possible` when the file has no such page or cannot be read. */
export async function pictureOfOfdPage(bytes: Uint8Array, pageIndex: number, dpi: number): Promise<Uint8Array> {
  return refusing(async () => {
    const { svg, box } = await drawPage(openOfd(bytes), pageIndex, new PictureBudget(), 'p', true);
    const [widthPx, heightPx] = [box.widthMm, box.heightMm].map((mm) => Math.max(1, Math.round((mm / 25.4) * dpi))) as [number, number];
    if (widthPx * heightPx > MAX_PIXELS) throw new Problem('picture-not-possible', { detail: 'The picture would be too large.' });
    return pngOfSvg(svg, widthPx, '#ffffff');
  });
}

/** The page as SVG, sizes in millimetres, text as outlines: shows the same wherever it is opened. @throws Problem `picture-not-possible`. */
export async function svgOfOfdPage(bytes: Uint8Array, pageIndex: number): Promise<string> {
  return refusing(async () => {
    const { svg, box } = await drawPage(openOfd(bytes), pageIndex, new PictureBudget(), 'p', true);
    return svg.replace(/width="[^"]*" height="[^"]*"/, `width="${box.widthMm}mm" height="${box.heightMm}mm"`);
  });
}

async function refusing<T>(draw: () => Promise<T>): Promise<T> {
  try {
    return await draw();
  } catch (cause) {
    if (cause instanceof ZipError || cause instanceof XmlError) throw new Problem('picture-not-possible', { cause });
    throw cause;
  }
}

interface Drawing {
  svg: string;
  box: Box;
}

async function drawPage(
  ofd: OfdPackage,
  pageIndex: number,
  budget: PictureBudget,
  idPrefix: string,
  withStamps: boolean,
): Promise<Drawing> {
  const root = ofd.documents[0]?.root;
  if (!root) throw new Problem('picture-not-possible', { detail: 'The file has no document.' });
  const document = ofd.tree(root);
  const folder = directoryOf(root);
  const common = document.child('CommonData');
  const page = document.child('Pages')?.childrenOf('Page')[pageIndex];
  const entry = ofd.find(page?.attribute('BaseLoc'), folder);
  if (!page || !entry) throw new Problem('picture-not-possible', { detail: 'The file has no such page.' });

  const xml = newXmlBudget(MAX_XML_NODES, ofd.limits.maxXmlDepth);
  const content = readXml(ofd.read(entry), xml);
  const templates = templatesOf(content, common).flatMap(({ loc, foreground }) => {
    const name = ofd.find(loc, folder);
    return name ? [{ name, foreground, tree: readXml(ofd.read(name), xml) }] : [];
  });
  const resources = new PictureResources();
  const lists = [...(common?.childrenOf('PublicRes') ?? []), ...(common?.childrenOf('DocumentRes') ?? [])];
  for (const list of lists) addResources(ofd, resources, list.text, folder);
  for (const { tree, name } of [...templates, { tree: content, name: entry }]) {
    for (const list of tree.childrenOf('PageRes')) addResources(ofd, resources, list.text, directoryOf(name), folder);
  }
  const annotations = annotationsOf(ofd, document, folder, page.attribute('ID'));
  const composites = [...resources.composites.values()];
  const text = await PictureText.open(
    ofd,
    resources,
    [content, ...templates.map(({ tree }) => tree), ...annotations, ...composites],
    budget,
    idPrefix,
  );

  let lastId = 0;
  const context: DrawingContext = { ofd, resources, text, budget, idPrefix, definitions: [], nextId: () => `${idPrefix}d${++lastId}` };
  const layers = (tree: XmlElement) => drawObjects(tree.child('Content') ?? tree, context, undefined);
  const parts = [
    ...templates.filter(({ foreground }) => !foreground).map(({ tree }) => layers(tree)),
    layers(content),
    ...templates.filter(({ foreground }) => foreground).map(({ tree }) => layers(tree)),
    ...annotations.map((appearance) => drawAppearance(appearance, context)),
  ];
  if (withStamps) for (const stamp of stampsOn(ofd, pageIndex)) parts.push(await drawStamp(stamp, context));
  const box = pageBox(content, common);
  const view = `${box.xMm} ${box.yMm} ${box.widthMm} ${box.heightMm}`;
  const size = `width="${box.widthMm}" height="${box.heightMm}"`;
  const body = parts.join('');
  budget.spend('characters', body.length);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" ${size} viewBox="${view}"><defs>${text.definitions}${context.definitions.join('')}</defs>${body}</svg>`;
  return { svg, box };
}

function templatesOf(page: XmlElement, common: XmlElement | undefined): { loc: string | undefined; foreground: boolean }[] {
  const declared = common?.childrenOf('TemplatePage') ?? [];
  return page
    .childrenOf('Template')
    .slice(0, 16)
    .map((use) => {
      const template = declared.find((candidate) => candidate.attribute('ID') === use.attribute('TemplateID'));
      const order = use.attribute('ZOrder') ?? template?.attribute('ZOrder') ?? 'Background';
      return { loc: template?.attribute('BaseLoc'), foreground: order === 'Foreground' };
    });
}

function addResources(ofd: OfdPackage, resources: PictureResources, loc: string, ...folders: readonly string[]): void {
  const entry = ofd.find(loc.trim(), ...folders);
  if (!entry) return;
  try {
    resources.add(ofd, entry);
  } catch (cause) {
    if (!(cause instanceof ZipError || cause instanceof XmlError)) throw cause;
  }
}

/** Appearances of the visible annotations of one page. */
function annotationsOf(ofd: OfdPackage, document: XmlElement, folder: string, pageId: string | undefined): XmlElement[] {
  try {
    const list = ofd.find(document.textOf('Annotations'), folder);
    if (!list) return [];
    const files = ofd
      .tree(list)
      .childrenOf('Page')
      .filter((page) => page.attribute('PageID') === pageId)
      .map((page) => ofd.find(page.textOf('FileLoc'), directoryOf(list), folder));
    return files.flatMap((file) => {
      if (!file) return [];
      const visible = ofd
        .tree(file)
        .childrenOf('Annot')
        .filter((annotation) => annotation.attribute('Visible') !== 'false');
      return visible.flatMap((annotation) => annotation.childrenOf('Appearance'));
    });
  } catch (cause) {
    if (cause instanceof ZipError || cause instanceof XmlError) return [];
    throw cause;
  }
}

function drawAppearance(appearance: XmlElement, context: DrawingContext): string {
  const box = parseBox(appearance.attribute('Boundary'));
  const drawn = drawObjects(appearance, context, undefined);
  return box ? `<g transform="translate(${box.xMm} ${box.yMm})">${drawn}</g>` : drawn;
}

/** The page's own area wins over the document's; without any, A4. */
function pageBox(page: XmlElement, common: XmlElement | undefined): Box {
  const areas = [page.child('Area'), common?.child('PageArea')];
  const boxes = areas.map((area) => parseBox(area?.textOf('PhysicalBox') ?? area?.textOf('ApplicationBox')));
  return boxes.find((box) => box !== undefined) ?? { xMm: 0, yMm: 0, widthMm: 210, heightMm: 297 };
}

function stampsOn(ofd: OfdPackage, pageIndex: number): Stamp[] {
  return stampsOf(ofd).filter((stamp) => stamp.documentIndex === 0 && stamp.pageIndex === pageIndex);
}

/** On top of everything; the picture fills the boundary, of which only the clip shows. */
async function drawStamp({ boundary, clip, picture }: Stamp, context: DrawingContext): Promise<string> {
  const drawn = await stampMarkup(picture.data, context);
  if (!drawn) return '';
  const visible = clip ?? { xMm: 0, yMm: 0, widthMm: boundary.widthMm, heightMm: boundary.heightMm };
  const id = context.nextId();
  context.definitions.push(
    `<clipPath id="${id}"><rect x="${visible.xMm}" y="${visible.yMm}" width="${visible.widthMm}" height="${visible.heightMm}"/></clipPath>`,
  );
  const scaled = `<g transform="scale(${boundary.widthMm} ${boundary.heightMm})">${drawn}</g>`;
  return `<g transform="translate(${boundary.xMm} ${boundary.yMm})"><g clip-path="url(#${id})">${scaled}</g></g>`;
}

/** Fills the unit square. A picture may itself be an OFD file, whose stamps are not drawn: one level is enough. */
async function stampMarkup(data: Uint8Array, context: DrawingContext): Promise<string | undefined> {
  const isZip = data.length > 4 && data[0] === 0x50 && data[1] === 0x4b;
  if (!isZip) return pictureMarkup(data, context.budget);
  try {
    const { svg, box } = await drawPage(openOfd(data), 0, context.budget, context.nextId(), false);
    const inner = svg.replace(/^<svg[^>]*>|<\/svg>$/g, '');
    return `<g transform="scale(${1 / box.widthMm} ${1 / box.heightMm}) translate(${-box.xMm} ${-box.yMm})">${inner}</g>`;
  } catch (cause) {
    if (cause instanceof ZipError || cause instanceof XmlError) return undefined;
    throw cause;
  }
}
