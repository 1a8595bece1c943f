/** One element of a template as page items. */

import { pngSize } from './decode-png.ts';
import { fitText, type TextStyle } from './fit-text.ts';
import { rosette, waveField, waveFrame } from './guilloche.ts';
import { jpegSize } from './jpeg-size.ts';
import type { LicenceData, LicencePhoto } from './licence-data.ts';
import {
  type Box,
  circlePath,
  type PageItem,
  type PathCommand,
  type PathItem,
  rectanglePath,
  roundedRectanglePath,
} from './page-layout.ts';
import { fillPlaceholders, placeholdersOf, type TemplateElement, type TemplateTextStyle } from './page-template.ts';
import { drawQr } from './qr-path.ts';

export type Styles = Readonly<Record<string, TemplateTextStyle>>;

type BoxTuple = readonly [number, number, number, number];

export function boxOf([xMm, yMm, widthMm, heightMm]: BoxTuple): Box {
  return { xMm, yMm, widthMm, heightMm };
}

/** Whether the element looks the same on every licence of its type. */
export function isFixed(element: TemplateElement): boolean {
  if (element.kind === 'qr' || element.kind === 'photo') return false;
  return element.kind !== 'text' || (placeholdersOf(element.text).length === 0 && element.when === undefined);
}

export function drawFixedElement(element: TemplateElement, styles: Styles): PageItem[] {
  if (element.kind === 'text') return fitText(element.text, boxOf(element.box), fittedStyle(element, styles));
  return [drawShape(element)];
}

/** @param textOf the text of a placeholder, '' when there is none. */
export function drawFilledElement(
  element: TemplateElement,
  styles: Styles,
  data: Pick<LicenceData, 'verifyAddress' | 'photo'>,
  textOf: (placeholder: string) => string,
): PageItem[] {
  if (element.kind === 'qr') {
    return drawQr(data.verifyAddress, { xMm: element.at[0], yMm: element.at[1], sizeMm: element.size }, element.colour);
  }
  if (element.kind === 'photo') return drawPhoto(element, data);
  if (element.kind !== 'text' || (element.when !== undefined && textOf(element.when) === '')) return [];
  const text = fillPlaceholders(element.text, textOf);
  if (text === undefined) return [];
  const [placeholder] = placeholdersOf(element.text);
  return fitText(text, boxOf(element.box), { ...fittedStyle(element, styles), ...(placeholder ? { field: placeholder } : {}) });
}

function fittedStyle(element: Extract<TemplateElement, { kind: 'text' }>, styles: Styles): TextStyle {
  const style = { ...styles[element.style], ...element.with } as TemplateTextStyle;
  return {
    face: style.face,
    sizeMm: style.size,
    ...(style.minimumSize === undefined ? {} : { minimumSizeMm: style.minimumSize }),
    colour: style.colour,
    trackingEm: style.tracking,
    align: style.align,
    verticalAlign: style.verticalAlign,
    lineHeightEm: style.lineHeight,
    maximumLines: style.lines,
  };
}

type Shape = Exclude<TemplateElement, { kind: 'text' | 'qr' | 'photo' }>;

function drawShape(element: TemplateElement): PathItem {
  const shape = element as Shape;
  return {
    kind: 'path',
    commands: shapePath(shape),
    ...(shape.fill ? { fill: shape.fill } : {}),
    ...(shape.stroke ? { stroke: shape.stroke } : {}),
    lineWidthMm: shape.lineWidth,
    ...(shape.kind === 'line' && shape.dash ? { dashMm: shape.dash } : {}),
  };
}

function shapePath(shape: Shape): PathCommand[] {
  switch (shape.kind) {
    case 'rectangle':
      return shape.radius > 0 ? roundedRectanglePath(boxOf(shape.box), shape.radius) : rectanglePath(boxOf(shape.box));
    case 'line':
      return [
        ['M', ...shape.from],
        ['L', ...shape.to],
      ];
    case 'circle':
      return circlePath(shape.at[0], shape.at[1], shape.radius);
    case 'rosette':
      return rosette({
        xMm: shape.at[0],
        yMm: shape.at[1],
        radiusMm: shape.radius,
        innerRatio: shape.innerRatio,
        petals: shape.petals,
        strands: shape.strands,
      });
    case 'wave-frame':
      return waveFrame(boxOf(shape.box), shape.band, shape.wavelength, shape.strands);
    case 'wave-field':
      return waveField(boxOf(shape.box), shape.spacing, shape.amplitude, shape.wavelength);
  }
}

function drawPhoto(element: Extract<TemplateElement, { kind: 'photo' }>, { photo }: Pick<LicenceData, 'photo'>): PageItem[] {
  const box = boxOf(element.box);
  const colour = element.stroke ?? '#808080';
  const frame: PathItem = { kind: 'path', commands: rectanglePath(box), stroke: colour, lineWidthMm: element.lineWidth };
  if (photo) return [{ kind: 'image', ...photo, ...insideBox(photo, box) }, frame];
  const sizeMm = Math.min(4, box.widthMm / 8);
  const style = { face: 'sans', sizeMm, colour, align: 'centre', verticalAlign: 'middle', trackingEm: 0.5 } as const;
  return [{ ...frame, fill: '#f4f6f7' }, ...fitText('照片', box, style)];
}

/** As large as it goes without stretching the face, centred. */
function insideBox(photo: LicencePhoto, box: Box): Box {
  const { width, height } = photo.format === 'PNG' ? pngSize(photo.bytes) : jpegSize(photo.bytes);
  const scale = Math.min(box.widthMm / width, box.heightMm / height);
  const [widthMm, heightMm] = [width * scale, height * scale];
  return { xMm: box.xMm + (box.widthMm - widthMm) / 2, yMm: box.yMm + (box.heightMm - heightMm) / 2, widthMm, heightMm };
}
