/** The page tree in reading order (ISO 32000-1 §7.7.3), with cycles and depth refused. */

import type { PdfView } from './pdf-file.ts';
import { isArray, isRef, type PdfDict, PdfError, type PdfValue } from './pdf-values.ts';

const MAX_DEPTH = 64;
const MAX_NODES = 200_000;

export interface PageTreeNode {
  readonly kind: 'node' | 'page';
  readonly dict: PdfDict;
  /** Undefined for a dictionary written directly into /Kids. */
  readonly num: number | undefined;
  readonly path: string;
}

/** Nodes and pages, parents before children. Throws PdfError for loops and for kids that are no dictionaries. */
export function readPageTree(view: PdfView): PageTreeNode[] {
  return [...walkPageTree(view)];
}

/** The same one by one: who needs the first page reads no other. */
function* walkPageTree(view: PdfView): Generator<PageTreeNode> {
  const seen = new Set<number>();
  const open: { value: PdfValue | undefined; path: string; depth: number }[] = [
    { value: view.catalog.entries.get('Pages'), path: '', depth: 0 },
  ];
  let count = 0;
  for (let next = open.pop(); next; next = open.pop()) {
    const { value, path, depth } = next;
    if (depth > MAX_DEPTH || count++ > MAX_NODES) throw new PdfError('page-tree-too-large');
    const num = isRef(value) ? value.num : undefined;
    if (num !== undefined) {
      if (seen.has(num)) throw new PdfError('page-tree-loop');
      seen.add(num);
    }
    const dict = view.dict(value);
    if (!dict) throw new PdfError('page-tree-broken');
    const kids = view.get(dict, 'Kids');
    if (!isArray(kids)) {
      yield { kind: 'page', dict, num, path };
      continue;
    }
    yield { kind: 'node', dict, num, path };
    for (let index = kids.items.length - 1; index >= 0; index--) {
      open.push({ value: kids.items[index], path: `${path}/${index}`, depth: depth + 1 });
    }
  }
}

/** The pages alone. */
export function pagesOf(view: PdfView): PageTreeNode[] {
  return readPageTree(view).filter(({ kind }) => kind === 'page');
}

/** Pages by number, each read when it is asked for. */
export class Pages {
  readonly #walk: Generator<PageTreeNode>;
  readonly #known: PageTreeNode[] = [];

  constructor(view: PdfView) {
    this.#walk = walkPageTree(view);
  }

  at(index: number): PageTreeNode | undefined {
    while (this.#known.length <= index) {
      const { value, done } = this.#walk.next();
      if (done) break;
      if (value.kind === 'page') this.#known.push(value);
    }
    return this.#known[index];
  }

  /** How many there are; reads them all. */
  count(): number {
    this.at(MAX_NODES);
    return this.#known.length;
  }
}
