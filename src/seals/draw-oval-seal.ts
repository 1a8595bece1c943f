/**
 * The seal for invoices (发票专用章): an oval of 40 × 30 mm with a ring of 1 mm, the name along its upper edge, the taxpayer's number
 * across the middle and the purpose below it, after the announcement of the State Administration of Taxation, No. 7 of 2011.
 */
import { type GlyphPlace, placeGlyph, round, SEAL_COLOUR, type SealLettering } from './seal-lettering.ts';

export const OVAL_WIDTH_MM = 40;
export const OVAL_HEIGHT_MM = 30;
const RING_MM = 1;
const EDGE_MM = 0.15;
const GAP_MM = 0.8;

export interface OvalSeal {
  name: string;
  /** The credit code, or the body's own code. */
  taxNumber: string;
  bottomText: string;
}

export interface OvalSealLayout {
  /** Half axes of the ring's inner edge. */
  innerMm: { x: number; y: number };
  name: GlyphPlace[];
  number: GlyphPlace[];
  line: GlyphPlace[];
}

export function drawOvalSeal(seal: OvalSeal, lettering: SealLettering): { body: string; widthMm: number; heightMm: number } {
  const { name, number, line } = layOutOvalSeal(seal);
  const half = EDGE_MM + RING_MM / 2;
  const draw = (text: string, at: readonly GlyphPlace[], glyph: SealLettering['song']) =>
    Array.from(text, (character, index) => {
      const place = at[index];
      return place ? placeGlyph(glyph(character), place) : '';
    }).join('');
  const parts = [
    `<ellipse cx="${OVAL_WIDTH_MM / 2}" cy="${OVAL_HEIGHT_MM / 2}" rx="${round(OVAL_WIDTH_MM / 2 - half)}" ry="${round(OVAL_HEIGHT_MM / 2 - half)}" fill="none" stroke="${SEAL_COLOUR}" stroke-width="${RING_MM}"/>`,
    draw(seal.name, name, lettering.song),
    draw(seal.taxNumber, number, lettering.sans),
    draw(seal.bottomText, line, lettering.song),
  ];
  return { body: parts.join(''), widthMm: OVAL_WIDTH_MM, heightMm: OVAL_HEIGHT_MM };
}

export function layOutOvalSeal({ name, taxNumber, bottomText }: OvalSeal): OvalSealLayout {
  const innerMm = { x: OVAL_WIDTH_MM / 2 - EDGE_MM - RING_MM, y: OVAL_HEIGHT_MM / 2 - EDGE_MM - RING_MM };
  return {
    innerMm,
    name: nameOnOval(Array.from(name).length, innerMm),
    number: straight(Array.from(taxNumber).length, { yMm: 15.3, heightMm: 2.9, widthMm: 1.3, roomMm: 23.4 }),
    line: straight(Array.from(bottomText).length, { yMm: 22.2, heightMm: 4.2, widthMm: 3.4, roomMm: 19 }),
  };
}

/** Evenly spaced along the oval on which the letters' middles stand, each upright to it. */
function nameOnOval(count: number, inner: { x: number; y: number }): GlyphPlace[] {
  const crowd = Math.max(0, Math.min(1, (count - 12) / 18));
  const height = 4.2 - 0.9 * crowd;
  const [a, b] = [inner.x - GAP_MM - height / 2, inner.y - GAP_MM - height / 2];
  // Of the angle from the centre, as the announcement has it: 260 degrees at most.
  const reach = arcLength(a, b, (130 * Math.PI) / 180);
  const step = count > 1 ? Math.min(5.4, (2 * reach) / (count - 1)) : 0;
  // Feet come closest where the oval is most curved: at its sides.
  const tightest = (b * b) / a;
  const width = Math.min(3.4, count > 1 ? step * (1 - height / 2 / Math.max(tightest, height)) * 1.04 : 3.4);
  return Array.from({ length: count }, (_, index) => {
    const along = (index - (count - 1) / 2) * step;
    const t = parameterAt(a, b, along);
    const normal = Math.atan2(Math.sin(t) / a, Math.cos(t) / b);
    return {
      xMm: OVAL_WIDTH_MM / 2 + a * Math.sin(t),
      yMm: OVAL_HEIGHT_MM / 2 - b * Math.cos(t),
      widthMm: width,
      heightMm: height,
      angleDegrees: (normal * 180) / Math.PI,
    };
  });
}

const STEPS = 720;

/** From the top clockwise to the parameter `to`. */
function arcLength(a: number, b: number, to: number): number {
  let length = 0;
  const dt = to / STEPS;
  for (let i = 0; i < STEPS; i++) {
    const t = (i + 0.5) * dt;
    length += Math.hypot(a * Math.cos(t), b * Math.sin(t)) * dt;
  }
  return length;
}

/** The parameter at which the arc from the top is so long; negative to the left. */
function parameterAt(a: number, b: number, length: number): number {
  let [low, high] = [0, Math.PI];
  for (let i = 0; i < 40; i++) {
    const t = (low + high) / 2;
    if (arcLength(a, b, t) < Math.abs(length)) low = t;
    else high = t;
  }
  return Math.sign(length) * low;
}

function straight(count: number, line: { yMm: number; heightMm: number; widthMm: number; roomMm: number }): GlyphPlace[] {
  const pitch = Math.min(line.widthMm * 1.06, line.roomMm / Math.max(1, count));
  return Array.from({ length: count }, (_, index) => ({
    xMm: OVAL_WIDTH_MM / 2 + (index - (count - 1) / 2) * pitch,
    yMm: line.yMm,
    widthMm: Math.min(line.widthMm, pitch * 0.98),
    heightMm: line.heightMm,
  }));
}
