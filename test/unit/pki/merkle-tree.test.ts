import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { digest } from '#crypto/suite.ts';
import {
  consistencyRanges,
  coverOf,
  EMPTY_ROOT,
  EMPTY_TREE,
  foldCover,
  growTree,
  inclusionRanges,
  isConsistent,
  isIncluded,
  type LeafRange,
  leafHash,
  type NodePlace,
  rootOf,
} from '#pki/merkle-tree.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** RFC 6962 §2.1 written down as it stands there. */
function naiveRoot(data: readonly Uint8Array[]): Uint8Array {
  if (data.length === 0) return digest('sha256', new Uint8Array());
  if (data.length === 1) return digest('sha256', Uint8Array.of(0), data[0] as Uint8Array);
  const k = naiveSplit(data.length);
  return digest('sha256', Uint8Array.of(1), naiveRoot(data.slice(0, k)), naiveRoot(data.slice(k)));
}

function naiveSplit(n: number): number {
  let k = 1;
  while (k < n / 2) k *= 2;
  return k;
}

function naivePath(m: number, data: readonly Uint8Array[]): Uint8Array[] {
  if (data.length <= 1) return [];
  const k = naiveSplit(data.length);
  return m < k
    ? [...naivePath(m, data.slice(0, k)), naiveRoot(data.slice(k))]
    : [...naivePath(m - k, data.slice(k)), naiveRoot(data.slice(0, k))];
}

function naiveSubproof(m: number, data: readonly Uint8Array[], whole: boolean): Uint8Array[] {
  if (m === data.length) return whole ? [] : [naiveRoot(data)];
  const k = naiveSplit(data.length);
  return m <= k
    ? [...naiveSubproof(m, data.slice(0, k), whole), naiveRoot(data.slice(k))]
    : [...naiveSubproof(m - k, data.slice(k), false), naiveRoot(data.slice(0, k))];
}

/** The leaves of the certificate-transparency reference implementation's tests, and the roots it gives. */
const DATA = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map((text) =>
  Uint8Array.from(Buffer.from(text, 'hex')),
);
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const PATHS: [index: number, size: number, path: string[]][] = [
  [
    0,
    8,
    [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  ],
  [
    5,
    8,
    [
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  ],
  [2, 3, ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125']],
];

/** Grows a tree and keeps its full subtrees, as the store does. */
function store(data: readonly Uint8Array[]) {
  const leaves = data.map(leafHash);
  const { tree, nodes } = growTree(EMPTY_TREE, leaves);
  const kept = new Map(nodes.map(({ level, index, hash }) => [`${level}/${index}`, hash]));
  const hashAt = ({ level, index }: NodePlace) => (level === 0 ? leaves[index] : kept.get(`${level}/${index}`)) as Uint8Array;
  return { tree, leaves, hashOf: (range: LeafRange) => foldCover(coverOf(range).map(hashAt)), nodes };
}

/** No two alike: equal neighbours could stand for each other. */
const someData = fc
  .array(fc.uint8Array({ maxLength: 8 }), { minLength: 1, maxLength: 70 })
  .map((items) => items.map((item, at) => Uint8Array.of(...item, at)));

describe('the tree of RFC 6962', () => {
  test.each(ROOTS.map((root, size) => [size, root] as const))('of the first %i reference leaves has the reference root', (size, root) => {
    expect(hex(rootOf(growTree(EMPTY_TREE, DATA.slice(0, size).map(leafHash)).tree))).toBe(root);
  });

  test.each(PATHS)('proves reference leaf %i of %i with the reference path', (index, size, path) => {
    const { hashOf } = store(DATA.slice(0, size));
    expect(inclusionRanges(index, size).map((range) => hex(hashOf(range)))).toEqual(path);
  });

  test('has the root of the recursive definition, however it was grown', () => {
    fc.assert(
      fc.property(someData, fc.nat(), (data, cut) => {
        const at = cut % (data.length + 1);
        const first = growTree(EMPTY_TREE, data.slice(0, at).map(leafHash));
        const { tree, nodes } = growTree(first.tree, data.slice(at).map(leafHash));
        expect(hex(rootOf(tree))).toBe(hex(naiveRoot(data)));
        expect([...first.nodes, ...nodes].map(({ level, index }) => [level, index])).toEqual(
          store(data).nodes.map(({ level, index }) => [level, index]),
        );
      }),
    );
  });

  test('gives the recursive definition’s proofs from a logarithmic number of kept hashes', () => {
    fc.assert(
      fc.property(someData, fc.nat(), fc.nat(), (data, a, b) => {
        const { hashOf } = store(data);
        const size = 1 + (a % data.length);
        const index = b % size;
        const ranges = inclusionRanges(index, size);
        expect(ranges.map((range) => hex(hashOf(range)))).toEqual(naivePath(index, data.slice(0, size)).map(hex));
        expect(ranges.flatMap(coverOf).length).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(size + 1)));
        const first = 1 + (b % size);
        const consistency = consistencyRanges(first, size);
        expect(consistency.map((range) => hex(hashOf(range)))).toEqual(naiveSubproof(first, data.slice(0, size), true).map(hex));
        expect(consistency.flatMap(coverOf).length).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(size + 1)) + 1);
      }),
    );
  });
});

describe('checking a proof', () => {
  test('accepts every honest proof and refuses it for another leaf, place, size or root', () => {
    fc.assert(
      fc.property(someData, fc.nat(), fc.nat(), (data, a, b) => {
        const { hashOf, leaves } = store(data);
        const size = 1 + (a % data.length);
        const index = b % size;
        const path = inclusionRanges(index, size).map(hashOf);
        const proof = { leaf: leaves[index] as Uint8Array, index, size, path, root: hashOf([0, size]) };
        expect(isIncluded(proof)).toBe(true);
        expect(isIncluded({ ...proof, leaf: leafHash(Buffer.from('another')) })).toBe(false);
        expect(isIncluded({ ...proof, root: EMPTY_ROOT })).toBe(false);
        expect(isIncluded({ ...proof, path: [...path, EMPTY_ROOT] })).toBe(false);
        expect(isIncluded({ ...proof, index: size })).toBe(false);
        if (path.length > 0) expect(isIncluded({ ...proof, path: path.slice(1) })).toBe(false);
        if (index % 2 === 0 && index + 1 < size) expect(isIncluded({ ...proof, index: index + 1 })).toBe(false);
      }),
    );
  });

  test('accepts every honest consistency proof and refuses a forked, shortened or lengthened one', () => {
    fc.assert(
      fc.property(someData, fc.nat(), fc.nat(), (data, a, b) => {
        const { hashOf } = store(data);
        const second = 1 + (a % data.length);
        const first = b % (second + 1);
        const path = consistencyRanges(first, second).map(hashOf);
        const proof = { first, firstRoot: hashOf([0, first]), second, secondRoot: hashOf([0, second]), path };
        expect(isConsistent(proof)).toBe(true);
        expect(isConsistent({ ...proof, firstRoot: leafHash(Buffer.from('forked')) })).toBe(false);
        expect(isConsistent({ ...proof, path: [...path, EMPTY_ROOT] })).toBe(false);
        if (first > 0) expect(isConsistent({ ...proof, secondRoot: leafHash(Buffer.from('forked')) })).toBe(false);
        if (path.length > 0) expect(isConsistent({ ...proof, path: path.slice(0, -1) })).toBe(false);
        if (first !== second) expect(isConsistent({ ...proof, first: second, second: first })).toBe(false);
      }),
    );
  });

  test('refuses counts that are none', () => {
    expect(() => inclusionRanges(3, 3)).toThrow(RangeError);
    expect(() => consistencyRanges(4, 3)).toThrow(RangeError);
    expect(() => inclusionRanges(0, 1.5)).toThrow(RangeError);
    expect(isIncluded({ leaf: EMPTY_ROOT, index: -1, size: 2, path: [], root: EMPTY_ROOT })).toBe(false);
  });

  test('counts beyond 2^32 without losing a bit', () => {
    const size = 2 ** 40 + 3;
    expect(inclusionRanges(2 ** 40 + 2, size).at(-1)).toEqual([0, 2 ** 40]);
    expect(coverOf([0, size])).toEqual([
      { level: 40, index: 0 },
      { level: 1, index: 2 ** 39 },
      { level: 0, index: 2 ** 40 + 2 },
    ]);
  });
});
