/**
 * The large-type edition of any licence (大字版), for people who see badly: black on white, one field under the other, letters of
 * 7 mm. Made from the type's fields alone, so that every type has one. Long texts take more lines, and more pages if need be.
 */
import { fitText } from './fit-text.ts';
import type { LicenceType, SealPlace } from './licence-type.ts';
import { type PageTemplate, pageTemplateSchema, type TemplateTextStyle, textStyleSchema } from './page-template.ts';

const WIDTH = 210;
const HEIGHT = 297;
const MARGIN = 18;
const FIRST_ROW = 52;
const FURTHER_ROW = 28;
const FRAME = { kind: 'rectangle', box: [8, 8, WIDTH - 16, HEIGHT - 16], stroke: '#000000', lineWidth: 0.8 };
/** Below it stand code, issuer and seal. */
const FIRST_PAGE_END = 224;
const PAGE_END = 276;
const LABEL_HEIGHT = 6.2;
const ROW_GAP = 5;
const VALUE_SIZE = 7;
const SMALLEST_VALUE = 4.5;
const LINE_HEIGHT = 1.35;

export const LARGE_TYPE_STYLES: Readonly<Record<string, TemplateTextStyle>> = {
  title: style({ face: 'sans-bold', size: 15, minimumSize: 8, align: 'centre', tracking: 0.3 }),
  edition: style({ face: 'sans-bold', size: 5, align: 'centre', tracking: 0.2 }),
  label: style({ face: 'sans-bold', size: 5, colour: '#333333' }),
  value: style({ face: 'sans-bold', size: VALUE_SIZE, lineHeight: LINE_HEIGHT, lines: 60, verticalAlign: 'top' }),
  issuer: style({ face: 'sans-bold', size: 6.5, minimumSize: 2.5, align: 'right', lines: 2, lineHeight: 1.2 }),
  running: style({ face: 'sans-bold', size: 5, minimumSize: 2.2, align: 'right', lines: 2, lineHeight: 1.15, verticalAlign: 'middle' }),
  identifier: style({ face: 'sans', size: 2.8, minimumSize: 1.6 }),
  page: style({ face: 'sans', size: 3.5, align: 'right' }),
};

function style(input: Partial<TemplateTextStyle> & Pick<TemplateTextStyle, 'face' | 'size'>): TemplateTextStyle {
  return textStyleSchema.parse({ colour: '#000000', ...input });
}

/** The seal stands at the foot of the first page. */
export const LARGE_TYPE_SEAL: SealPlace = { pageIndex: 0, xMm: 146, yMm: 231, widthMm: 42, heightMm: 42 };

interface Row {
  label: string;
  placeholder: string;
  sizeMm: number;
  valueHeightMm: number;
}

/** To be drawn with {@link LARGE_TYPE_STYLES}. @throws Problem `text-does-not-fit` for a value longer than a page. */
export function largeTypePages(type: LicenceType, textOf: (placeholder: string) => string): PageTemplate[] {
  const fields = type.fields.filter((field) => !isValidityField(type, field.key));
  const rows = [
    rowOf(type.holderLabel.zh, '@holder', textOf),
    rowOf(type.holderIdentifierLabel.zh, '@holder-identifier', textOf),
    ...fields.map((field) => rowOf(field.label.zh, field.key, textOf)),
    rowOf('有效期限', '@validity', textOf),
    rowOf('证照编号', '@number', textOf),
  ];
  const pages: unknown[][] = [firstPage(type)];
  let y = FIRST_ROW;
  for (const row of rows) {
    if (!row) continue;
    const height = LABEL_HEIGHT + row.valueHeightMm + ROW_GAP;
    if (y + height > (pages.length === 1 ? FIRST_PAGE_END : PAGE_END)) {
      pages.push(furtherPage(type));
      y = FURTHER_ROW;
    }
    pages.at(-1)?.push(...drawRow(row, y));
    y += height;
  }
  return pages.map((elements, index) => {
    const number = text(`第 ${index + 1} 页，共 ${pages.length} 页`, [MARGIN, 281, WIDTH - 2 * MARGIN, 5], 'page');
    return pageTemplateSchema.parse({ width: WIDTH, height: HEIGHT, elements: [...elements, number] });
  });
}

function isValidityField(type: LicenceType, key: string): boolean {
  return type.validity.kind === 'fields' && (type.validity.from === key || type.validity.to === key);
}

function rowOf(label: string, placeholder: string, textOf: (placeholder: string) => string): Row | undefined {
  const box = { xMm: 0, yMm: 0, widthMm: WIDTH - 2 * MARGIN, heightMm: PAGE_END - FURTHER_ROW - LABEL_HEIGHT - ROW_GAP };
  const items = fitText(textOf(placeholder), box, {
    face: 'sans-bold',
    sizeMm: VALUE_SIZE,
    minimumSizeMm: SMALLEST_VALUE,
    lineHeightEm: LINE_HEIGHT,
    maximumLines: 60,
    field: placeholder,
  });
  const sizeMm = items[0]?.sizeMm;
  if (sizeMm === undefined) return undefined;
  const lines = new Set(items.map((item) => item.baselineMm)).size;
  return { label, placeholder, sizeMm, valueHeightMm: ((lines - 1) * LINE_HEIGHT + 1) * sizeMm + 0.1 };
}

function drawRow({ label, placeholder, sizeMm, valueHeightMm }: Row, y: number): unknown[] {
  const end = y + LABEL_HEIGHT + valueHeightMm + 2.4;
  return [
    text(label, [MARGIN, y, WIDTH - 2 * MARGIN, LABEL_HEIGHT - 0.6], 'label'),
    text(`{${placeholder}}`, [MARGIN, y + LABEL_HEIGHT, WIDTH - 2 * MARGIN, valueHeightMm], 'value', { size: sizeMm, minimumSize: sizeMm }),
    { kind: 'line', from: [MARGIN, end], to: [WIDTH - MARGIN, end], stroke: '#999999', lineWidth: 0.2 },
  ];
}

function firstPage(type: LicenceType): unknown[] {
  return [
    FRAME,
    text(type.name.zh, [MARGIN, 20, WIDTH - 2 * MARGIN, 18], 'title'),
    text('大字版', [MARGIN, 39, WIDTH - 2 * MARGIN, 7], 'edition'),
    { kind: 'line', from: [MARGIN, 48], to: [WIDTH - MARGIN, 48], stroke: '#000000', lineWidth: 0.6 },
    { kind: 'qr', at: [MARGIN, 231], size: 33 },
    text('扫码核验', [MARGIN, 269, 33, 6], 'edition'),
    text('{@issuer}', [60, 241, 132, 9], 'issuer'),
    text('{@issued-on}', [60, 255, 132, 9], 'issuer'),
    text('{@identifier}', [MARGIN, 276, WIDTH - 2 * MARGIN, 4], 'identifier'),
  ];
}

/** Which licence this sheet belongs to, should it lie alone. */
function furtherPage(type: LicenceType): unknown[] {
  return [
    FRAME,
    text(`${type.name.zh}（续）`, [MARGIN, 14, 90, 8], 'label', { colour: '#000000' }),
    text('{@holder}', [MARGIN + 90, 14, WIDTH - 2 * MARGIN - 90, 8], 'running'),
    { kind: 'line', from: [MARGIN, 24], to: [WIDTH - MARGIN, 24], stroke: '#000000', lineWidth: 0.6 },
  ];
}

function text(content: string, box: readonly number[], styleName: string, override?: object): unknown {
  return { kind: 'text', text: content, box, style: styleName, ...(override ? { with: override } : {}) };
}
