/**
 * Adding one signature to a package, for seals and for locks alike (GB/T 33190 §18): every file is protected but the
 * signature's own and, while more may follow, the list. Entries that do not change are copied as they are compressed.
 */
import { createHash } from 'node:crypto';
import type { ByteSource } from '#documents/container/byte-source.ts';
import type { ZipEntry } from '#documents/container/read-zip.ts';
import { type CopiedEntry, type NewEntry, writeZipTo } from '#documents/container/write-zip.ts';
import { ZipError } from '#documents/container/zip-error.ts';
import type { Limits } from '#documents/verdict.ts';
import { XmlError } from '#documents/xml/decode-text.ts';
import { Problem } from '#problem.ts';
import type { Box } from './box.ts';
import { linkSignatureList } from './link-signature-list.ts';
import { type OfdDocument, type OfdPackage, openOfd } from './ofd-package.ts';
import { directoryOf, resolvePath } from './package-path.ts';
import { readSignatureDescription, type SignatureDescription } from './signature-description.ts';
import { type ListedSignature, readSignatureList } from './signature-list.ts';
import { type SignatureProvider, signatureListXml, signatureXml } from './signature-xml.ts';

/** Where the seal appears; lengths in millimetres from the page's top left corner. */
export interface StampPlace extends Box {
  pageIndex: number;
  /** Visible part, relative to the stamp's own top left corner. */
  clip?: Box | undefined;
}

export interface NewSignature {
  type: 'Seal' | 'Sign';
  /** DER SESeal, stored beside the signature as it is. */
  seal?: Uint8Array;
  signedAt: Date;
  stamps: readonly StampPlace[];
  provider: SignatureProvider;
  /** Protect the list too: nobody can add or remove a signature afterwards. */
  lock: boolean;
  /** Which DocBody; default the first. */
  documentIndex?: number | undefined;
  /** The value for these bytes of Signature.xml, which lies at this absolute path. */
  makeValue(description: Uint8Array, path: string): Promise<Uint8Array>;
}

/** Problems: `ofd-not-readable`, `ofd-not-sealable`, `ofd-locked`, `invalid-input` for a page that is not there. */
export async function addSignature(bytes: Uint8Array, input: NewSignature): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  await addSignatureTo((part) => parts.push(part), bytes, input);
  return Buffer.concat(parts);
}

/** The same, handing over the new package piece by piece. Nothing is written before the signature has been made. */
export async function addSignatureTo(
  write: (part: Uint8Array) => void,
  source: Uint8Array | ByteSource,
  input: NewSignature,
  limits: Partial<Limits> = {},
): Promise<void> {
  try {
    writeZipTo(write, await add(openOfd(source, limits), input), { time: input.signedAt });
  } catch (error) {
    if (error instanceof ZipError || error instanceof XmlError) throw new Problem('ofd-not-readable', { cause: error });
    throw error;
  }
}

async function add(ofd: OfdPackage, input: NewSignature): Promise<(NewEntry | CopiedEntry)[]> {
  const document = ofd.documents[input.documentIndex ?? 0];
  if (!document?.root) throw new Problem('ofd-not-sealable');
  const list = readSignatureList(ofd, document);
  const earlier = describeEarlier(ofd);
  const listEntry = list?.entry ?? newListEntry(ofd, document);
  if (earlier.some((one) => isProtected(one, listEntry))) throw new Problem('ofd-locked');
  // OFD.xml cannot be changed under another document's seal: the list should have been linked before the first one.
  if (!document.signaturesLoc && earlier.some((one) => isProtected(one, 'OFD.xml'))) throw new Problem('ofd-not-sealable');
  const folder = freeFolder(ofd, directoryOf(listEntry));
  const ids = new IdCounter(list?.maxSignId, list?.signatures ?? [], earlier);
  const id = ids.next();
  const stamps = placeStamps(ofd, document.root, input.stamps, ids);
  const changed = new Map<string, Uint8Array>();
  if (!document.signaturesLoc) changed.set('OFD.xml', linkSignatureList(ofd.read('OFD.xml'), document.index, `/${listEntry}`));
  if (input.seal) changed.set(`${folder}/Seal.esl`, input.seal);
  const descriptionPath = `/${folder}/Signature.xml`;
  const listed = [...(list?.signatures ?? []), { id, type: input.type, loc: descriptionPath, relative: undefined }];
  changed.set(listEntry, signatureListXml(ids.last, listed));

  const description = signatureXml({
    provider: input.provider,
    signedAt: input.signedAt,
    references: await digestAll(ofd, changed, input.lock ? [] : openLists(ofd, listEntry)),
    stamps,
    sealPath: input.seal ? `/${folder}/Seal.esl` : undefined,
    valuePath: `/${folder}/SignedValue.dat`,
  });
  changed.set(`${folder}/Signature.xml`, description);
  changed.set(`${folder}/SignedValue.dat`, await input.makeValue(description, descriptionPath));
  return arrange(ofd, changed);
}

/** Every signature of every document in the package. */
function describeEarlier(ofd: OfdPackage): SignatureDescription[] {
  return ofd.documents.flatMap((document) =>
    (readSignatureList(ofd, document)?.signatures ?? []).map(({ entry }) => {
      if (!entry) throw new Problem('ofd-not-sealable');
      return readSignatureDescription(ofd, entry, document.root ? directoryOf(document.root) : '');
    }),
  );
}

function isProtected({ references }: SignatureDescription, entry: string): boolean {
  return references.some(({ fileRef }) => resolvePath('', fileRef.trim()) === entry);
}

/** Where OFD.xml already says the list is to be, or the usual place. */
function newListEntry(ofd: OfdPackage, document: OfdDocument): string {
  const stated = document.signaturesLoc ? resolvePath('', document.signaturesLoc) : undefined;
  const directory = directoryOf(document.root ?? '');
  const entry = stated ?? (directory ? `${directory}/Signs/Signatures.xml` : 'Signs/Signatures.xml');
  if (ofd.index.twinsOf(entry).length > 0) throw new Problem('ofd-not-sealable');
  return entry;
}

function freeFolder(ofd: OfdPackage, directory: string): string {
  const names = [...ofd.archive.entries.keys()].map((name) => name.toLowerCase());
  for (let n = 0; ; n++) {
    const folder = directory ? `${directory}/Sign_${n}` : `Sign_${n}`;
    if (!names.some((name) => name.startsWith(`${folder.toLowerCase()}/`))) return folder;
  }
}

/** Signatures and stamps share one counter: s001, s002, … */
class IdCounter {
  #highest = 0;

  constructor(maxSignId: string | undefined, listed: readonly ListedSignature[], earlier: readonly SignatureDescription[]) {
    const ids = [maxSignId, ...listed.map(({ id }) => id), ...earlier.flatMap(({ stamps }) => stamps.map(({ id }) => id))];
    for (const id of ids) {
      const number = Number(/\d{1,9}$/.exec(id ?? '')?.[0] ?? 0);
      this.#highest = Math.max(this.#highest, number);
    }
  }

  get last(): string {
    return `s${String(this.#highest).padStart(3, '0')}`;
  }

  next(): string {
    this.#highest += 1;
    return this.last;
  }
}

function placeStamps(ofd: OfdPackage, root: string, places: readonly StampPlace[], ids: IdCounter) {
  const pages = ofd.tree(root).child('Pages')?.childrenOf('Page') ?? [];
  return places.map((place, index) => {
    const pageRef = pages[place.pageIndex]?.attribute('ID');
    const { xMm, yMm, widthMm, heightMm } = place;
    const isSound = [xMm, yMm, widthMm, heightMm].every(Number.isFinite) && widthMm > 0 && heightMm > 0;
    if (!pageRef || !isSound) {
      throw new Problem('invalid-input', {
        errors: [{ pointer: `/stamps/${index}`, detail: 'no such place', detailZh: '盖章位置不存在' }],
      });
    }
    return { id: ids.next(), pageRef, boundary: { xMm, yMm, widthMm, heightMm }, clip: place.clip };
  });
}

/** The lists that more signatures may be added to: this document's and the others'. */
function openLists(ofd: OfdPackage, listEntry: string): string[] {
  return [listEntry, ...ofd.documents.map(({ signatures }) => signatures).filter((entry) => entry !== undefined)];
}

/** SM3 of every file, changed ones in their new form. @param except lists that stay open. */
async function digestAll(ofd: OfdPackage, changed: ReadonlyMap<string, Uint8Array>, except: readonly string[]) {
  const names = new Set([...ofd.archive.entries.keys(), ...changed.keys()]);
  for (const name of except) names.delete(name);
  const references: { path: string; checkValue: string }[] = [];
  for (const name of names) {
    const data = changed.get(name);
    const checkValue = data ? createHash('sm3').update(data).digest('base64') : await ofd.digest(name, 'sm3');
    references.push({ path: `/${name}`, checkValue });
  }
  return references;
}

/** OFD.xml first, then the rest in its order, new files last. */
function arrange(ofd: OfdPackage, changed: ReadonlyMap<string, Uint8Array>): (NewEntry | CopiedEntry)[] {
  const kept: ZipEntry[] = [...ofd.archive.entries.values()];
  kept.sort((a, b) => Number(b.name === 'OFD.xml') - Number(a.name === 'OFD.xml'));
  const entries: (NewEntry | CopiedEntry)[] = kept.map((entry) => {
    const data = changed.get(entry.name);
    return data ? { name: entry.name, data } : { copyOf: entry };
  });
  // Seals and values are for the most part a picture that is compressed already: trying again costs more than the signature.
  for (const [name, data] of changed) if (!ofd.archive.has(name)) entries.push({ name, data, store: /\.(esl|dat)$/.test(name) });
  return entries;
}
