import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader';

let prepared: Promise<unknown> | undefined;

/** The text of the first QR code in a PNG picture, as a phone would read it. */
export async function readQr(png: Uint8Array): Promise<string | undefined> {
  prepared ??= prepare();
  await prepared;
  const [found] = await readBarcodes(png, { formats: ['QRCode'], tryHarder: true });
  return found?.text;
}

/** The module would fetch its WebAssembly over the network; ours comes from the package. */
async function prepare(): Promise<void> {
  const wasm = await readFile(fileURLToPath(import.meta.resolve('zxing-wasm/reader/zxing_reader.wasm')));
  const wasmBinary = wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength);
  await prepareZXingModule({ overrides: { wasmBinary }, fireImmediately: true });
}
