/**
 * Text of an OFD file: page by page in reading order, and item by item where the file has a data index (数据标引, GB/T 36905).
 * For programs and for people who cannot see a page; nothing here is verified.
 */
import { XmlError } from '#documents/xml/decode-text.ts';
import { readXml, type XmlElement } from '#documents/xml/read-xml.ts';
import { parseBox } from './box.ts';
import type { OfdDocument, OfdPackage } from './ofd-package.ts';
import { directoryOf } from './package-path.ts';
import { numbersOf } from './picture-colours.ts';
import { expandDeltas } from './picture-text.ts';

/** One TextObject, with the place of its first character's baseline on the page. */
export interface TextPiece {
  /** Object id, as data indexes name it. */
  id: string;
  text: string;
  xMm: number;
  yMm: number;
  widthMm: number;
  sizeMm: number;
}

export interface PageText {
  pageIndex: number;
  pageId: string;
  /** Pieces that stand on one line are joined, from left to right. */
  lines: string[];
  pieces: TextPiece[];
}

/** An item of a data index with the text of the objects it points to. */
export interface TaggedField {
  name: string;
  text: string;
  pageIndexes: number[];
}

/** Pieces of text in one file: more than any book has on a page, few enough to sort. */
const MAX_PIECES = 200_000;
const MAX_DEPTH = 64;

/** All pages of one document, text of their template pages included. Throws ZipError or XmlError for what cannot be read safely. */
export function textOfOfd(ofd: OfdPackage, document: OfdDocument): PageText[] {
  if (!document.root) return [];
  const root = ofd.tree(document.root);
  const folder = directoryOf(document.root);
  const templates = root.child('CommonData')?.childrenOf('TemplatePage') ?? [];
  const ofTemplate = new Map<string, TextPiece[]>();
  let left = MAX_PIECES;
  const read = (entry: string) => {
    const tree = readXml(ofd.read(entry), ofd.pageBudget);
    const pieces = piecesOf(tree);
    left -= pieces.length;
    if (left < 0) throw new XmlError('too-many-text-objects');
    return { tree, pieces };
  };
  const textOfTemplate = (id: string | undefined): TextPiece[] => {
    const known = ofTemplate.get(id ?? '');
    if (known) return known;
    const entry = ofd.find(templates.find((template) => template.attribute('ID') === id)?.attribute('BaseLoc'), folder);
    const pieces = entry ? read(entry).pieces : [];
    ofTemplate.set(id ?? '', pieces);
    return pieces;
  };
  return (root.child('Pages')?.childrenOf('Page') ?? []).map((page, pageIndex) => {
    const entry = ofd.find(page.attribute('BaseLoc'), folder);
    const { tree, pieces } = entry ? read(entry) : { tree: undefined, pieces: [] };
    const background = (tree?.childrenOf('Template') ?? []).flatMap((use) => textOfTemplate(use.attribute('TemplateID')));
    const all = [...background, ...pieces];
    return { pageIndex, pageId: page.attribute('ID') ?? '', lines: linesOf(all), pieces: all };
  });
}

/** What the data indexes of a document point to, in their order. Empty when it has none. */
export function taggedFieldsOf(ofd: OfdPackage, document: OfdDocument): TaggedField[] {
  if (!document.root) return [];
  const folder = directoryOf(document.root);
  const index = ofd.find(ofd.tree(document.root).textOf('CustomTags'), folder);
  if (!index) return [];
  const pages = textOfOfd(ofd, document);
  const byPlace = new Map(
    pages.flatMap((page) => page.pieces.map((piece) => [`${page.pageId} ${piece.id}`, { page: page.pageIndex, piece }] as const)),
  );
  const fields: TaggedField[] = [];
  const walk = (element: XmlElement, depth: number) => {
    if (depth > MAX_DEPTH) return;
    const found = element
      .childrenOf('ObjectRef')
      .flatMap((reference) => byPlace.get(`${reference.attribute('PageRef') ?? ''} ${reference.text.trim()}`) ?? []);
    if (found.length > 0) {
      const text = found.map(({ piece }) => piece.text).join('');
      fields.push({ name: element.name, text, pageIndexes: [...new Set(found.map(({ page }) => page))] });
    }
    for (const child of element.children) walk(child, depth + 1);
  };
  for (const tag of ofd.tree(index).childrenOf('CustomTag')) {
    const entry = ofd.find(tag.textOf('FileLoc'), directoryOf(index), folder);
    if (entry) walk(ofd.tree(entry), 0);
  }
  return fields;
}

function piecesOf(page: XmlElement): TextPiece[] {
  const pieces: TextPiece[] = [];
  const walk = (element: XmlElement, depth: number) => {
    if (depth > MAX_DEPTH) return;
    if (element.name === 'TextObject') pieces.push(pieceOf(element));
    else for (const child of element.children) walk(child, depth + 1);
  };
  walk(page.child('Content') ?? page, 0);
  return pieces.filter(({ text }) => text !== '');
}

function pieceOf(object: XmlElement): TextPiece {
  const box = parseBox(object.attribute('Boundary'));
  const [a = 1, b = 0, c = 0, d = 1, e = 0, f = 0] = numbersOf(object.attribute('CTM'));
  const sizeMm = Math.abs(Number(object.attribute('Size')) || 0) * Math.hypot(c, d);
  const codes = object.childrenOf('TextCode');
  const x = Number(codes[0]?.attribute('X') ?? 0) || 0;
  const y = Number(codes[0]?.attribute('Y') ?? 0) || 0;
  const advance = codes.reduce((sum, code) => {
    const deltas = expandDeltas(code.attribute('DeltaX'), code.text.length);
    return sum + deltas.reduce((total, delta) => total + delta, 0);
  }, 0);
  return {
    id: object.attribute('ID') ?? '',
    text: codes.map(({ text }) => text).join(''),
    xMm: (box?.xMm ?? 0) + a * x + c * y + e,
    yMm: (box?.yMm ?? 0) + b * x + d * y + f,
    widthMm: advance * Math.hypot(a, b) + sizeMm,
    sizeMm,
  };
}

/** Baselines that differ by less than half a character are one line. */
function linesOf(pieces: readonly TextPiece[]): string[] {
  const sorted = [...pieces].sort((one, other) => one.yMm - other.yMm || one.xMm - other.xMm);
  const lines: TextPiece[][] = [];
  for (const piece of sorted) {
    const line = lines.at(-1);
    const first = line?.[0];
    if (line && first && piece.yMm - first.yMm < Math.max(first.sizeMm, piece.sizeMm) / 2) line.push(piece);
    else lines.push([piece]);
  }
  return lines.map((line) => joinLine(line.sort((one, other) => one.xMm - other.xMm)));
}

/** A gap wider than a third of a character reads as a blank. */
function joinLine(line: readonly TextPiece[]): string {
  let text = '';
  let endMm = Number.POSITIVE_INFINITY;
  for (const piece of line) {
    if (piece.xMm - endMm > piece.sizeMm / 3) text += ' ';
    text += piece.text;
    endMm = piece.xMm + piece.widthMm;
  }
  return text;
}
