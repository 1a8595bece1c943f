/** Checks the stored tree piece by piece, so that a fault is told where it is and not only that the root is another. */
import { nodeHash } from '#pki/merkle-tree.ts';
import type { LogFault } from './log-verdict.ts';

export interface StoredNode {
  level: number;
  index: number;
  hash: Uint8Array;
}

/** Two leaves whose stored parent is not the hash over them. */
interface BrokenPair {
  first: number;
  leaves: [Uint8Array, Uint8Array];
  parent: Uint8Array;
}

export interface TreeChecker {
  /** Leaves in order, without a gap. */
  addLeaf(index: number, hash: Uint8Array): void;
  /** A stored node after both its children; undefined when it is missing. */
  addNode(level: number, index: number, hash: Uint8Array | undefined): void;
  faults(): LogFault[];
}

/** @param isChanged leaves already known to be wrong: their pair is not told again. */
export function treeChecker(isChanged: (index: number) => boolean): TreeChecker {
  const open = new Map<string, Uint8Array>();
  const broken: BrokenPair[] = [];
  const found: LogFault[] = [];
  const take = (level: number, index: number) => {
    const key = `${level}/${index}`;
    const hash = open.get(key);
    open.delete(key);
    return hash;
  };
  return {
    addLeaf: (index, hash) => void open.set(`0/${index}`, hash),
    addNode(level, index, hash) {
      const left = take(level - 1, index * 2);
      const right = take(level - 1, index * 2 + 1);
      if (!hash) found.push({ kind: 'removed', index: index * 2 ** level, detail: `node ${level}/${index}` });
      else open.set(`${level}/${index}`, hash);
      if (!hash || !left || !right || equal(nodeHash(left, right), hash)) return;
      if (level > 1) found.push({ kind: 'changed', index: index * 2 ** level, detail: `node ${level}/${index}` });
      else if (!isChanged(index * 2) && !isChanged(index * 2 + 1)) broken.push({ first: index * 2, leaves: [left, right], parent: hash });
    },
    faults: () => [...explain(broken), ...found],
  };
}

/** Which leaves of broken pairs fit in each other's place; the rest were changed. */
function explain(broken: readonly BrokenPair[]): LogFault[] {
  const swapped = new Set<number>();
  for (const pair of broken) {
    const [left, right] = pair.leaves;
    if (equal(nodeHash(right, left), pair.parent)) for (const at of [0, 1]) swapped.add(pair.first + at);
  }
  const places = broken.flatMap((pair) => [0, 1].map((side) => ({ pair, side, index: pair.first + side })));
  for (const a of places) {
    for (const b of places) {
      if (b.pair.first <= a.pair.first || swapped.has(a.index) || swapped.has(b.index)) continue;
      if (!fits(a.pair, a.side, b.pair.leaves[b.side]) || !fits(b.pair, b.side, a.pair.leaves[a.side])) continue;
      swapped.add(a.index);
      swapped.add(b.index);
    }
  }
  const changed = broken.filter(({ first }) => !swapped.has(first) && !swapped.has(first + 1));
  return [
    ...[...swapped].sort((a, b) => a - b).map((index) => ({ kind: 'reordered' as const, index })),
    ...changed.map(({ first }) => ({
      kind: 'changed' as const,
      index: first,
      detail: `leaf ${first} or ${first + 1}, or the node over them`,
    })),
  ];
}

function fits({ leaves, parent }: BrokenPair, side: number, leaf: Uint8Array | undefined): boolean {
  if (!leaf) return false;
  const [left, right] = leaves;
  return equal(side === 0 ? nodeHash(leaf, right) : nodeHash(left, leaf), parent);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
