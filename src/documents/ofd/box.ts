/** ST_Box: `x y width height` in millimetres (GB/T 33190 §7.3). */
export interface Box {
  xMm: number;
  yMm: number;
  widthMm: number;
  heightMm: number;
}

/** Undefined for anything that is not four numbers with a positive size. */
export function parseBox(text: string | undefined): Box | undefined {
  const numbers = (text ?? '').trim().split(/\s+/).map(Number);
  const [xMm, yMm, widthMm, heightMm] = numbers;
  if (numbers.length !== 4 || xMm === undefined || yMm === undefined || widthMm === undefined || heightMm === undefined) return undefined;
  if (!numbers.every(Number.isFinite) || widthMm <= 0 || heightMm <= 0) return undefined;
  return { xMm, yMm, widthMm, heightMm };
}

export function formatBox(box: Box): string {
  return [box.xMm, box.yMm, box.widthMm, box.heightMm].map(formatMillimetres).join(' ');
}

/** At most four decimals, no exponent, no trailing zeros. */
function formatMillimetres(value: number): string {
  return String(Number(value.toFixed(4)));
}
