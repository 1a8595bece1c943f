/** A QR code as one vector path: prints at any resolution, and every OFD reader draws it. */
import QRCode from 'qrcode';
import { Problem } from '#problem.ts';
import type { PathCommand } from './page-layout.ts';

const MAX_TEXT = 300;

/** Dark modules as horizontal bars. The four-module quiet zone is for the form to leave free. Error correction M. */
export function qrPath(text: string, xMm: number, yMm: number, sizeMm: number): PathCommand[] {
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
  return commands;
}
