/** A picture as a camera film for Chromium: raw frames (YUV4MPEG2) of the picture on grey, moved a little from frame to frame. */
import { writeFileSync } from 'node:fs';
import { PNG } from 'pngjs';

const WIDTH = 640;
const HEIGHT = 480;
const FRAMES = 20;
const PAPER = 190;

/** @param png at most 480 pixels high; only its brightness is kept. */
export function writeCameraFilm(file: string, png: Uint8Array): void {
  const picture = PNG.sync.read(Buffer.from(png));
  const chroma = Buffer.alloc((WIDTH / 2) * (HEIGHT / 2) * 2, 128);
  const parts: Buffer[] = [Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F10:1 Ip A1:1 C420jpeg\n`)];
  for (let frame = 0; frame < FRAMES; frame++) {
    const luma = Buffer.alloc(WIDTH * HEIGHT, PAPER);
    const left = Math.floor((WIDTH - picture.width) / 2) + (frame % 5) * 2;
    const top = Math.floor((HEIGHT - picture.height) / 2);
    for (let y = 0; y < picture.height; y++) {
      for (let x = 0; x < picture.width; x++) {
        const bright = picture.data[(y * picture.width + x) * 4] ?? 0;
        luma[(top + y) * WIDTH + left + x] = 30 + Math.round((bright * 200) / 255);
      }
    }
    parts.push(Buffer.from('FRAME\n'), luma, chroma);
  }
  writeFileSync(file, Buffer.concat(parts));
}
