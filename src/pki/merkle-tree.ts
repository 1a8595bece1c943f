/**
 * The Merkle tree of RFC 6962 §2.1 (SHA-256, domain-separated), with the checks of RFC 9162 §2.1. Proofs are built from the hashes of
 * full subtrees, which never change once they are full: a store that keeps those answers any proof with O(log n) of them.
 * Counts are plain numbers: 2^53 leaves are enough.
 */
import { digest } from '#crypto/suite.ts';

const LEAF_PREFIX = Uint8Array.of(0);
const NODE_PREFIX = Uint8Array.of(1);

/** The root of a tree without leaves. */
export const EMPTY_ROOT: Uint8Array = digest('sha256', new Uint8Array());

export function leafHash(data: Uint8Array): Uint8Array {
  return digest('sha256', LEAF_PREFIX, data);
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return digest('sha256', NODE_PREFIX, left, right);
}

/** A full subtree: 2^level leaves, from leaf `index` · 2^level on. Level 0 is a leaf. */
export interface NodePlace {
  level: number;
  index: number;
}

/** Leaves from `begin` up to, not including, `end`. */
export type LeafRange = readonly [begin: number, end: number];

/** The fewest full subtrees that make up a range, from left to right. */
export function coverOf([begin, end]: LeafRange): NodePlace[] {
  const places: NodePlace[] = [];
  for (let at = begin; at < end; ) {
    let level = 0;
    let width = 1;
    while (at % (width * 2) === 0 && at + width * 2 <= end) {
      level += 1;
      width *= 2;
    }
    places.push({ level, index: at / width });
    at += width;
  }
  return places;
}

/** MTH of a range that is a subtree of the log, from the hashes of its cover. */
export function foldCover(hashes: readonly Uint8Array[]): Uint8Array {
  const last = hashes.at(-1);
  if (!last) return EMPTY_ROOT;
  return hashes.slice(0, -1).reduceRight<Uint8Array>((right, left) => nodeHash(left, right), last);
}

/** The subtrees whose hashes are the audit path of a leaf (§2.1.1), leaf's sibling first. Throws RangeError when it is not in the tree. */
export function inclusionRanges(index: number, size: number): LeafRange[] {
  requireCount(index);
  if (index >= requireCount(size)) throw new RangeError('the leaf is not in the tree');
  const ranges: LeafRange[] = [];
  let [begin, end]: LeafRange = [0, size];
  while (end - begin > 1) {
    const middle = begin + splitOf(end - begin);
    if (index < middle) {
      ranges.unshift([middle, end]);
      end = middle;
    } else {
      ranges.unshift([begin, middle]);
      begin = middle;
    }
  }
  return ranges;
}

/** The subtrees whose hashes show that a tree of `first` leaves is the beginning of one of `second` (§2.1.2). */
export function consistencyRanges(first: number, second: number): LeafRange[] {
  if (requireCount(first) > requireCount(second)) throw new RangeError('the first tree is the larger one');
  if (first === 0 || first === second) return [];
  const ranges: LeafRange[] = [];
  let [begin, end]: LeafRange = [0, second];
  while (first < end) {
    const middle = begin + splitOf(end - begin);
    if (first <= middle) {
      ranges.unshift([middle, end]);
      end = middle;
    } else {
      ranges.unshift([begin, middle]);
      begin = middle;
    }
  }
  // The subtree at which the old tree ends; it is the old tree itself when nothing stands to its left.
  if (begin > 0) ranges.unshift([begin, end]);
  return ranges;
}

/** A tree as far as it must be known to append to it: the hashes of the cover of all its leaves. */
export interface Frontier {
  size: number;
  peaks: readonly Uint8Array[];
}

export const EMPTY_TREE: Frontier = { size: 0, peaks: [] };

/** Appends leaves. `nodes` are the subtrees that became full by it, leaves themselves left out. */
export function growTree(
  { size, peaks }: Frontier,
  leaves: Iterable<Uint8Array>,
): { tree: Frontier; nodes: (NodePlace & { hash: Uint8Array })[] } {
  const stack = [...peaks];
  const nodes: (NodePlace & { hash: Uint8Array })[] = [];
  let count = size;
  for (const leaf of leaves) {
    stack.push(leaf);
    let index = count;
    for (let level = 1; index % 2 === 1; level++) {
      const [left, right] = stack.splice(-2) as [Uint8Array, Uint8Array];
      const hash = nodeHash(left, right);
      index = (index - 1) / 2;
      stack.push(hash);
      nodes.push({ level, index, hash });
    }
    count += 1;
  }
  return { tree: { size: count, peaks: stack }, nodes };
}

export function rootOf({ peaks }: Frontier): Uint8Array {
  return foldCover(peaks);
}

export interface InclusionProof {
  leaf: Uint8Array;
  index: number;
  size: number;
  path: readonly Uint8Array[];
  root: Uint8Array;
}

/** RFC 9162 §2.1.3.2. */
export function isIncluded({ leaf, index, size, path, root }: InclusionProof): boolean {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return false;
  let walk = { at: index, last: size - 1 };
  let hash = leaf;
  for (const sibling of path) {
    if (walk.last === 0) return false;
    if (isRight(walk)) {
      hash = nodeHash(sibling, hash);
      walk = climbToRight(walk);
    } else hash = nodeHash(hash, sibling);
    walk = up(walk);
  }
  return walk.last === 0 && equal(hash, root);
}

export interface ConsistencyProof {
  first: number;
  firstRoot: Uint8Array;
  second: number;
  secondRoot: Uint8Array;
  path: readonly Uint8Array[];
}

/** RFC 9162 §2.1.4.2; the empty tree is the beginning of every tree. */
export function isConsistent({ first, firstRoot, second, secondRoot, path }: ConsistencyProof): boolean {
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(second) || first < 0 || first > second) return false;
  if (first === 0) return path.length === 0 && equal(firstRoot, EMPTY_ROOT);
  if (first === second) return path.length === 0 && equal(firstRoot, secondRoot);
  const [start, ...rest] = isPowerOfTwo(first) ? [firstRoot, ...path] : path;
  if (!start || path.length === 0) return false;
  let walk = { at: first - 1, last: second - 1 };
  while (walk.at % 2 === 1) walk = up(walk);
  let [old, now] = [start, start];
  for (const sibling of rest) {
    if (walk.last === 0) return false;
    if (isRight(walk)) {
      old = nodeHash(sibling, old);
      now = nodeHash(sibling, now);
      walk = climbToRight(walk);
    } else now = nodeHash(now, sibling);
    walk = up(walk);
  }
  return walk.last === 0 && equal(old, firstRoot) && equal(now, secondRoot);
}

interface Walk {
  /** Index of the node on its level, and of the last node there. */
  at: number;
  last: number;
}

const up = ({ at, last }: Walk): Walk => ({ at: Math.floor(at / 2), last: Math.floor(last / 2) });
const isRight = ({ at, last }: Walk) => at % 2 === 1 || at === last;

/** The last node of a level without a sibling moves up as it is, until it has one. */
function climbToRight(walk: Walk): Walk {
  let climbed = walk;
  while (climbed.at !== 0 && climbed.at % 2 === 0) climbed = up(climbed);
  return climbed;
}

/** The largest power of two smaller than the count. */
function splitOf(count: number): number {
  let width = 1;
  while (width * 2 < count) width *= 2;
  return width;
}

function isPowerOfTwo(count: number): boolean {
  return splitOf(count) * 2 === count || count === 1;
}

function requireCount(count: number): number {
  if (!Number.isSafeInteger(count) || count < 0) throw new RangeError('not a count of leaves');
  return count;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
