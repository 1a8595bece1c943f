/**
 * An OFD package (GB/T 33190) opened for reading: the archive, the documents OFD.xml names, and budgets for everything
 * that is parsed. Tolerant as real files need (prefixes, namespaces, odd paths), strict where safety needs.
 */
import { hash } from 'node:crypto';
import type { ByteSource } from '#documents/container/byte-source.ts';
import { digestEntry } from '#documents/container/digest-entry.ts';
import { knownDigest } from '#documents/container/known-digests.ts';
import { readZip, type ZipArchive } from '#documents/container/read-zip.ts';
import { ZipError } from '#documents/container/zip-error.ts';
import { DEFAULT_LIMITS, type Limits } from '#documents/verdict.ts';
import { XmlError } from '#documents/xml/decode-text.ts';
import { readXml, type XmlElement } from '#documents/xml/read-xml.ts';
import { newXmlBudget, rootNameOf, type XmlBudget } from '#documents/xml/scan-xml.ts';
import { PathIndex } from './package-path.ts';

const ROOT = 'OFD.xml';
const MAX_DOCUMENTS = 64;
/** Elements kept in memory as trees; pages are only streamed through and count against the wider budget. */
const MAX_TREE_NODES = 200_000;
/** Up to this size a file is digested in one go. */
const SMALL_BYTES = 1024 * 1024;

/** One DocBody. */
export interface OfdDocument {
  index: number;
  /** Path text of DocRoot, and the entry it leads to. */
  rootLoc: string | undefined;
  root: string | undefined;
  /** Path text of Signatures when there is one, and the entry it leads to. */
  signaturesLoc: string | undefined;
  signatures: string | undefined;
  docId: string | undefined;
  customDatas: readonly (readonly [name: string, value: string])[];
  body: XmlElement;
}

export class OfdPackage {
  readonly archive: ZipArchive;
  readonly index: PathIndex;
  readonly limits: Limits;
  readonly rootXml: XmlElement;
  readonly documents: readonly OfdDocument[];
  readonly pageBudget: XmlBudget;
  readonly #treeBudget: XmlBudget;
  /** Files may be inflated twice: to be parsed and to be hashed. Signatures naming many digest methods find an end here. */
  #bytesLeft: number;
  readonly #texts = new Map<string, string>();
  readonly #trees = new Map<string, XmlElement>();

  constructor(archive: ZipArchive, limits: Limits) {
    this.archive = archive;
    this.limits = limits;
    this.#bytesLeft = 2 * limits.maxInflatedBytes;
    this.index = new PathIndex(archive.entries.keys());
    this.pageBudget = newXmlBudget(limits.maxXmlNodes, limits.maxXmlDepth);
    this.#treeBudget = newXmlBudget(Math.min(limits.maxXmlNodes, MAX_TREE_NODES), limits.maxXmlDepth);
    if (!archive.has(ROOT)) throw new XmlError('ofd-xml-missing');
    this.rootXml = this.tree(ROOT);
    if (this.rootXml.name !== 'OFD') throw new XmlError('ofd-xml-not-ofd');
    const bodies = this.rootXml.childrenOf('DocBody');
    // Readers that find two lists of signatures choose differently.
    const lists = bodies.map((body) => body.childrenOf('Signatures').length);
    const listCount = lists.reduce((sum, count) => sum + count, 0);
    if (lists.some((count) => count > 1) || this.rootXml.descendantsOf('Signatures').length > listCount) {
      throw new XmlError('xml-element-twice');
    }
    if (bodies.length === 0) throw new XmlError('ofd-xml-without-document');
    if (bodies.length > MAX_DOCUMENTS) throw new XmlError('too-many-documents');
    this.documents = bodies.map((body, index) => this.#readBody(body, index));
  }

  /** The file's bytes. Throws ZipError when missing or damaged, and when all reading together becomes too much work. */
  read(name: string): Uint8Array {
    this.#spend(name);
    return this.archive.read(name);
  }

  /** Base64 of the file's digest. A large file is taken piece by piece, one known from before not at all. Throws as `read`. */
  async digest(name: string, algorithm: string): Promise<string> {
    const entry = this.archive.entries.get(name);
    if (!entry || entry.size <= SMALL_BYTES) {
      const compute = () => hash(algorithm, this.read(name), 'base64');
      return entry ? knownDigest(entry, algorithm, compute) : compute();
    }
    this.#spend(name);
    return digestEntry(entry, algorithm);
  }

  #spend(name: string): void {
    this.#bytesLeft -= this.archive.entries.get(name)?.size ?? 0;
    if (this.#bytesLeft < 0) throw new ZipError('work-limit', name);
  }

  /** The file as a tree, read once. Throws ZipError or XmlError. */
  tree(name: string): XmlElement {
    const known = this.#trees.get(name);
    if (known) return known;
    const tree = readXml(this.read(name), this.#treeBudget);
    this.#trees.set(name, tree);
    return tree;
  }

  /** One copy of texts that come again and again, without the file they were cut from. */
  shared(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const copy = Buffer.from(text, 'utf16le').toString('utf16le');
    this.#texts.set(copy, copy);
    return copy;
  }

  /** Name of the file's outermost element. Throws ZipError or XmlError; what follows the element is not read. */
  rootName(name: string): string {
    return rootNameOf(this.read(name), this.pageBudget);
  }

  /** The entry a path leads to when read in these directories, tolerant readings last. */
  find(loc: string | undefined, ...directories: readonly string[]): string | undefined {
    return loc === undefined ? undefined : this.index.candidates(loc, directories)[0];
  }

  #readBody(body: XmlElement, index: number): OfdDocument {
    const info = body.child('DocInfo');
    const rootLoc = body.textOf('DocRoot');
    const list = body.child('Signatures');
    const signaturesLoc = list ? list.text.trim() : undefined;
    return {
      index,
      rootLoc,
      root: this.find(rootLoc, ''),
      signaturesLoc,
      signatures: this.find(signaturesLoc, ''),
      docId: info?.textOf('DocID'),
      customDatas: (info?.child('CustomDatas')?.childrenOf('CustomData') ?? []).map(
        (data) => [data.attribute('Name') ?? '', data.text.trim()] as const,
      ),
      body,
    };
  }
}

/** Opens a package. Throws ZipError or XmlError with a reason code. */
export function openOfd(bytes: Uint8Array | ByteSource, limits: Partial<Limits> = {}): OfdPackage {
  const all = { ...DEFAULT_LIMITS, ...limits };
  if (bytes.length > all.maxFileBytes) throw new XmlError('file-too-large');
  return new OfdPackage(readZip(bytes, all), all);
}
