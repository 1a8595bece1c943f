/**
 * Guilloche: the fine interlaced lines of security printing, as plain vector paths (pattern fills are not drawn by every OFD reader).
 * Decoration for the eye; what protects a licence is its seal.
 */
import type { Box, PathCommand } from './page-layout.ts';

type Point = readonly [number, number];

/** A smooth curve through points (Catmull-Rom as cubic Béziers). */
export function smoothPath(points: readonly Point[], closed: boolean): PathCommand[] {
  const count = points.length;
  const at = (index: number): Point => points[closed ? (index + count) % count : Math.max(0, Math.min(count - 1, index))] ?? [0, 0];
  const first = at(0);
  const commands: PathCommand[] = [['M', first[0], first[1]]];
  for (let i = 0; i < (closed ? count : count - 1); i++) {
    const [before, from, to, after] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
    commands.push([
      'C',
      from[0] + (to[0] - before[0]) / 6,
      from[1] + (to[1] - before[1]) / 6,
      to[0] - (after[0] - from[0]) / 6,
      to[1] - (after[1] - from[1]) / 6,
      to[0],
      to[1],
    ]);
  }
  if (closed) commands.push(['Z']);
  return commands;
}

export interface RosetteShape {
  xMm: number;
  yMm: number;
  radiusMm: number;
  /** Smallest radius as a part of the largest. */
  innerRatio: number;
  petals: number;
  /** Turned copies of the curve. */
  strands: number;
}

/** A rosette: one wavy closed curve, turned again and again. */
export function rosette({ xMm, yMm, radiusMm, innerRatio, petals, strands }: RosetteShape): PathCommand[] {
  const steps = petals * 6;
  const middle = (radiusMm * (1 + innerRatio)) / 2;
  const swing = (radiusMm * (1 - innerRatio)) / 2;
  return Array.from({ length: strands }, (_, strand) => {
    const turn = (strand / strands) * ((2 * Math.PI) / petals);
    const points = Array.from({ length: steps }, (_point, step): Point => {
      const angle = (step / steps) * 2 * Math.PI;
      const radius = middle + swing * Math.cos(petals * (angle - turn));
      return [xMm + radius * Math.cos(angle), yMm + radius * Math.sin(angle)];
    });
    return smoothPath(points, true);
  }).flat();
}

/** Interlaced waves along the four sides of a frame. `wavelengthMm` is adjusted so that waves meet at the corners. */
export function waveFrame(box: Box, bandMm: number, wavelengthMm: number, strands: number): PathCommand[] {
  const { xMm: x, yMm: y, widthMm: w, heightMm: h } = box;
  const inset = bandMm / 2;
  const sides: [Point, Point, number][] = [
    [[x + bandMm, y + inset], [1, 0], w - 2 * bandMm],
    [[x + bandMm, y + h - inset], [1, 0], w - 2 * bandMm],
    [[x + inset, y + bandMm], [0, 1], h - 2 * bandMm],
    [[x + w - inset, y + bandMm], [0, 1], h - 2 * bandMm],
  ];
  return sides.flatMap(([start, along, length]) => waveBand(start, along, length, inset * 0.86, wavelengthMm, strands));
}

function waveBand(start: Point, along: Point, lengthMm: number, amplitudeMm: number, wavelengthMm: number, strands: number): PathCommand[] {
  const waves = Math.max(1, Math.round(lengthMm / wavelengthMm));
  const steps = waves * 4;
  return Array.from({ length: strands }, (_, strand) => {
    const phase = (strand / strands) * 2 * Math.PI;
    const points = Array.from({ length: steps + 1 }, (_point, step): Point => {
      const distance = (step / steps) * lengthMm;
      const sway = amplitudeMm * Math.sin((step / steps) * waves * 2 * Math.PI + phase);
      return [start[0] + along[0] * distance + along[1] * sway, start[1] + along[1] * distance + along[0] * sway];
    });
    return smoothPath(points, false);
  }).flat();
}

/** Fine horizontal waves over a box, each a little out of step with the last: the tint behind the text. */
export function waveField(box: Box, spacingMm: number, amplitudeMm: number, wavelengthMm: number): PathCommand[] {
  const rows = Math.floor(box.heightMm / spacingMm);
  const steps = Math.max(4, Math.round((box.widthMm / wavelengthMm) * 4));
  return Array.from({ length: rows + 1 }, (_, row) => {
    const swell = amplitudeMm * (1 + 0.6 * Math.sin((row / Math.max(1, rows)) * 3 * Math.PI));
    const points = Array.from({ length: steps + 1 }, (_point, step): Point => {
      const across = step / steps;
      const angle = (across * box.widthMm * 2 * Math.PI) / wavelengthMm + row * 0.35;
      return [box.xMm + across * box.widthMm, box.yMm + row * spacingMm + swell * Math.sin(angle)];
    });
    return smoothPath(points, false);
  }).flat();
}
