/**
 * HarfBuzz' subsetter in WebAssembly: a few kilobytes of a font of many megabytes. What stays are the tables that GB/T 42133-2022
 * 6.2.6 names and readers need (cmap, loca, glyf, head, hhea, hmtx, maxp, name, OS/2, post); hints and layout tables go.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { FontError } from './true-type.ts';

/** What of the module's exports we call; pointers are numbers. */
interface SubsetExports {
  memory: WebAssembly.Memory;
  _initialize(): void;
  malloc(bytes: number): number;
  free(pointer: number): void;
  hb_blob_create(data: number, length: number, mode: number, userData: number, destroy: number): number;
  hb_blob_destroy(blob: number): void;
  hb_blob_get_data(blob: number, length: number): number;
  hb_blob_get_length(blob: number): number;
  hb_face_create(blob: number, index: number): number;
  hb_face_destroy(face: number): void;
  hb_face_reference_blob(face: number): number;
  hb_set_add(set: number, value: number): void;
  hb_subset_input_create_or_fail(): number;
  hb_subset_input_destroy(input: number): void;
  hb_subset_input_unicode_set(input: number): number;
  hb_subset_input_set(input: number, which: number): number;
  hb_subset_input_set_flags(input: number, flags: number): void;
  hb_subset_or_fail(face: number, input: number): number;
}

const READ_ONLY = 1;
const DROP_TABLE_SET = 3;
const FLAG_NO_HINTING = 0x01;
const FLAG_NOTDEF_OUTLINE = 0x40;
const FLAG_NO_LAYOUT_CLOSURE = 0x200;
const DROPPED_TABLES = [
  'BASE',
  'DSIG',
  'GDEF',
  'GPOS',
  'GSUB',
  'JSTF',
  'STAT',
  'VORG',
  'gasp',
  'kern',
  'prep',
  'fpgm',
  'cvt ',
  'vhea',
  'vmtx',
];

let loaded: SubsetExports | undefined;

function harfbuzz(): SubsetExports {
  if (!loaded) {
    const path = createRequire(import.meta.url).resolve('harfbuzzjs/dist/harfbuzz-subset.wasm');
    const instance = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(path)), {});
    loaded = instance.exports as unknown as SubsetExports;
    loaded._initialize();
  }
  return loaded;
}

/** Makes a TrueType file with just these code points (and .notdef). The same set always gives the same bytes. */
export type Subsetter = (codePoints: Iterable<number>) => Uint8Array<ArrayBuffer>;

/** Copies the font into HarfBuzz' memory for good: for the few fonts of the process, never for a file from outside. */
export function createSubsetter(font: Uint8Array): Subsetter {
  const hb = harfbuzz();
  const pointer = hb.malloc(font.length);
  if (pointer === 0) throw new FontError('no memory for the font');
  new Uint8Array(hb.memory.buffer, pointer, font.length).set(font);
  const face = hb.hb_face_create(hb.hb_blob_create(pointer, font.length, READ_ONLY, 0, 0), 0);
  return (codePoints) => subset(hb, face, codePoints);
}

function subset(hb: SubsetExports, face: number, codePoints: Iterable<number>): Uint8Array<ArrayBuffer> {
  const input = hb.hb_subset_input_create_or_fail();
  if (input === 0) throw new FontError('the font cannot be subset');
  try {
    const unicodes = hb.hb_subset_input_unicode_set(input);
    for (const codePoint of codePoints) hb.hb_set_add(unicodes, codePoint);
    const dropped = hb.hb_subset_input_set(input, DROP_TABLE_SET);
    for (const tag of DROPPED_TABLES) hb.hb_set_add(dropped, tagNumber(tag));
    hb.hb_subset_input_set_flags(input, FLAG_NO_HINTING | FLAG_NOTDEF_OUTLINE | FLAG_NO_LAYOUT_CLOSURE);
    const made = hb.hb_subset_or_fail(face, input);
    if (made === 0) throw new FontError('the font cannot be subset');
    const blob = hb.hb_face_reference_blob(made);
    const bytes = new Uint8Array(hb.memory.buffer, hb.hb_blob_get_data(blob, 0), hb.hb_blob_get_length(blob)).slice();
    hb.hb_blob_destroy(blob);
    hb.hb_face_destroy(made);
    return bytes;
  } finally {
    hb.hb_subset_input_destroy(input);
  }
}

function tagNumber(tag: string): number {
  return ((tag.charCodeAt(0) << 24) | (tag.charCodeAt(1) << 16) | (tag.charCodeAt(2) << 8) | tag.charCodeAt(3)) >>> 0;
}
