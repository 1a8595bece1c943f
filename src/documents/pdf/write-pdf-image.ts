/** Pictures as image XObjects: JPEG as it is, PNG decoded, its alpha as a soft mask. */
import { decodePng } from '#documents/page/decode-png.ts';
import { jpegSize } from '#documents/page/jpeg-size.ts';
import type { ImageItem } from '#documents/page/page-layout.ts';

interface ObjectSink {
  add(body: string | Uint8Array): number;
  addStream(entries: string, data: Uint8Array, options?: { compress?: boolean }): number;
}

/** @throws Problem `invalid-input` for a picture that cannot be read. */
export function writePdfImage(objects: ObjectSink, image: Pick<ImageItem, 'format' | 'bytes'>): number {
  if (image.format === 'JPEG') {
    const { width, height, components } = jpegSize(image.bytes);
    const space = components === 1 ? '/DeviceGray' : '/DeviceRGB';
    const entries = `${header(width, height, space)} /Filter /DCTDecode`;
    return objects.addStream(entries, image.bytes, { compress: false });
  }
  const { width, height, rgb, alpha } = decodePng(image.bytes);
  const mask = alpha ? ` /SMask ${objects.addStream(header(width, height, '/DeviceGray'), alpha)} 0 R` : '';
  return objects.addStream(header(width, height, '/DeviceRGB') + mask, rgb);
}

function header(width: number, height: number, colourSpace: string): string {
  return `/Type /XObject /Subtype /Image /Width ${width} /Height ${height} /ColorSpace ${colourSpace} /BitsPerComponent 8`;
}
