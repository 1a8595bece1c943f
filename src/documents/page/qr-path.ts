/** A QR code as one vector path: prints at any resolution, and every OFD reader draws it. */
import QRCode from 'qrcode';
import { Problem } from '#problem.ts';
import { type Colour, type PathCommand, type PathItem, rectanglePath } from './page-layout.ts';

const MAX_TEXT = 300;
/** ISO/IEC 18004 §9.1: this many modules on each side stay free. */
const QUIET_MODULES = 4;

export interface QrPlace {
  /** Of the dark modules, without the quiet zone. */
  xMm: number;
  yMm: number;
  sizeMm: number;
}

/**
 * Dark modules as horizontal bars, on a white ground that keeps patterns and watermarks out of the code and its quiet zone. What stands
 * beside it is for the form to keep away. Error correction M.
 */
export function drawQr(text: string, { xMm, yMm, sizeMm }: QrPlace, colour: Colour): PathItem[] {
  if (text.length === 0 || text.length > MAX_TEXT)
    throw new Problem('text-does-not-fit', { detail: 'The address does not fit into a QR code.' });
  const { modules } = QRCode.create(text, { errorCorrectionLevel: 'M' });
  const step = sizeMm / modules.size;
  const commands: PathCommand[] = [];
  for (let row = 0; row < modules.size; row++) {
    const y = yMm + row * step;
    for (let column = 0; column < modules.size; ) {
      if (!modules.get(row, column)) {
        column++;
        continue;
      }
      const start = column;
      while (column < modules.size && modules.get(row, column)) column++;
      const [left, right] = [xMm + start * step, xMm + column * step];
      commands.push(['M', left, y], ['L', right, y], ['L', right, y + step], ['L', left, y + step], ['Z']);
    }
  }
  const quiet = QUIET_MODULES * step;
  const ground = { xMm: xMm - quiet, yMm: yMm - quiet, widthMm: sizeMm + 2 * quiet, heightMm: sizeMm + 2 * quiet };
  return [
    { kind: 'path', commands: rectanglePath(ground), fill: '#ffffff' },
    { kind: 'path', commands, fill: colour },
  ];
}
