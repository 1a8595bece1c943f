/** Page objects of OFD as SVG (GB/T 33190 §8 to §13): text, paths, pictures, composites, blocks. */
import type { XmlElement } from '#documents/xml/read-xml.ts';
import { parseBox } from './box.ts';
import type { OfdPackage } from './ofd-package.ts';
import type { PictureBudget } from './picture-budget.ts';
import { alphaOf, numbersOf, type Paint, paintOf, paramChain, penAttributes } from './picture-colours.ts';
import { imageMarkup } from './picture-image.ts';
import type { PictureResources } from './picture-resources.ts';
import type { PictureText } from './picture-text.ts';

export interface DrawingContext {
  ofd: OfdPackage;
  resources: PictureResources;
  text: PictureText;
  budget: PictureBudget;
  idPrefix: string;
  /** Everything that stands in `defs`. */
  definitions: string[];
  nextId(): string;
}

const MAX_DEPTH = 12;

/** Draws the objects inside a layer, block, appearance or composite content. */
export function drawObjects(container: XmlElement, context: DrawingContext, layerParam: string | undefined, depth = 0): string {
  if (depth > MAX_DEPTH) return '';
  return container.children
    .map((object) => {
      context.budget.spend('objects');
      if (object.attribute('Visible') === 'false') return '';
      if (object.name === 'PageBlock' || object.name === 'Layer') {
        return drawObjects(object, context, object.attribute('DrawParam') ?? layerParam, depth + 1);
      }
      const chain = paramChain(object, layerParam, context.resources);
      const drawn = drawObject(object, chain, context, depth);
      return drawn === '' ? '' : place(object, drawn, context);
    })
    .join('');
}

function drawObject(object: XmlElement, chain: readonly XmlElement[], context: DrawingContext, depth: number): string {
  switch (object.name) {
    case 'TextObject':
      return drawText(object, chain, context);
    case 'PathObject':
      return drawPath(object, chain, context);
    case 'ImageObject':
      return imageMarkup(context, context.resources.media.get(object.attribute('ResourceID') ?? ''));
    case 'CompositeObject': {
      const unit = context.resources.composites.get(object.attribute('ResourceID') ?? '');
      const content = unit?.child('Content') ?? unit;
      return content ? drawObjects(content, context, undefined, depth + 1) : '';
    }
    default:
      return '';
  }
}

/** Object space → CTM → Boundary's corner → page, and clipped to the Boundary. Text is not clipped: no reader does it. */
function place(object: XmlElement, drawn: string, context: DrawingContext): string {
  const matrix = numbersOf(object.attribute('CTM'));
  const opacity = alphaOf(object);
  let content = matrix.length === 6 ? `<g transform="matrix(${matrix.join(' ')})">${drawn}</g>` : drawn;
  const clip = clipOf(object, context);
  if (clip) content = `<g clip-path="url(#${clip})">${content}</g>`;
  const box = parseBox(object.attribute('Boundary'));
  const fade = opacity < 1 ? ` opacity="${opacity}"` : '';
  if (!box) return fade ? `<g${fade}>${content}</g>` : content;
  if (object.name !== 'TextObject') {
    const id = context.nextId();
    context.definitions.push(`<clipPath id="${id}"><rect width="${box.widthMm}" height="${box.heightMm}"/></clipPath>`);
    content = `<g clip-path="url(#${id})">${content}</g>`;
  }
  return `<g transform="translate(${box.xMm} ${box.yMm})"${fade}>${content}</g>`;
}

/** The union of the paths of all clip areas; text as a clip is left out. */
function clipOf(object: XmlElement, context: DrawingContext): string | undefined {
  const areas = (object.child('Clips')?.childrenOf('Clip') ?? []).flatMap((clip) => clip.childrenOf('Area'));
  const paths = areas.flatMap((area) => {
    const path = area.child('Path');
    const data = path?.textOf('AbbreviatedData');
    if (!path || !data) return [];
    const matrix = numbersOf(area.attribute('CTM'));
    const box = parseBox(path.attribute('Boundary'));
    const shift = box ? `translate(${box.xMm} ${box.yMm})` : '';
    const transform = `${matrix.length === 6 ? `matrix(${matrix.join(' ')})` : ''}${shift}`;
    return [`<path d="${svgPath(data, context.budget)}"${transform ? ` transform="${transform}"` : ''}/>`];
  });
  if (paths.length === 0) return undefined;
  const id = context.nextId();
  context.definitions.push(`<clipPath id="${id}">${paths.join('')}</clipPath>`);
  return id;
}

function drawText(object: XmlElement, chain: readonly XmlElement[], context: DrawingContext): string {
  const glyphs = context.text.draw(object);
  if (glyphs === '') return '';
  const fills = object.attribute('Fill') !== 'false';
  const strokes = object.attribute('Stroke') === 'true';
  const black: Paint = { value: 'rgb(0,0,0)', opacity: 1 };
  const fill = fills ? paintAttributes('fill', colourFrom(chain, 'FillColor', context) ?? black, context) : ' fill="none"';
  const strokeColour = strokes ? colourFrom(chain, 'StrokeColor', context) : undefined;
  const stroke = strokeColour ? paintAttributes('stroke', strokeColour, context) + penAttributes(chain) : '';
  return `<g${fill}${stroke}>${glyphs}</g>`;
}

function drawPath(object: XmlElement, chain: readonly XmlElement[], context: DrawingContext): string {
  const data = object.textOf('AbbreviatedData');
  if (!data) return '';
  const fillColour = object.attribute('Fill') === 'true' ? colourFrom(chain, 'FillColor', context) : undefined;
  const strokes = object.attribute('Stroke') !== 'false';
  const strokeColour = strokes ? (colourFrom(chain, 'StrokeColor', context) ?? { value: 'rgb(0,0,0)', opacity: 1 }) : undefined;
  if (!fillColour && !strokeColour) return '';
  const fill = fillColour ? paintAttributes('fill', fillColour, context) : ' fill="none"';
  const stroke = strokeColour ? paintAttributes('stroke', strokeColour, context) + penAttributes(chain) : '';
  const rule = object.attribute('Rule') === 'Even-Odd' ? ' fill-rule="evenodd"' : '';
  return `<path d="${svgPath(data, context.budget)}"${fill}${rule}${stroke}/>`;
}

function colourFrom(chain: readonly XmlElement[], name: 'FillColor' | 'StrokeColor', context: DrawingContext): Paint | undefined {
  return paintOf(chain.find((element) => element.child(name))?.child(name), context.resources, context.nextId);
}

function paintAttributes(kind: 'fill' | 'stroke', paint: Paint, context: DrawingContext): string {
  if (paint.definition) context.definitions.push(paint.definition);
  return ` ${kind}="${paint.value}"${paint.opacity < 1 ? ` ${kind}-opacity="${paint.opacity}"` : ''}`;
}

/** Operator of AbbreviatedData → SVG, and how many numbers follow it. */
const OPERATORS: Record<string, [svg: string, numbers: number]> = {
  S: ['M', 2],
  M: ['M', 2],
  L: ['L', 2],
  Q: ['Q', 4],
  B: ['C', 6],
  A: ['A', 7],
  C: ['Z', 0],
};

/** Stops at the first thing it does not understand, as SVG does. */
export function svgPath(data: string, budget: PictureBudget): string {
  const tokens = data.match(/[A-Za-z]|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?/g) ?? [];
  budget.spend('pathNumbers', tokens.length);
  let path = '';
  for (let i = 0; i < tokens.length; ) {
    const operator = OPERATORS[tokens[i] ?? ''];
    if (!operator) break;
    const numbers = tokens.slice(i + 1, i + 1 + operator[1]);
    if (numbers.length < operator[1] || numbers.some((token) => !Number.isFinite(Number(token)))) break;
    // SVG wants a move before anything else; OFD files that start with a line exist.
    path += path === '' && operator[0] !== 'M' ? `M0 0${operator[0]}${numbers.join(' ')}` : `${operator[0]}${numbers.join(' ')}`;
    i += 1 + operator[1];
  }
  return path;
}
