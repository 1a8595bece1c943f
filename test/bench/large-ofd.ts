/** OFD files that are large in one way or another, written to disk piece by piece so that their maker needs no memory for them. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { type NewEntry, writeZipTo } from '#documents/container/write-zip.ts';
import { SIGNED_AT, sampleFiles } from '#test/fakes/sample-ofd.ts';

/** Files of a package of so many pages, each with a picture of its own that does not compress. */
export function largeOfdEntries({ pages, pictureBytes }: { pages: number; pictureBytes: number }): NewEntry[] {
  const files = sampleFiles();
  const numbers = Array.from({ length: pages }, (_, index) => index);
  const page = files['Doc_0/Pages/Page_0/Content.xml'] ?? '';
  const pageList = numbers.map((n) => `<ofd:Page ID="${1000 + n}" BaseLoc="Pages/Page_${n}/Content.xml"/>`).join('');
  const media = numbers.map(
    (n) => `<ofd:MultiMedia ID="${5000 + n}" Type="Image"><ofd:MediaFile>p${n}.png</ofd:MediaFile></ofd:MultiMedia>`,
  );
  files['Doc_0/Document.xml'] = (files['Doc_0/Document.xml'] ?? '').replace(/<ofd:Page ID="1"[^>]*>/, pageList);
  files['Doc_0/DocumentRes.xml'] = (files['Doc_0/DocumentRes.xml'] ?? '').replace(
    '</ofd:MultiMedias>',
    `${media.join('')}</ofd:MultiMedias>`,
  );
  const entries: NewEntry[] = Object.entries(files).map(([name, text]) => ({ name, data: Buffer.from(text) }));
  for (const n of numbers.slice(1)) entries.push({ name: `Doc_0/Pages/Page_${n}/Content.xml`, data: Buffer.from(page) });
  // Made only when it is written: all of them together need not fit into memory.
  for (const n of numbers) entries.push(pictureEntry(`Doc_0/Res/p${n}.png`, n, pictureBytes));
  return entries;
}

/** The same package as a file. */
export function writeLargeOfd(path: string, size: { pages: number; pictureBytes: number }): void {
  const entries = largeOfdEntries(size);
  const file = openSync(path, 'w');
  try {
    writeZipTo((part) => void writeSync(file, part), entries, { time: SIGNED_AT });
  } finally {
    closeSync(file);
  }
}

function pictureEntry(name: string, seed: number, length: number): NewEntry {
  return {
    name,
    store: true,
    get data() {
      return noise(seed, length);
    },
  };
}

/** Bytes that look random and are the same each time. */
function noise(seed: number, length: number): Uint8Array {
  return createHash('shake256', { outputLength: length }).update(String(seed)).digest();
}

/** A package with so many signatures, each naming so many files; their values are none, so each reference is all there is to check. No two lists are alike. */
export function writeReferencesOfd(path: string, { signatures, references }: { signatures: number; references: number }): void {
  const files: Record<string, string> = sampleFiles();
  const numbers = Array.from({ length: references }, (_, index) => index);
  const data = numbers.map((n) => `entry ${n} ${'x'.repeat(40)}`);
  const items = numbers.map((n) => {
    const value = createHash('sm3')
      .update(data[n] ?? '')
      .digest('base64');
    return `<ofd:Reference FileRef="/Doc_0/Res/Folder/File_${n}.dat"><ofd:CheckValue>${value}</ofd:CheckValue></ofd:Reference>`;
  });
  files['OFD.xml'] = (files['OFD.xml'] ?? '').replace(
    '</ofd:DocBody>',
    '<ofd:Signatures>Doc_0/Signs/Signatures.xml</ofd:Signatures></ofd:DocBody>',
  );
  const listed = Array.from({ length: signatures }, (_, n) => `<ofd:Signature ID="s${n}" Type="Seal" BaseLoc="Sign_${n}/Signature.xml"/>`);
  files['Doc_0/Signs/Signatures.xml'] = `<ofd:Signatures xmlns:ofd="x">${listed.join('')}</ofd:Signatures>`;
  const entries: NewEntry[] = Object.entries(files).map(([name, text]) => ({ name, data: Buffer.from(text) }));
  for (const n of numbers) entries.push({ name: `Doc_0/Res/Folder/File_${n}.dat`, data: Buffer.from(data[n] ?? ''), store: true });
  for (let n = 0; n < signatures; n++) {
    const all = [...items.slice(n), ...items.slice(0, n)].join('');
    const xml = `<ofd:Signature xmlns:ofd="x" n="${n}"><ofd:SignedInfo><ofd:References CheckMethod="SM3">${all}</ofd:References></ofd:SignedInfo><ofd:SignedValue>SignedValue.dat</ofd:SignedValue></ofd:Signature>`;
    entries.push({ name: `Doc_0/Signs/Sign_${n}/Signature.xml`, data: Buffer.from(xml), store: true });
    entries.push({ name: `Doc_0/Signs/Sign_${n}/SignedValue.dat`, data: Buffer.alloc(64, 7), store: true });
  }
  const file = openSync(path, 'w');
  try {
    writeZipTo((part) => void writeSync(file, part), entries, { time: SIGNED_AT });
  } finally {
    closeSync(file);
  }
}
