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
  const out: PageTreeNode[] = [];
  const seen = new Set<number>();
  const visit = (value: PdfValue | undefined, path: string, depth: number): void => {
    if (depth > MAX_DEPTH || out.length > MAX_NODES) throw new PdfError('page-tree-too-large');
    const num = isRef(value) ? value.num : undefined;
    if (num !== undefined) {
      if (seen.has(num)) throw new PdfError('page-tree-loop');
      seen.add(num);
    }
    const dict = view.dict(value);
    if (!dict) throw new PdfError('page-tree-broken');
    const kids = view.get(dict, 'Kids');
    if (!isArray(kids)) {
      out.push({ kind: 'page', dict, num, path });
      return;
    }
    out.push({ kind: 'node', dict, num, path });
    kids.items.forEach((kid, index) => {
      visit(kid, `${path}/${index}`, depth + 1);
    });
  };
  visit(view.catalog.entries.get('Pages'), '', 0);
  return out;
}

/** The pages alone. */
export function pagesOf(view: PdfView): PageTreeNode[] {
  return readPageTree(view).filter(({ kind }) => kind === 'page');
}
