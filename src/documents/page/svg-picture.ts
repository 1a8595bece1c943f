/** SVG to PNG by resvg in WebAssembly. Our SVG holds outlines only, so no fonts are given, and nothing is fetched. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { initWasm, Resvg } from '@resvg/resvg-wasm';

let ready: Promise<void> | undefined;

function start(): Promise<void> {
  ready ??= readFile(createRequire(import.meta.url).resolve('@resvg/resvg-wasm/index_bg.wasm')).then((bytes) => initWasm(bytes));
  return ready;
}

/**
 * A PNG file.
 * @param background a CSS colour; transparent when absent.
 */
export async function pngOfSvg(svg: string, widthPx: number, background?: string): Promise<Uint8Array> {
  return render(svg, widthPx, background, (image) => image.asPng());
}

export interface OpacityMap {
  /** One byte per pixel. */
  alpha: Uint8Array;
  widthPx: number;
  heightPx: number;
}

/** How opaque each pixel is: all there is to know of a drawing in one colour. */
export async function opacityOfSvg(svg: string, widthPx: number): Promise<OpacityMap> {
  return render(svg, widthPx, undefined, (image) => {
    const pixels = image.pixels;
    return { alpha: pixels.filter((_value, index) => index % 4 === 3), widthPx: image.width, heightPx: image.height };
  });
}

type Image = ReturnType<InstanceType<typeof Resvg>['render']>;

async function render<T>(svg: string, widthPx: number, background: string | undefined, read: (image: Image) => T): Promise<T> {
  await start();
  const resvg = new Resvg(svg, {
    fitTo: { mode: 'width', value: widthPx },
    ...(background === undefined ? {} : { background }),
    font: { loadSystemFonts: false },
    shapeRendering: 2,
  });
  const image = resvg.render();
  try {
    return read(image);
  } finally {
    image.free();
    resvg.free();
  }
}
