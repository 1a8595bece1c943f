/**
 * A page of a PDF file as a picture, by PDFium in WebAssembly: widgets and with them visible signatures included, grey antialiasing.
 * A picture proves nothing; verdicts come from verifying.
 */
import { PDFiumLibrary } from '@hyzyla/pdfium';
import { encodePng } from '#documents/page/encode-png.ts';
import { Problem } from '#problem.ts';

const MAX_PIXELS = 40_000_000;
const MAX_FILE_BYTES = 100 * 1024 * 1024;
const BGRA = 4;
const ANNOTATIONS = 0x01;
const REVERSE_BYTE_ORDER = 0x10;
/** Without FPDF_LCD_TEXT, whose colour fringes are for one kind of screen only. */
const FLAGS = ANNOTATIONS | REVERSE_BYTE_ORDER;
const WHITE = 0xffffffff;

let library: Promise<PDFiumLibrary> | undefined;

/** PNG on white. @throws Problem `picture-not-possible` when the file has no such page, needs a password or cannot be read. */
export async function pictureOfPdfPage(bytes: Uint8Array, pageIndex: number, dpi: number): Promise<Uint8Array> {
  if (bytes.length > MAX_FILE_BYTES) throw new Problem('picture-not-possible', { detail: 'The file is too large.' });
  library ??= PDFiumLibrary.init();
  const pdfium = await library;
  try {
    const document = await pdfium.loadDocument(bytes);
    try {
      if (!Number.isInteger(pageIndex) || pageIndex < 0 || pageIndex >= document.getPageCount()) {
        throw new Problem('picture-not-possible', { detail: 'The file has no such page.' });
      }
      return renderPage(document, pageIndex, dpi);
    } finally {
      document.destroy();
    }
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    // A trap leaves the module in an unknown state: the next picture gets a new one.
    if (cause instanceof WebAssembly.RuntimeError) library = undefined;
    throw new Problem('picture-not-possible', { cause });
  }
}

type OpenedDocument = Awaited<ReturnType<PDFiumLibrary['loadDocument']>>;

function renderPage(document: OpenedDocument, pageIndex: number, dpi: number): Uint8Array {
  const page = document.getPage(pageIndex);
  const { originalWidth, originalHeight } = page.getOriginalSize();
  const [width, height] = [originalWidth, originalHeight].map((points) => Math.max(1, Math.round((points * dpi) / 72))) as [number, number];
  if (!(width * height <= MAX_PIXELS)) throw new Problem('picture-not-possible', { detail: 'The picture would be too large.' });
  // The library's own render() always asks for LCD text, so the calls are made here.
  const module = page['module'];
  const handle = page['pageIdx'];
  const buffer = module.wasmExports.malloc(width * height * BGRA);
  if (buffer === 0) throw new Problem('picture-not-possible', { detail: 'The picture would be too large.' });
  try {
    const bitmap = module._FPDFBitmap_CreateEx(width, height, BGRA, buffer, width * BGRA);
    module._FPDFBitmap_FillRect(bitmap, 0, 0, width, height, WHITE);
    module._FPDF_RenderPageBitmap(bitmap, handle, 0, 0, width, height, 0, FLAGS);
    // Widgets, and a seal is one, are drawn by the form layer. This build of PDFium has no JavaScript.
    const form = document.initializeFormFields();
    module._FORM_OnAfterLoadPage(handle, form);
    module._FPDF_FFLDraw(form, bitmap, handle, 0, 0, width, height, 0, FLAGS & ~ANNOTATIONS);
    module._FORM_OnBeforeClosePage(handle, form);
    const pixels = module.HEAPU8.subarray(buffer, buffer + width * height * BGRA);
    const rgb = new Uint8Array(width * height * 3);
    for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
      rgb[to] = pixels[from] ?? 0;
      rgb[to + 1] = pixels[from + 1] ?? 0;
      rgb[to + 2] = pixels[from + 2] ?? 0;
    }
    module._FPDFBitmap_Destroy(bitmap);
    return encodePng(rgb, width, height, dpi);
  } finally {
    module._FPDF_ClosePage(handle);
    module.wasmExports.free(buffer);
  }
}
