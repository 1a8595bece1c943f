/** Round seals. Everything scales with the diameter; the figures in comments are for 42 mm. */
import { placeGlyph, round, SEAL_COLOUR, type SealLettering } from './seal-lettering.ts';

export interface RoundSeal {
  name: string;
  bottomText: string;
  serial: string;
  diameterMm: number;
  star: boolean;
}

export function drawRoundSeal(seal: RoundSeal, lettering: SealLettering): { body: string; widthMm: number; heightMm: number } {
  const d = seal.diameterMm;
  const ring = d * 0.028; // 1.2 mm
  const outer = d / 2 - d * 0.004;
  const inner = outer - ring;
  const parts = [
    `<circle cx="${round(d / 2)}" cy="${round(d / 2)}" r="${round(outer - ring / 2)}" fill="none" stroke="${SEAL_COLOUR}" stroke-width="${round(ring)}"/>`,
    seal.star ? starPath(d / 2, d / 2 - (seal.bottomText ? d * 0.012 : 0), d * 0.172) : '', // 14 mm wide
    nameOnArc(seal, inner, lettering),
    lineBelowStar(seal, inner, lettering),
    serialOnArc(seal, inner, lettering),
  ];
  return { body: parts.join(''), widthMm: d, heightMm: d };
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

/** Feet towards the centre, the middle of the name at the top. Many letters stand closer, narrower and a little lower in height. */
function nameOnArc({ name, bottomText, serial, diameterMm: d }: RoundSeal, inner: number, lettering: SealLettering): string {
  const characters = Array.from(name);
  const count = characters.length;
  const crowd = Math.max(0, Math.min(1, (count - 14) / 16));
  const height = d * (0.142 - 0.022 * crowd); // 6 mm, down to 5
  const gap = d * 0.024;
  const middle = inner - gap - height / 2;
  // The full arc leaves the bottom free for the line and the number.
  const widestSpan = (bottomText ? 218 : serial ? 250 : 274) + 14 * crowd;
  const loosest = 34 - Math.min(10, count) * 0.6;
  const step = count > 1 ? Math.min(loosest, widestSpan / (count - 1)) : 0;
  // Neighbours come closest at their feet.
  const room = count > 1 ? ((step * Math.PI) / 180) * (middle - height * 0.3) * 0.97 : height;
  const width = Math.min(height * 0.92, room);
  return characters
    .map((character, index) => {
      const degrees = (index - (count - 1) / 2) * step;
      const angle = (degrees * Math.PI) / 180;
      const xMm = d / 2 + middle * Math.sin(angle);
      const yMm = d / 2 - middle * Math.cos(angle);
      return placeGlyph(lettering.song(character), { xMm, yMm, widthMm: width, heightMm: height, angleDegrees: degrees });
    })
    .join('');
}

function lineBelowStar({ bottomText, diameterMm: d }: RoundSeal, inner: number, lettering: SealLettering): string {
  const characters = Array.from(bottomText);
  if (characters.length === 0) return '';
  const height = d * 0.1; // 4.2 mm
  const centre = d * 0.275;
  const chord = 2 * (Math.sqrt(inner ** 2 - (centre + height / 2) ** 2) - d * 0.05);
  const room = Math.min(chord, d * 0.6);
  const width = Math.min(height * 0.92, (room / characters.length) * 0.96);
  const pitch = Math.min(width * 1.06, room / characters.length);
  return characters
    .map((character, index) => {
      const xMm = d / 2 + (index - (characters.length - 1) / 2) * pitch;
      return placeGlyph(lettering.song(character), { xMm, yMm: d / 2 + centre, widthMm: width, heightMm: height });
    })
    .join('');
}

/** Along the lower edge, left to right, heads towards the centre. */
function serialOnArc({ serial, diameterMm: d }: RoundSeal, inner: number, lettering: SealLettering): string {
  const characters = Array.from(serial);
  const height = d * 0.04; // 1.7 mm
  const middle = inner - d * 0.018 - height / 2;
  const step = ((height * 1.02) / middle) * (180 / Math.PI);
  return characters
    .map((character, index) => {
      const degrees = (index - (characters.length - 1) / 2) * step;
      const angle = (degrees * Math.PI) / 180;
      const xMm = d / 2 + middle * Math.sin(angle);
      const yMm = d / 2 + middle * Math.cos(angle);
      return placeGlyph(lettering.sans(character), { xMm, yMm, widthMm: height * 0.8, heightMm: height, angleDegrees: -degrees });
    })
    .join('');
}
