/**
 * The large-type edition of any licence (大字版), for people who see badly: black on white, one field under the other, letters of
 * 7 mm. Made from the type's fields alone, so that every type has one. Long texts take more lines, and more pages if need be.
 */
import { fitText, type TextStyle } from './fit-text.ts';
import type { LicenceType, SealPlace } from './licence-type.ts';
import { type PageTemplate, pageTemplateSchema } from './page-template.ts';

const WIDTH = 210;
const HEIGHT = 297;
const MARGIN = 18;
const LABEL = { face: 'sans-bold', size: 5, colour: '#333333' } as const;
const VALUE = { face: 'sans-bold', size: 7, colour: '#000000', lineHeight: 1.35 } as const;
const BOTTOM = 222;
const LAST_ROW = 268;

/** The seal stands at the foot of the first page. */
export const LARGE_TYPE_SEAL: SealPlace = { pageIndex: 0, xMm: 146, yMm: 231, widthMm: 42, heightMm: 42 };

interface Row {
  label: string;
  placeholder: string;
  heightMm: number;
  lines: number;
}

export function largeTypePages(type: LicenceType, textOf: (placeholder: string) => string): PageTemplate[] {
  const rows = [
    rowOf(type.holderLabel.zh, '@holder', textOf),
    rowOf(type.holderIdentifierLabel.zh, '@holder-identifier', textOf),
    ...type.fields.filter((field) => !isValidityField(type, field.key)).map((field) => rowOf(field.label.zh, field.key, textOf)),
    rowOf('有效期限', '@validity', textOf),
    rowOf('证照编号', '@number', textOf),
  ].filter((row): row is Row => row !== undefined);
  const pages: unknown[][] = [firstPage(type)];
  let y = 52;
  for (const row of rows) {
    const limit = pages.length === 1 ? BOTTOM : LAST_ROW;
    if (y + row.heightMm > limit) {
      pages.push([]);
      y = MARGIN;
    }
    pages.at(-1)?.push(...drawRow(row, y));
    y += row.heightMm;
  }
  const styles = Object.keys(type.styles)[0] ?? '';
  return pages.map((elements, index) =>
    pageTemplateSchema.parse({
      width: WIDTH,
      height: HEIGHT,
      elements: [
        ...elements,
        text(`第 ${index + 1} 页，共 ${pages.length} 页`, [MARGIN, 284, WIDTH - 2 * MARGIN, 5], { ...LABEL, size: 3.5, align: 'right' }),
      ].map((element) => ('style' in (element as object) ? { ...(element as object), style: styles } : element)),
    }),
  );
}

function isValidityField(type: LicenceType, key: string): boolean {
  return type.validity.kind === 'fields' && (type.validity.from === key || type.validity.to === key);
}

function rowOf(label: string, placeholder: string, textOf: (placeholder: string) => string): Row | undefined {
  const value = textOf(placeholder);
  if (value === '') return undefined;
  const box = { xMm: 0, yMm: 0, widthMm: WIDTH - 2 * MARGIN, heightMm: 200 };
  const style: TextStyle = {
    face: VALUE.face,
    sizeMm: VALUE.size,
    lineHeightEm: VALUE.lineHeight,
    maximumLines: 20,
    minimumSizeMm: 5,
    field: placeholder,
  };
  const lines = new Set(fitText(value, box, style).map((item) => item.baselineMm)).size;
  return { label, placeholder, lines, heightMm: 7 + lines * VALUE.size * VALUE.lineHeight + 4 };
}

function drawRow(row: Row, y: number): unknown[] {
  const valueHeight = row.lines * VALUE.size * VALUE.lineHeight + 1;
  return [
    text(row.label, [MARGIN, y, 120, 6], LABEL),
    text(`{${row.placeholder}}`, [MARGIN, y + 7, WIDTH - 2 * MARGIN, valueHeight], {
      ...VALUE,
      lines: 20,
      minimumSize: 5,
      verticalAlign: 'top',
    }),
    {
      kind: 'line',
      from: [MARGIN, y + row.heightMm - 1.6],
      to: [WIDTH - MARGIN, y + row.heightMm - 1.6],
      stroke: '#999999',
      lineWidth: 0.2,
    },
  ];
}

function firstPage(type: LicenceType): unknown[] {
  return [
    { kind: 'rectangle', box: [8, 8, WIDTH - 16, HEIGHT - 16], stroke: '#000000', lineWidth: 0.8 },
    text(type.name.zh, [MARGIN, 20, WIDTH - 2 * MARGIN, 18], {
      face: 'sans-bold',
      size: 15,
      align: 'centre',
      tracking: 0.3,
      minimumSize: 8,
    }),
    text('大字版', [MARGIN, 39, WIDTH - 2 * MARGIN, 7], { ...LABEL, align: 'centre', tracking: 0.2 }),
    { kind: 'line', from: [MARGIN, 48], to: [WIDTH - MARGIN, 48], stroke: '#000000', lineWidth: 0.6 },
    { kind: 'qr', at: [MARGIN, 232], size: 36 },
    text('扫码核验', [MARGIN, 269, 36, 6], { ...LABEL, align: 'centre' }),
    text('{@issuer}', [60, 240, 128, 9], { ...VALUE, size: 6.5, lines: 2, minimumSize: 3, align: 'right' }),
    text('{@issued-on}', [60, 254, 128, 9], { ...VALUE, size: 6.5, align: 'right' }),
    text('{@identifier}', [MARGIN, 277, WIDTH - 2 * MARGIN, 4], { face: 'sans', size: 2.8, minimumSize: 1.6 }),
  ];
}

function text(content: string, box: readonly number[], style: object): unknown {
  return { kind: 'text', text: content, box, style: '', with: style };
}
