/**
 * Which files of a package a reader would show: everything reached from OFD.xml through documents, versions, pages,
 * templates, resources, annotations, tags, attachments and extensions. Where a path may be read in two ways, both files
 * count, so that nobody can show a reader the one while the other is signed. Likewise for an element that should stand once
 * and stands twice: some readers take the first, others the last.
 */
import { ZipError } from '#documents/container/zip-error.ts';
import type { XmlElement } from '#documents/xml/read-xml.ts';
import { scanXml } from '#documents/xml/scan-xml.ts';
import type { OfdPackage } from './ofd-package.ts';
import { directoryOf, resolvePath } from './package-path.ts';

export interface Reach {
  /** Entry names, in the order in which they were reached. The signature list and its files are not among them. */
  files: ReadonlySet<string>;
  /** Those of them that are named as something to draw or to open, not only in the list of files of a version. */
  drawn: ReadonlySet<string>;
  /** Files of which some readers take the one and others the other for the same path. */
  rivals: readonly (readonly string[])[];
  /** Paths that lead to no file, with the file that names them. */
  missing: readonly string[];
  /** Pages of each document, by DocBody. */
  pages: readonly (readonly OfdPage[])[];
}

export interface OfdPage {
  id: string;
  /** Undefined when the path leads nowhere. */
  entry: string | undefined;
}

/** Throws ZipError or XmlError when a file on the way cannot be read safely. */
export function reachableFiles(ofd: OfdPackage): Reach {
  return new Walk(ofd).run();
}

/** Paths that may be read in two ways are few; so many would be there to keep us busy. */
const MAX_RIVALS = 1_000_000;

class Walk {
  readonly #ofd: OfdPackage;
  readonly #files = new Set<string>();
  readonly #drawn = new Set<string>();
  /** Names of which all the others are noted. */
  readonly #reached = new Set<string>();
  /** By the most likely one of them. */
  readonly #rivals = new Map<string, Set<string>>();
  #rivalsLeft = MAX_RIVALS;
  readonly #missing: string[] = [];
  /** Document.xml and version files already walked: they may name each other. */
  readonly #walked = new Set<string>();

  constructor(ofd: OfdPackage) {
    this.#ofd = ofd;
  }

  run(): Reach {
    this.#reach('OFD.xml');
    this.#noteRivals(this.#ofd.index.twinsOf('OFD.xml'));
    // Some readers open the first they find in any folder.
    for (const name of this.#ofd.archive.entries.keys()) if (/\/ofd\.xml$/i.test(name)) this.#reach(name);
    const pages = this.#ofd.documents.map((document) => {
      const roots = document.body.childrenOf('DocRoot').map(({ text }) => this.#follow(text, 'OFD.xml', ['']));
      const [pages = []] = roots.map((root) => (root ? this.#document(root) : []));
      return pages;
    });
    // Readers that take elements at any depth find more than one document in a body, or one outside of it.
    const { rootXml } = this.#ofd;
    for (const { text } of rootXml.descendantsOf('Cover')) if (text.trim()) this.#follow(text, 'OFD.xml', ['']);
    for (const version of rootXml.descendantsOf('Version')) {
      const file = this.#follow(version.attribute('BaseLoc') ?? '', 'OFD.xml', ['']);
      if (file) this.#version(file);
    }
    for (const { text } of rootXml.descendantsOf('DocRoot')) {
      const root = this.#follow(text, 'OFD.xml', ['']);
      if (root) this.#document(root);
    }
    return {
      files: this.#files,
      drawn: this.#drawn,
      rivals: [...this.#rivals.values()].map((names) => [...names]),
      missing: this.#missing,
      pages,
    };
  }

  #version(file: string): void {
    if (this.#walked.has(file)) return;
    this.#walked.add(file);
    const tree = this.#ofd.tree(file);
    const directories = [directoryOf(file), ''];
    for (const item of tree.descendantsOf('File')) this.#follow(item.text, file, directories, { into: this.#files });
    for (const root of tree.descendantsOf('DocRoot')) {
      const entry = this.#follow(root.text, file, directories);
      if (entry) this.#document(entry);
    }
  }

  #document(file: string): OfdPage[] {
    const tree = this.#ofd.tree(file);
    const directory = directoryOf(file);
    const pages = itemsOf(tree, 'Pages', 'Page').map((page) => ({
      id: page.attribute('ID') ?? '',
      entry: this.#ofd.find(page.attribute('BaseLoc'), directory),
    }));
    if (this.#walked.has(file)) return pages;
    this.#walked.add(file);
    for (const name of ['PublicRes', 'DocumentRes']) {
      for (const resource of tree.descendantsOf(name)) this.#resource(resource.text, file, directory);
    }
    for (const template of tree.descendantsOf('TemplatePage')) this.#page(template, file, directory);
    for (const page of tree.descendantsOf('Page')) this.#page(page, file, directory);
    this.#list(tree, 'Annotations', file, directory, (entry, item) => this.#leaves(item, 'FileLoc', entry, directory));
    this.#list(tree, 'Attachments', file, directory, (entry, item) => this.#leaves(item, 'FileLoc', entry, directory));
    this.#list(tree, 'CustomTags', file, directory, (entry, item) => {
      this.#leaves(item, 'SchemaLoc', entry, directory);
      this.#leaves(item, 'FileLoc', entry, directory);
    });
    this.#list(tree, 'Extensions', file, directory, (entry, item) => {
      this.#leaves(item, 'ExtendData', entry, directory);
    });
    return pages;
  }

  /** A list file named by Document.xml: reaches it and hands over each item in it. */
  #list(tree: XmlElement, name: string, from: string, directory: string, each: (entry: string, item: XmlElement) => void): void {
    for (const pointer of tree.descendantsOf(name)) {
      const entry = this.#follow(pointer.text, from, [directory]);
      if (!entry) continue;
      for (const item of this.#ofd.tree(entry).children) each(entry, item);
    }
  }

  #leaves(item: XmlElement, name: string, from: string, documentDirectory: string): void {
    for (const { text } of item.descendantsOf(name)) if (text.trim()) this.#follow(text, from, [directoryOf(from), documentDirectory]);
  }

  #page(element: XmlElement, from: string, directory: string): void {
    const entry = this.#follow(element.attribute('BaseLoc') ?? '', from, [directory]);
    if (!entry || this.#walked.has(entry)) return;
    this.#walked.add(entry);
    const resources: string[] = [];
    let depth = 0;
    let resourceDepth = 0;
    scanXml(this.#ofd.read(entry), this.#ofd.pageBudget, {
      open(name) {
        depth += 1;
        if (resourceDepth > 0 || name !== 'PageRes') return;
        resourceDepth = depth;
        resources.push('');
      },
      close() {
        if (depth === resourceDepth) resourceDepth = 0;
        depth -= 1;
      },
      // In pieces, where a comment or an element stands between them.
      text(text) {
        if (resourceDepth === depth && depth > 0) resources.push((resources.pop() ?? '') + text);
      },
    });
    for (const loc of resources) this.#resource(loc, entry, directory);
  }

  /** A Res file: its fonts, pictures and colour profiles lie in BaseLoc, which is relative to the Res file. */
  #resource(loc: string, from: string, documentDirectory: string): void {
    const entry = this.#follow(loc, from, [directoryOf(from), documentDirectory]);
    if (!entry || this.#walked.has(entry)) return;
    this.#walked.add(entry);
    const tree = this.#ofd.tree(entry);
    const own = directoryOf(entry);
    const base = tree.attribute('BaseLoc')?.replaceAll('\\', '/') ?? '';
    const directories = [resolvePath(own, base) ?? '', own, documentDirectory];
    const others = [own, documentDirectory, ''].map((directory) => `${directory}/${base}`);
    const paths = [...tree.descendantsOf('FontFile'), ...tree.descendantsOf('MediaFile')].map(({ text }) => text);
    for (const space of tree.descendantsOf('ColorSpace')) paths.push(space.attribute('Profile') ?? '');
    for (const path of paths) if (path.trim()) this.#follow(path, entry, directories, { others });
  }

  /** Reaches every file this path may mean and returns the most likely one. */
  #follow(
    loc: string,
    from: string,
    directories: readonly string[],
    { into = this.#drawn, others = [] as readonly string[] } = {},
  ): string | undefined {
    const found = this.#ofd.index.candidates(loc, directories, others);
    if (found.length === 0 && this.#missing.length < 100) this.#missing.push(`${from}: ${loc.trim()}`);
    this.#noteRivals(found);
    for (const name of found) this.#reach(name, into);
    return found[0];
  }

  #noteRivals(names: readonly string[]): void {
    const [first] = names;
    if (first === undefined || names.length < 2) return;
    this.#rivalsLeft -= names.length;
    if (this.#rivalsLeft < 0) throw new ZipError('work-limit', first);
    const known = this.#rivals.get(first) ?? new Set();
    for (const name of names) known.add(name);
    this.#rivals.set(first, known);
  }

  #reach(name: string, into = this.#drawn): void {
    const key = `${into === this.#drawn}:${name}`;
    if (this.#reached.has(key)) return;
    this.#reached.add(key);
    for (const one of [name, ...this.#ofd.index.twinsOf(name)]) {
      this.#files.add(one);
      into.add(one);
    }
  }
}

/** The items of a list, or of every list when it stands more than once. */
function itemsOf(tree: XmlElement, list: string, item: string): XmlElement[] {
  return tree.childrenOf(list).flatMap((one) => one.childrenOf(item));
}
