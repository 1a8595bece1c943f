/** Page items as OFD page objects (GB/T 33190-2016 clauses 8, 9, 10, 11), children in schema order. */
import { textBox } from '#documents/page/fit-text.ts';
import type { FontFace } from '#documents/page/fonts.ts';
import {
  colourChannels,
  formatNumber,
  type ImageItem,
  type PageItem,
  type PageLayout,
  type PathCommand,
  type PathItem,
  type TextItem,
} from '#documents/page/page-layout.ts';
import { escapeXml } from '#documents/xml/escape-xml.ts';

export interface ObjectWriter {
  /** A fresh ST_ID of the document. */
  nextId(): number;
  fontId(face: FontFace): number;
  imageId(image: ImageItem): number;
  /** Told which object shows which field, for the data index. */
  tagged?(field: string, objectId: number): void;
}

type PageSize = Pick<PageLayout, 'widthMm' | 'heightMm'>;

export function writeObjects(items: readonly PageItem[], page: PageSize, writer: ObjectWriter): string {
  return items
    .map((item) => {
      if (item.kind === 'text')
        return splitAtAstral(item)
          .map((part) => writeText(part, page, writer))
          .join('');
      return item.kind === 'path' ? writePath(item, page, writer) : writeImage(item, writer);
    })
    .join('');
}

/**
 * Readers disagree whether a character outside the basic plane is one or two in DeltaX, so each stands in an object of its own,
 * where there is no DeltaX to miscount.
 */
function splitAtAstral(item: TextItem): TextItem[] {
  const characters = Array.from(item.text);
  if (item.rotationDegrees || characters.length === item.text.length) return [item];
  const parts: TextItem[] = [];
  let xMm = item.xMm;
  let open = false;
  characters.forEach((character, index) => {
    const advance = item.advancesMm[index] ?? 0;
    const last = parts.at(-1);
    if (character.length === 1 && open && last) {
      parts[parts.length - 1] = { ...last, text: last.text + character, advancesMm: [...last.advancesMm, advance] };
    } else parts.push({ ...item, text: character, xMm, advancesMm: [advance] });
    open = character.length === 1;
    xMm += advance;
  });
  return parts;
}

function writeText(item: TextItem, page: PageSize, writer: ObjectWriter): string {
  const id = writer.nextId();
  if (item.field) writer.tagged?.(item.field, id);
  const box = textBox(item);
  let place = `Boundary="${numbers(box.xMm, box.yMm, box.widthMm, box.heightMm)}"`;
  let start = `X="${formatNumber(item.xMm - box.xMm)}" Y="${formatNumber(item.baselineMm - box.yMm)}"`;
  if (item.rotationDegrees) {
    const angle = (item.rotationDegrees * Math.PI) / 180;
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    place = `Boundary="${numbers(0, 0, page.widthMm, page.heightMm)}" CTM="${numbers(cos, -sin, sin, cos, item.xMm, item.baselineMm)}"`;
    start = 'X="0" Y="0"';
  }
  const alpha = item.opacity === undefined ? '' : ` Alpha="${Math.round(item.opacity * 255)}"`;
  // One advance fewer than characters: without DeltaX every glyph would be drawn on the first.
  const advances = item.advancesMm.slice(0, -1);
  const delta = advances.length > 0 ? ` DeltaX="${numbers(...advances)}"` : '';
  return (
    `<ofd:TextObject ID="${id}" ${place} Font="${writer.fontId(item.face)}" Size="${formatNumber(item.sizeMm)}">` +
    `<ofd:FillColor Value="${colourValue(item.colour)}"${alpha}/><ofd:TextCode ${start}${delta}>${escapeXml(item.text)}</ofd:TextCode></ofd:TextObject>`
  );
}

/** The whole page is the boundary: object space is page space, and nothing is clipped. */
function writePath(item: PathItem, page: PageSize, writer: ObjectWriter): string {
  const stroke = item.stroke ? `<ofd:StrokeColor Value="${colourValue(item.stroke)}"/>` : '';
  const fill = item.fill ? `<ofd:FillColor Value="${colourValue(item.fill)}"/>` : '';
  const attributes = [
    `ID="${writer.nextId()}"`,
    `Boundary="${numbers(0, 0, page.widthMm, page.heightMm)}"`,
    item.stroke ? `LineWidth="${formatNumber(item.lineWidthMm ?? 0.353)}"` : '',
    item.dashMm ? `DashPattern="${numbers(...item.dashMm)}"` : '',
    `Stroke="${item.stroke ? 'true' : 'false'}"`,
    `Fill="${item.fill ? 'true' : 'false'}"`,
    item.rule === 'evenodd' ? 'Rule="Even-Odd"' : '',
  ];
  return `<ofd:PathObject ${attributes.filter(Boolean).join(' ')}>${stroke}${fill}<ofd:AbbreviatedData>${pathData(item.commands)}</ofd:AbbreviatedData></ofd:PathObject>`;
}

function writeImage(item: ImageItem, writer: ObjectWriter): string {
  const box = numbers(item.xMm, item.yMm, item.widthMm, item.heightMm);
  const matrix = numbers(item.widthMm, 0, 0, item.heightMm, 0, 0);
  return `<ofd:ImageObject ID="${writer.nextId()}" Boundary="${box}" CTM="${matrix}" ResourceID="${writer.imageId(item)}"/>`;
}

const OPERATORS = { M: 'M', L: 'L', C: 'B', Z: 'C' } as const;
const writtenPaths = new WeakMap<readonly PathCommand[], string>();

/** Kept per path: the form of a licence is the same every time. */
function pathData(commands: readonly PathCommand[]): string {
  let data = writtenPaths.get(commands);
  if (data === undefined) {
    data = commands.map(([operator, ...points]) => [OPERATORS[operator], ...(points as number[]).map(micrometres)].join(' ')).join(' ');
    writtenPaths.set(commands, data);
  }
  return data;
}

function micrometres(value: number): string {
  return formatNumber(Math.round(value * 1000) / 1000);
}

function numbers(...values: readonly number[]): string {
  return values.map(formatNumber).join(' ');
}

function colourValue(colour: string): string {
  return colourChannels(colour).join(' ');
}
