/** Round seals. Everything scales with the diameter; the figures in comments are for 42 mm. */
import { type GlyphPlace, placeGlyph, round, SEAL_COLOUR, type SealLettering } from './seal-lettering.ts';

/** Of figures beside Han characters. */
const CAPITALS = 0.84;

export interface RoundSeal {
  name: string;
  bottomText: string;
  serial: string;
  diameterMm: number;
  star: boolean;
}

/** Where each letter stands; places in the order of the characters. */
export interface RoundSealLayout {
  /** The ring's inner edge, from the centre. */
  innerMm: number;
  ringMm: number;
  star: { yMm: number; radiusMm: number } | undefined;
  name: GlyphPlace[];
  line: GlyphPlace[];
  serial: GlyphPlace[];
}

export function drawRoundSeal(seal: RoundSeal, lettering: SealLettering): { body: string; widthMm: number; heightMm: number } {
  const d = seal.diameterMm;
  const { innerMm, ringMm, star, ...places } = layOutRoundSeal(seal);
  const draw = (text: string, at: readonly GlyphPlace[], glyph: SealLettering['song']) =>
    Array.from(text, (character, index) => {
      const place = at[index];
      return place ? placeGlyph(glyph(character), place) : '';
    }).join('');
  const parts = [
    `<circle cx="${round(d / 2)}" cy="${round(d / 2)}" r="${round(innerMm + ringMm / 2)}" fill="none" stroke="${SEAL_COLOUR}" stroke-width="${round(ringMm)}"/>`,
    star ? starPath(d / 2, star.yMm, star.radiusMm) : '',
    draw(seal.name, places.name, lettering.song),
    draw(seal.bottomText, places.line, lettering.song),
    draw(seal.serial, places.serial, lettering.sans),
  ];
  return { body: parts.join(''), widthMm: d, heightMm: d };
}

export function layOutRoundSeal(seal: RoundSeal): RoundSealLayout {
  const d = seal.diameterMm;
  const ringMm = d * 0.028; // 1.2 mm
  const innerMm = d / 2 - d * 0.004 - ringMm;
  // A line and a number share the lower part: the line makes room, and the star for the line.
  const lifted = seal.bottomText !== '' && seal.serial !== '';
  const starUp = seal.bottomText === '' ? 0 : lifted ? d * 0.026 : d * 0.012;
  return {
    innerMm,
    ringMm,
    star: seal.star ? { yMm: d / 2 - starUp, radiusMm: d * (lifted ? 0.16 : 0.172) } : undefined, // 14 mm wide
    name: nameOnArc(seal, innerMm),
    line: lineBelowStar(seal, innerMm, lifted),
    serial: serialOnArc(seal, innerMm),
  };
}

/** One point upwards; the inner corners of a regular pentagram. */
function starPath(x: number, y: number, radius: number): string {
  const inner = radius * (Math.sin(Math.PI / 10) / Math.sin((7 * Math.PI) / 10));
  const points = Array.from({ length: 10 }, (_, index) => {
    const r = index % 2 === 0 ? radius : inner;
    const angle = (index * Math.PI) / 5;
    return `${round(x + r * Math.sin(angle))} ${round(y - r * Math.cos(angle))}`;
  });
  return `<path d="M${points.join('L')}Z"/>`;
}

/** Feet towards the centre, the middle of the name at the top. Many letters stand closer, and are lower so that they stay legible. */
function nameOnArc({ name, bottomText, serial, diameterMm: d }: RoundSeal, inner: number): GlyphPlace[] {
  const count = Array.from(name).length;
  const crowd = Math.max(0, Math.min(1, (count - 12) / 18));
  const height = d * (0.142 - 0.036 * crowd); // 6 mm, down to 4.5
  const gap = d * 0.024;
  const middle = inner - gap - height / 2;
  // The full arc leaves the bottom free for the line and the number.
  const widestSpan = (bottomText ? 216 : serial ? 250 : 272) + 16 * crowd;
  const loosest = 34 - Math.min(10, count) * 0.6;
  const step = count > 1 ? Math.min(loosest, widestSpan / (count - 1)) : 0;
  // Neighbours come closest at their feet.
  const room = count > 1 ? 2 * Math.tan((step * Math.PI) / 360) * (middle - height / 2) : height;
  const width = Math.min(height * 0.92, room * 1.04);
  return Array.from({ length: count }, (_, index) => {
    const degrees = (index - (count - 1) / 2) * step;
    return { ...onCircle(d, middle, degrees), widthMm: width, heightMm: height, angleDegrees: degrees, capitals: CAPITALS };
  });
}

function lineBelowStar({ bottomText, diameterMm: d }: RoundSeal, inner: number, lifted: boolean): GlyphPlace[] {
  const count = Array.from(bottomText).length;
  if (count === 0) return [];
  const height = d * (lifted ? 0.09 : 0.1); // 4.2 mm
  const centre = d * (lifted ? 0.234 : 0.275);
  const chord = 2 * (Math.sqrt(inner ** 2 - (centre + height / 2) ** 2) - d * 0.05);
  const room = Math.min(chord, d * (lifted ? 0.54 : 0.6));
  const width = Math.min(height * 0.92, (room / count) * 0.96);
  const pitch = Math.min(width * 1.06, room / count);
  return Array.from({ length: count }, (_, index) => ({
    xMm: d / 2 + (index - (count - 1) / 2) * pitch,
    yMm: d / 2 + centre,
    widthMm: width,
    heightMm: height,
    capitals: CAPITALS,
  }));
}

/** Along the lower edge, left to right, heads towards the centre. */
function serialOnArc({ serial, diameterMm: d }: RoundSeal, inner: number): GlyphPlace[] {
  const count = Array.from(serial).length;
  const height = d * 0.038; // 1.6 mm
  const middle = inner - d * 0.018 - height / 2;
  const step = ((height * 1.02) / middle) * (180 / Math.PI);
  return Array.from({ length: count }, (_, index) => {
    const degrees = (index - (count - 1) / 2) * step;
    return { ...onCircle(d, middle, 180 - degrees), widthMm: height * 0.8, heightMm: height, angleDegrees: -degrees };
  });
}

/** Clockwise from the top. */
function onCircle(diameterMm: number, radiusMm: number, degrees: number): { xMm: number; yMm: number } {
  const angle = (degrees * Math.PI) / 180;
  return { xMm: diameterMm / 2 + radiusMm * Math.sin(angle), yMm: diameterMm / 2 - radiusMm * Math.cos(angle) };
}
