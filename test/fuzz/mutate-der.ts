import { tlv } from '#crypto/encode-der.ts';
import { mutateBytes } from './mutate-ofd.ts';

type Random = (below: number) => number;

/** An element of a DER encoding, taken apart so that it can be put together otherwise with right lengths. */
interface Node {
  tag: number;
  content: Uint8Array;
  children?: Node[];
}

/** How deep OCTET STRINGs and BIT STRINGs are looked into: extensions stand in them. */
const MAX_DEPTH = 12;

/**
 * Changes DER where a reader that only checks lengths would not notice: elements are dropped, doubled, moved, nested, given
 * another tag or other content, and all lengths around them are made right. One time in four single octets are changed instead.
 */
export function mutateDer(bytes: Uint8Array, random: Random): Uint8Array {
  if (random(4) === 0) return mutateBytes(bytes, random);
  const roots = takeApart(bytes, 0);
  if (!roots) return mutateBytes(bytes, random);
  for (let count = 1 + random(3); count > 0; count--) changeOne(roots, random);
  return Buffer.concat(roots.map(putTogether));
}

function changeOne(roots: Node[], random: Random): void {
  const places: { list: Node[]; index: number }[] = [];
  const walk = (list: Node[]) =>
    list.forEach((node, index) => {
      places.push({ list, index });
      if (node.children) walk(node.children);
    });
  walk(roots);
  const place = places[random(places.length)];
  const other = places[random(places.length)];
  const node = place?.list[place.index];
  const donor = other?.list[other.index];
  if (!place || !node || !donor) return;
  switch (random(7)) {
    case 0:
      place.list.splice(place.index, 1);
      break;
    case 1:
      place.list.splice(place.index, 0, ...Array.from({ length: 1 + random(random(8) === 0 ? 300 : 3) }, () => copyOf(node)));
      break;
    case 2:
      place.list[place.index] = copyOf(donor);
      break;
    case 3:
      place.list[place.index] = { tag: 0x30, content: new Uint8Array(), children: [copyOf(node)] };
      break;
    case 4:
      node.tag = random(2) === 0 ? random(256) : donor.tag;
      break;
    case 5:
      delete node.children;
      node.content = node.content.length === 0 ? Uint8Array.of(random(256)) : mutateBytes(node.content, random);
      break;
    default:
      place.list.splice(place.index, 1);
      other?.list.splice(Math.min(other.list.length, other.index), 0, node);
  }
}

function copyOf(node: Node): Node {
  return { ...node, ...(node.children ? { children: node.children.map(copyOf) } : {}) };
}

function takeApart(bytes: Uint8Array, depth: number): Node[] | undefined {
  const nodes: Node[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const tag = bytes[offset] ?? 0;
    let length = bytes[offset + 1] ?? 0;
    let start = offset + 2;
    if (length >= 0x80) {
      const count = length & 0x7f;
      if (count === 0 || count > 3) return undefined;
      length = Buffer.from(bytes.subarray(start, start + count)).readUIntBE(0, count);
      start += count;
    }
    if (start + length > bytes.length) return undefined;
    const content = bytes.subarray(start, start + length);
    const opaque = (tag & 0x20) === 0 && tag !== 0x04;
    const children = opaque || depth >= MAX_DEPTH || length === 0 ? undefined : takeApart(content, depth + 1);
    nodes.push({ tag, content, ...(children ? { children } : {}) });
    offset = start + length;
  }
  return nodes;
}

function putTogether(node: Node): Uint8Array {
  return node.children ? tlv(node.tag, ...node.children.map(putTogether)) : tlv(node.tag, node.content);
}
