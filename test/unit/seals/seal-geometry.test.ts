/** Where the letters of a seal stand: apart from each other, even on both sides, inside the ring. */
import { describe, expect, test } from 'vitest';
import { layOutOvalSeal, OVAL_HEIGHT_MM, OVAL_WIDTH_MM } from '#seals/draw-oval-seal.ts';
import { layOutRoundSeal, type RoundSeal } from '#seals/draw-round-seal.ts';
import type { GlyphPlace } from '#seals/seal-lettering.ts';

type Point = readonly [number, number];

/** Han ink fills about 0.94 of its cell. */
const INK = 0.94;

function corners({ xMm, yMm, widthMm, heightMm, angleDegrees = 0 }: GlyphPlace): Point[] {
  const angle = (angleDegrees * Math.PI) / 180;
  const [w, h] = [(widthMm * INK) / 2, (heightMm * INK) / 2];
  return [
    [-w, -h],
    [w, -h],
    [w, h],
    [-w, h],
  ].map(([x = 0, y = 0]) => [xMm + x * Math.cos(angle) - y * Math.sin(angle), yMm + x * Math.sin(angle) + y * Math.cos(angle)]);
}

/** Two rectangles are apart when a line along an edge of one of them parts them. */
function overlap(a: GlyphPlace, b: GlyphPlace): boolean {
  const [first, second] = [corners(a), corners(b)];
  return [a, b].every(({ angleDegrees = 0 }) =>
    [angleDegrees, angleDegrees + 90].every((degrees) => {
      const axis = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)] as const;
      const along = ([x, y]: Point) => x * axis[0] + y * axis[1];
      const [p, q] = [first.map(along), second.map(along)];
      return Math.max(...p) > Math.min(...q) + 1e-9 && Math.max(...q) > Math.min(...p) + 1e-9;
    }),
  );
}

function overlapping(places: readonly GlyphPlace[]): [number, number][] {
  return places.flatMap((a, i) => places.flatMap((b, j) => (j > i && overlap(a, b) ? [[i, j] as [number, number]] : [])));
}

function expectEven(places: readonly GlyphPlace[], middleMm: number): void {
  for (const [index, place] of places.entries()) {
    const mirror = places[places.length - 1 - index];
    expect(place.xMm - middleMm).toBeCloseTo(middleMm - (mirror?.xMm ?? 0), 6);
    expect(place.yMm).toBeCloseTo(mirror?.yMm ?? 0, 6);
    expect(place.angleDegrees ?? 0).toBeCloseTo(-(mirror?.angleDegrees ?? 0), 6);
  }
}

const LENGTHS = Array.from({ length: 30 }, (_, index) => index + 1);
const FORMS = [
  ['a star', { star: true, bottomText: '', serial: '' }],
  ['no star', { star: false, bottomText: '', serial: '' }],
  ['a number', { star: true, bottomText: '', serial: '35020000000013' }],
  ['a purpose', { star: true, bottomText: '合同专用章（1）', serial: '' }],
  ['a purpose and a number', { star: true, bottomText: '电子证照专用章', serial: '35020000000013' }],
  ['the longest purpose and a number', { star: true, bottomText: '一'.repeat(16), serial: '35020000000013' }],
] as const;

describe.each(FORMS)('a round seal with %s', (_form, form) => {
  test.each([50, 45, 42, 38])('of %d mm: names of 1 to 30 characters stand apart, even, and inside the ring', (diameterMm) => {
    for (const length of LENGTHS) {
      const seal: RoundSeal = { ...form, name: '国'.repeat(length), diameterMm };
      const { innerMm, name, line, serial, star } = layOutRoundSeal(seal);
      expect([name.length, line.length, serial.length]).toEqual([length, Array.from(form.bottomText).length, form.serial.length]);
      expect(overlapping([...name, ...line, ...serial]), `${length} characters`).toEqual([]);
      const middle = diameterMm / 2;
      for (const places of [name, line, serial]) expectEven(places, middle);
      const radii = [...name, ...line, ...serial].flatMap(corners).map(([x, y]) => Math.hypot(x - middle, y - middle));
      expect(Math.max(...radii)).toBeLessThan(innerMm - diameterMm * 0.01);
      // The star has the middle to itself.
      const toStar = [...name, ...line].flatMap(corners).map(([x, y]) => Math.hypot(x - middle, y - (star?.yMm ?? middle)));
      const nearest = [...line].flatMap(corners).map(([, y]) => y - (star?.yMm ?? middle));
      if (star) {
        expect(Math.min(...name.flatMap(corners).map(([x, y]) => Math.hypot(x - middle, y - star.yMm)))).toBeGreaterThan(star.radiusMm);
        for (const below of nearest) expect(below).toBeGreaterThan(star.radiusMm * Math.cos(Math.PI / 5));
      }
      expect(Math.min(...toStar)).toBeGreaterThan(0);
    }
  });

  test('letters keep a readable shape: never narrower than a third of their height, never wider than high', () => {
    for (const length of LENGTHS) {
      const { name } = layOutRoundSeal({ ...form, name: '国'.repeat(length), diameterMm: 42 });
      for (const { widthMm, heightMm } of name) {
        expect(widthMm / heightMm).toBeGreaterThan(0.34);
        expect(widthMm / heightMm).toBeLessThanOrEqual(1);
        expect(heightMm).toBeGreaterThan(4.2);
      }
    }
  });
});

test('an oval seal: names of 1 to 30 characters stand apart from each other, the number and the line, even, and inside the ring', () => {
  for (const length of LENGTHS) {
    const { innerMm, name, number, line } = layOutOvalSeal({
      name: '国'.repeat(length),
      taxNumber: '91350100M000100Y43',
      bottomText: '发票专用章',
    });
    expect(overlapping([...name, ...number, ...line]), `${length} characters`).toEqual([]);
    for (const places of [name, number, line]) expectEven(places, OVAL_WIDTH_MM / 2);
    const inside = [...name, ...number, ...line]
      .flatMap(corners)
      .map(([x, y]) => Math.hypot((x - OVAL_WIDTH_MM / 2) / innerMm.x, (y - OVAL_HEIGHT_MM / 2) / innerMm.y));
    expect(Math.max(...inside)).toBeLessThan(1);
  }
});
