/** Seeded mutations of a PDF: what a careless program, a bad disk or an attacker with a hex editor would do. */

const WORDS = [
  '/ByteRange',
  '/Contents',
  'endobj',
  'endstream',
  'xref',
  'trailer',
  'startxref',
  '%%EOF',
  '/Prev',
  '/Root',
  '<<',
  '>>',
  ' 0 R',
  '[',
  ']',
  '/Length',
  '/Kids',
  '/Annots',
  '/V',
];
const VALUES = ['0', '-1', '99999999', 'null', '1 0 R', '[0 1 2 3]', '<00>', '()', '/Type', '2147483648', '0.5', 'true'];

export function mutate(bytes: Uint8Array, random: (limit: number) => number): Uint8Array {
  const kind = random(9);
  const at = random(bytes.length);
  const length = 1 + random(random(4) === 0 ? 400 : 12);
  const insert = (piece: Uint8Array, skip = 0) => Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + skip)]);
  switch (kind) {
    case 0:
      return flip(bytes, at, 1 + random(255));
    case 1:
      return insert(new Uint8Array(), length);
    case 2:
      return insert(bytes.subarray(at, at + length));
    case 3:
      return insert(Buffer.from(VALUES[random(VALUES.length)] ?? '', 'latin1'));
    case 4:
      return replaceWord(bytes, random);
    case 5:
      return bytes.subarray(0, at);
    case 6:
      return Buffer.concat([bytes, bytes.subarray(at, at + length)]);
    case 7:
      return replaceNumber(bytes, random);
    default:
      return insert(bytes.subarray(random(bytes.length)).subarray(0, length), length);
  }
}

function flip(bytes: Uint8Array, at: number, mask: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ mask;
  return copy;
}

function replaceWord(bytes: Uint8Array, random: (limit: number) => number): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1');
  const places = [...text.matchAll(new RegExp(escapeWord(WORDS[random(WORDS.length)] ?? ''), 'g'))];
  const place = places[random(places.length)];
  if (!place) return flip(bytes, random(bytes.length), 1);
  const word = WORDS[random(WORDS.length)] ?? '';
  return Buffer.from(text.slice(0, place.index) + word + text.slice(place.index + place[0].length), 'latin1');
}

function replaceNumber(bytes: Uint8Array, random: (limit: number) => number): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1');
  const places = [...text.matchAll(/\b\d{1,10}\b/g)];
  const place = places[random(places.length)];
  if (!place) return flip(bytes, random(bytes.length), 1);
  return Buffer.from(text.slice(0, place.index) + String(random(20_000)) + text.slice(place.index + place[0].length), 'latin1');
}

function escapeWord(word: string): string {
  return word.replace(/[[\]<>/%$().*+?^{}|\\-]/g, '\\$&');
}
