/** Colours and pens of OFD as SVG attributes (GB/T 33190 §8.2, §8.3). */
import type { XmlElement } from '#documents/xml/read-xml.ts';
import type { PictureResources } from './picture-resources.ts';

export interface Paint {
  /** A CSS colour or `url(#…)`. */
  value: string;
  /** 0 to 1. */
  opacity: number;
  /** What must stand in `defs` for it. */
  definition?: string;
}

const MAX_STEPS = 64;
const MAX_RELATIVES = 16;

/** Undefined: nothing is painted (pattern fills are left out, as most readers do). */
export function paintOf(element: XmlElement | undefined, resources: PictureResources, freshId: () => string): Paint | undefined {
  if (!element) return undefined;
  const opacity = alphaOf(element);
  const shading = element.child('AxialShd') ?? element.child('RadialShd');
  if (shading) {
    const id = freshId();
    const definition = gradient(shading, id, resources);
    return definition ? { value: `url(#${id})`, opacity, definition } : undefined;
  }
  if (element.child('Pattern')) return undefined;
  const colour = colourOf(element, resources);
  return colour ? { value: colour, opacity } : undefined;
}

export function alphaOf(element: XmlElement): number {
  const alpha = Number(element.attribute('Alpha') ?? '255');
  return Number.isFinite(alpha) ? Math.min(255, Math.max(0, alpha)) / 255 : 1;
}

function colourOf(element: XmlElement, resources: PictureResources): string | undefined {
  const values = (element.attribute('Value') ?? '')
    .split(/\s+/)
    .filter(Boolean)
    .slice(0, 4)
    .map((part) => (part.startsWith('#') ? Number.parseInt(part.slice(1), 16) : Number(part)));
  if (values.some((value) => !Number.isFinite(value))) return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = values.map((value) => Math.min(255, Math.max(0, Math.round(value))));
  const space = resources.colourSpaces.get(element.attribute('ColorSpace') ?? '');
  if (space === 'GRAY' || (space === undefined && values.length === 1)) return rgb(a, a, a);
  if (space === 'CMYK' || (space === undefined && values.length === 4)) {
    const [cyan = 0, magenta = 0, yellow = 0] = [a, b, c].map((ink) => Math.round(((255 - ink) * (255 - d)) / 255));
    return rgb(cyan, magenta, yellow);
  }
  return values.length >= 3 ? rgb(a, b, c) : undefined;
}

function rgb(red: number, green: number, blue: number): string {
  return `rgb(${red},${green},${blue})`;
}

function gradient(shading: XmlElement, id: string, resources: PictureResources): string | undefined {
  const [from, to] = [pointOf(shading.attribute('StartPoint')), pointOf(shading.attribute('EndPoint'))];
  if (!from || !to) return undefined;
  const segments = shading.childrenOf('Segment').slice(0, MAX_STEPS);
  const stops = segments.map((segment, index) => {
    const colour = segment.child('Color');
    const given = segment.attribute('Position');
    const at = given === undefined ? index / Math.max(1, segments.length - 1) : Number(given);
    const offset = Math.min(1, Math.max(0, Number.isFinite(at) ? at : 0));
    return `<stop offset="${offset}" stop-color="${(colour && colourOf(colour, resources)) ?? 'rgb(0,0,0)'}" stop-opacity="${colour ? alphaOf(colour) : 1}"/>`;
  });
  if (stops.length === 0) return undefined;
  if (shading.name === 'AxialShd') {
    return `<linearGradient id="${id}" gradientUnits="userSpaceOnUse" x1="${from[0]}" y1="${from[1]}" x2="${to[0]}" y2="${to[1]}">${stops.join('')}</linearGradient>`;
  }
  const radius = Number(shading.attribute('EndRadius'));
  if (!(radius > 0)) return undefined;
  return `<radialGradient id="${id}" gradientUnits="userSpaceOnUse" cx="${to[0]}" cy="${to[1]}" r="${radius}" fx="${from[0]}" fy="${from[1]}">${stops.join('')}</radialGradient>`;
}

function pointOf(text: string | undefined): [number, number] | undefined {
  const [x, y] = numbersOf(text);
  return x === undefined || y === undefined ? undefined : [x, y];
}

/** Finite numbers of an ST_Array; [] when one is not. */
export function numbersOf(text: string | undefined): number[] {
  const numbers = (text ?? '').trim().split(/\s+/).filter(Boolean).map(Number);
  return numbers.every(Number.isFinite) ? numbers : [];
}

/** The object itself, then its drawing parameters and theirs, nearest first. */
export function paramChain(object: XmlElement, layerParam: string | undefined, resources: PictureResources): XmlElement[] {
  const chain = [object];
  for (const start of [object.attribute('DrawParam'), layerParam]) {
    const seen = new Set<string>();
    let id = start;
    while (id !== undefined && !seen.has(id) && seen.size < MAX_RELATIVES) {
      seen.add(id);
      const param = resources.drawParams.get(id);
      if (param) chain.push(param);
      id = param?.attribute('Relative');
    }
  }
  return chain;
}

/** Stroke attributes of SVG, the colour apart. */
export function penAttributes(chain: readonly XmlElement[]): string {
  const find = (name: string) => chain.find((element) => element.attribute(name) !== undefined)?.attribute(name);
  const width = Number(find('LineWidth') ?? '0.353');
  const cap = find('Cap')?.toLowerCase();
  const join = find('Join')?.toLowerCase();
  const miter = Number(find('MiterLimit') ?? '4.234');
  const dashes = numbersOf(find('DashPattern'))
    .filter((dash) => dash >= 0)
    .slice(0, 16);
  const offset = Number(find('DashOffset') ?? '0');
  return [
    ` stroke-width="${Number.isFinite(width) ? Math.max(0, width) : 0.353}"`,
    cap === 'round' || cap === 'square' ? ` stroke-linecap="${cap}"` : '',
    join === 'round' || join === 'bevel'
      ? ` stroke-linejoin="${join}"`
      : ` stroke-miterlimit="${Number.isFinite(miter) && miter >= 1 ? miter : 4.234}"`,
    dashes.some((dash) => dash > 0)
      ? ` stroke-dasharray="${dashes.join(' ')}" stroke-dashoffset="${Number.isFinite(offset) ? offset : 0}"`
      : '',
  ].join('');
}
