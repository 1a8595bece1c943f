/**
 * Mutates a sealed OFD file: bytes of the archive, bytes of its files, whole entries. No mutant may be genuine unless each
 * protected file is as it was and nothing that was not signed is shown. Seeded: a run can be repeated.
 */
import { readZip } from '#documents/container/read-zip.ts';
import { writeZip } from '#documents/container/write-zip.ts';
import { openOfd } from '#documents/ofd/ofd-package.ts';
import { reachableFiles } from '#documents/ofd/reachable-files.ts';
import { type Stamp, stampsOf } from '#documents/ofd/stamps.ts';
import { verifyOfd } from '#documents/ofd/verify-ofd.ts';
import { VERDICTS, type Verdict } from '#documents/verdict.ts';
import { SealingTown, SIGNED_AT, unpack } from '#test/fakes/sample-ofd.ts';
import { type FuzzReport, repeat } from './fuzz-report.ts';

type Random = (below: number) => number;

export async function fuzzOfd(options: { runs: number; seed: number }): Promise<FuzzReport> {
  const town = new SealingTown();
  const open = await town.sealed();
  const files = [open, await town.sealed(open), await town.sealed(undefined, { lock: true })];
  return repeat(options, (random) => {
    const original = files[random(files.length)] ?? open;
    const mutant = mutate(original, random);
    const { verdict, official } = verifyOfd(mutant, town.options).report;
    if (!VERDICTS.includes(verdict as Verdict)) throw new Error(`verdict ${verdict}`);
    const harm = verdict === 'genuine' || official ? harmOf(original, mutant) : undefined;
    if (harm) throw new Error(`${verdict} although ${harm}`);
    return verdict;
  });
}

/** What is wrong with a mutant that was called genuine; undefined when it is the same document to a reader. */
function harmOf(original: Uint8Array, mutant: Uint8Array): string | undefined {
  const before = unpack(original);
  const archive = readZip(mutant);
  const shown = reachableFiles(openOfd(mutant)).files;
  for (const name of shown) if (!before[name]) return `${name} is shown and was not signed`;
  for (const [name, data] of Object.entries(before)) {
    if (/Signs\/Signatures\.xml$/.test(name)) continue;
    // Taking the last signature away from an open list cannot be noticed; its files may go with it.
    if (/Signs\/Sign_\d+\//.test(name)) continue;
    if (!archive.has(name) || Buffer.compare(archive.read(name), data) !== 0) return `${name} changed`;
  }
  const drawn = new Set(stampsOf(original).map(describeStamp));
  if (stampsOf(mutant).some((stamp) => !drawn.has(describeStamp(stamp)))) return 'another stamp is drawn';
  return undefined;
}

function describeStamp({ pageIndex, boundary, clip, picture }: Stamp): string {
  return JSON.stringify([pageIndex, boundary, clip, picture.type, Buffer.from(picture.data).toString('base64')]);
}

function mutate(original: Uint8Array, random: Random): Uint8Array {
  let bytes = original;
  for (let rounds = 1 + random(3); rounds > 0; rounds--)
    bytes = random(3) === 0 ? mutateBytes(bytes, random) : mutateEntries(bytes, random);
  return bytes;
}

/** Flips, inserts, deletes, repeats or moves bytes. */
export function mutateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Buffer.from(bytes);
  const at = random(copy.length);
  const length = 1 + random(random(4) === 0 ? 200 : 4);
  switch (random(5)) {
    case 0:
      for (let i = 0; i < length && at + i < copy.length; i++) copy[at + i] = random(256);
      return copy;
    case 1:
      if (copy.length > 0) copy[at] = (copy[at] ?? 0) ^ (1 << random(8));
      return copy;
    case 2:
      return Buffer.concat([copy.subarray(0, at), Buffer.from(Array.from({ length }, () => random(256))), copy.subarray(at)]);
    case 3:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(at + length)]);
    default: {
      const to = random(copy.length);
      return Buffer.concat([copy.subarray(0, to), copy.subarray(at, at + length), copy.subarray(to)]);
    }
  }
}

const LURES = [
  'Res/image.png',
  'Pages/Page_0/Content.xml',
  'doc_0/document.xml',
  'Doc_0/RES/IMAGE.PNG',
  'Document.xml',
  'Doc_1/Document.xml',
];

/** Works on the files and packs them again, so that the archive itself is sound. */
function mutateEntries(bytes: Uint8Array, random: Random): Uint8Array {
  const files = tryUnpack(bytes);
  if (!files || files.length === 0) return mutateBytes(bytes, random);
  const [a, b] = [random(files.length), random(files.length)];
  const [one, two] = [files[a], files[b]];
  if (!one || !two) return bytes;
  switch (random(8)) {
    case 0:
      files.splice(a, 1);
      break;
    case 1:
      [files[a], files[b]] = [two, one];
      break;
    case 2:
      [one.data, two.data] = [two.data, one.data];
      break;
    case 3:
      one.name = two.name;
      break;
    case 4:
      files.push({ name: LURES[random(LURES.length)] ?? 'x', data: two.data });
      break;
    case 5:
      one.name = random(2) === 0 ? one.name.toUpperCase() : `x/${one.name}`;
      break;
    case 6:
      one.data = Buffer.from(swapNumber(Buffer.from(one.data).toString('latin1'), random), 'latin1');
      break;
    default:
      one.data = mutateBytes(one.data, random);
  }
  const names = new Set<string>();
  const unique = files.filter(({ name }) => !names.has(name) && names.add(name));
  return writeZip(unique, { time: SIGNED_AT });
}

/** Changes one number or path in a text: what a forger would do to an identifier, a place or a date. */
function swapNumber(text: string, random: Random): string {
  const found = [...text.matchAll(/\d+|\/Doc_0\/[\w/.]+/g)];
  const target = found[random(Math.max(1, found.length))];
  const other = found[random(Math.max(1, found.length))];
  if (!target || !other) return text;
  return text.slice(0, target.index) + other[0] + text.slice(target.index + target[0].length);
}

function tryUnpack(bytes: Uint8Array): { name: string; data: Uint8Array }[] | undefined {
  try {
    const archive = readZip(bytes);
    return [...archive.entries.keys()].map((name) => ({ name, data: archive.read(name) }));
  } catch {
    return undefined;
  }
}
