/**
 * How alike two pictures of one page are. Engines draw hairlines and edges differently (some thicken thin lines to a pixel, each has its
 * own antialiasing), so pixels are not compared: both are made grey and averaged over blocks of about a millimetre, which evens such
 * things out, while a missing glyph or one in another place stays visible. On the blocks we take
 *
 * - `meanDifference`: mean absolute difference, 0 to 1 — ink that is missing or too much;
 * - `structure`: the worst mean SSIM (Wang et al. 2004) of the page's sixteen parts — ink in the wrong place, however small the part.
 */
import { decodePng } from '#documents/page/decode-png.ts';

export interface Likeness {
  meanDifference: number;
  structure: number;
}

interface Grey {
  width: number;
  height: number;
  values: Float64Array;
}

const WINDOW = 7;
const PARTS = 4;

/** @param blockPx pixels of a block's side. */
export function comparePictures(a: Uint8Array, b: Uint8Array, blockPx = 4): Likeness {
  const [first, second] = [blocks(a, blockPx), blocks(b, blockPx)];
  const width = Math.min(first.width, second.width);
  const height = Math.min(first.height, second.height);
  if (Math.abs(first.width - second.width) > 1 || Math.abs(first.height - second.height) > 1)
    throw new Error('the pictures differ in size');
  let difference = 0;
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) difference += Math.abs(at(first, x, y) - at(second, x, y));
  const parts = Array.from({ length: PARTS * PARTS }, () => ({ sum: 0, count: 0 }));
  for (let y = 0; y + WINDOW <= height; y += 2) {
    for (let x = 0; x + WINDOW <= width; x += 2) {
      const part = parts[Math.floor((y / height) * PARTS) * PARTS + Math.floor((x / width) * PARTS)];
      if (!part) continue;
      part.sum += similarity(first, second, x, y);
      part.count++;
    }
  }
  return { meanDifference: difference / (width * height), structure: Math.min(...parts.map(({ sum, count }) => sum / count)) };
}

function at(grey: Grey, x: number, y: number): number {
  return grey.values[y * grey.width + x] ?? 0;
}

/** SSIM of one window; the constants are those of the paper for values from 0 to 1. */
function similarity(a: Grey, b: Grey, left: number, top: number): number {
  let [sumA, sumB, squareA, squareB, product] = [0, 0, 0, 0, 0];
  for (let y = top; y < top + WINDOW; y++) {
    for (let x = left; x < left + WINDOW; x++) {
      const [valueA, valueB] = [at(a, x, y), at(b, x, y)];
      sumA += valueA;
      sumB += valueB;
      squareA += valueA * valueA;
      squareB += valueB * valueB;
      product += valueA * valueB;
    }
  }
  const count = WINDOW * WINDOW;
  const [meanA, meanB] = [sumA / count, sumB / count];
  const [varianceA, varianceB] = [squareA / count - meanA ** 2, squareB / count - meanB ** 2];
  const covariance = product / count - meanA * meanB;
  const [c1, c2] = [0.01 ** 2, 0.03 ** 2];
  return ((2 * meanA * meanB + c1) * (2 * covariance + c2)) / ((meanA ** 2 + meanB ** 2 + c1) * (varianceA + varianceB + c2));
}

function blocks(png: Uint8Array, side: number): Grey {
  const { width, height, rgb } = decodePng(png);
  const [columns, rows] = [Math.floor(width / side), Math.floor(height / side)];
  const values = new Float64Array(columns * rows);
  for (let y = 0; y < rows * side; y++) {
    for (let x = 0; x < columns * side; x++) {
      const from = (y * width + x) * 3;
      const grey = 0.299 * (rgb[from] ?? 0) + 0.587 * (rgb[from + 1] ?? 0) + 0.114 * (rgb[from + 2] ?? 0);
      const block = Math.floor(y / side) * columns + Math.floor(x / side);
      values[block] = (values[block] ?? 0) + grey / (255 * side * side);
    }
  }
  return { width: columns, height: rows, values };
}
