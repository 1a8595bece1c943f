/** QR symbols: codes in numeric mode, addresses as they come; level M, quiet zone of four modules, never above version 8. */
import QRCode from 'qrcode';

const QUIET_ZONE_MODULES = 4;
/** Counter scanners and weak phone cameras read up to here from a screen. */
export const MAX_QR_VERSION = 8;

export interface QrModules {
  version: number;
  /** Modules per side, without quiet zone. */
  size: number;
  /** Row by row; 1 is dark. */
  modules: Uint8Array;
}

/** @throws RangeError for text that is not all digits or needs a larger symbol. */
export function qrModules(digits: string): QrModules {
  const qr = create(digits);
  return { version: qr.version, size: qr.modules.size, modules: Uint8Array.from(qr.modules.data, (module) => (module ? 1 : 0)) };
}

/** PNG, black on white. @param scale pixels per module. */
export async function qrPng(digits: string, options: { scale?: number } = {}): Promise<Uint8Array> {
  create(digits);
  return QRCode.toBuffer([{ data: digits, mode: 'numeric' }], {
    errorCorrectionLevel: 'M',
    margin: QUIET_ZONE_MODULES,
    scale: options.scale ?? 8,
  });
}

/** SVG in modules as units, one path, so that it scales to any screen. */
export function qrSvg(digits: string): string {
  const { size, modules } = qrModules(digits);
  let path = '';
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      let run = 0;
      while (column + run < size && modules[row * size + column + run]) run++;
      if (run === 0) continue;
      path += `M${column + QUIET_ZONE_MODULES} ${row + QUIET_ZONE_MODULES}h${run}v1h-${run}z`;
      column += run;
    }
  }
  const side = size + 2 * QUIET_ZONE_MODULES;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${side} ${side}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${side}v${side}H0z"/><path d="${path}"/></svg>`;
}

function create(digits: string) {
  if (!/^[0-9]+$/.test(digits)) throw new RangeError('a code is digits');
  const qr = QRCode.create([{ data: digits, mode: 'numeric' }], { errorCorrectionLevel: 'M' });
  if (qr.version > MAX_QR_VERSION) throw new RangeError('a symbol above version 8');
  return qr;
}
