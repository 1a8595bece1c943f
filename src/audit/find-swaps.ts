/** Tells rows that stand in each other's place from rows that were changed. */
import { chainHash } from './chain-hash.ts';
import type { ChainFault } from './verify-chain.ts';

/** A link that does not fit: to its event, to the link before it, or to both. */
export interface Mismatch {
  position: bigint;
  eventId: string;
  /** Digests as the link says. */
  eventHash: Uint8Array;
  chainHash: Uint8Array;
  /** Digest of the event as it is now; absent when it is gone. */
  actual?: Uint8Array;
  /** Chain digest of the link before, as stored. */
  previous?: Uint8Array;
}

const equal = (a: Uint8Array | undefined, b: Uint8Array | undefined) => a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;

/** Each mismatch as `swapped` (with its partner) or `changed`, in the order of positions. */
export function findSwaps(broken: readonly Mismatch[]): ChainFault[] {
  const swapped = new Set<Mismatch>();
  const explained = new Set<Mismatch>();
  broken.forEach((a, index) => {
    for (const b of broken.slice(index + 1)) {
      if (swapped.has(a) || swapped.has(b)) continue;
      if (!haveChangedEvents(a, b) && !haveChangedLinks(a, b) && !areWholeRowsSwapped(a, b)) continue;
      swapped.add(a);
      swapped.add(b);
      // A link after a swapped whole row fits its own event and only its neighbour is wrong.
      for (const c of broken) if (isNeighbour(c, a) || isNeighbour(c, b)) explained.add(c);
    }
  });
  return broken
    .filter((item) => swapped.has(item) || !explained.has(item))
    .map((item) => ({ kind: swapped.has(item) ? 'swapped' : 'changed', position: String(item.position), eventId: item.eventId }));
}

/** The links point to each other's events. */
function haveChangedEvents(a: Mismatch, b: Mismatch): boolean {
  return equal(a.actual, b.eventHash) && equal(b.actual, a.eventHash);
}

/** Event and event digest exchanged, chain digests left. */
function haveChangedLinks(a: Mismatch, b: Mismatch): boolean {
  return (
    a.previous !== undefined &&
    b.previous !== undefined &&
    equal(chainHash(a.previous, a.position, b.eventHash), a.chainHash) &&
    equal(chainHash(b.previous, b.position, a.eventHash), b.chainHash)
  );
}

/** Whole rows exchanged: what stands at b fits a's place, and the other way round. */
function areWholeRowsSwapped(a: Mismatch, b: Mismatch): boolean {
  if (!a.previous || !equal(chainHash(a.previous, a.position, b.eventHash), b.chainHash)) return false;
  const beforeB = b.position === a.position + 1n ? b.chainHash : b.previous;
  return beforeB !== undefined && equal(chainHash(beforeB, b.position, a.eventHash), a.chainHash);
}

function isNeighbour(item: Mismatch, swapped: Mismatch): boolean {
  return item.position === swapped.position + 1n && equal(item.actual, item.eventHash);
}
