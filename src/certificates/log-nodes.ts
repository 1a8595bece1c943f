import { coverOf, foldCover, type LeafRange, type NodePlace } from '#pki/merkle-tree.ts';
import type { Database, Transaction } from '#storage/database.ts';

/** Hashes of full subtrees, in the order asked, by two look-ups however many they are. Throws when one is not stored. */
export async function readNodes(db: Database | Transaction, places: readonly NodePlace[]): Promise<Uint8Array[]> {
  const leaves = places.filter(({ level }) => level === 0).map(({ index }) => BigInt(index));
  const inner = places.filter(({ level }) => level > 0);
  const [entries, nodes] = await Promise.all([
    leaves.length > 0 ? db.logEntry.findMany({ where: { index: { in: leaves } }, select: { index: true, leafHash: true } }) : [],
    inner.length > 0 ? db.logNode.findMany({ where: { OR: inner.map(({ level, index }) => ({ level, index: BigInt(index) })) } }) : [],
  ]);
  const found = new Map<string, Uint8Array>([
    ...entries.map(({ index, leafHash }) => [`0/${index}`, leafHash] as [string, Uint8Array]),
    ...nodes.map(({ level, index, hash }) => [`${level}/${index}`, hash] as [string, Uint8Array]),
  ]);
  return places.map(({ level, index }) => {
    const hash = found.get(`${level}/${index}`);
    if (!hash) throw new Error(`the issuance log lacks node ${level}/${index}`);
    return hash;
  });
}

/** Hashes of ranges, each a subtree of the log: a proof, when the ranges are those of one. */
export async function readRanges(db: Database | Transaction, ranges: readonly LeafRange[]): Promise<Uint8Array[]> {
  const covers = ranges.map(coverOf);
  const hashes = await readNodes(db, covers.flat());
  let at = 0;
  return covers.map((cover) => {
    const part = hashes.slice(at, at + cover.length);
    at += cover.length;
    return foldCover(part);
  });
}
