// @ts-check
/** The little DER (X.690) that a certification request needs: definite lengths, shortest form. Bytes in, bytes out. */

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

/** @param {readonly Uint8Array[]} parts @returns {Bytes} */
export function concatenate(parts) {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Length octets: one below 128, else as few as hold it (X.690 §10.1). @param {number} length */
function lengthOctets(length) {
  if (length < 0x80) return [length];
  const octets = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return [0x80 | octets.length, ...octets];
}

/** @param {number} tag @param {...Uint8Array} contents */
export function element(tag, ...contents) {
  const content = concatenate(contents);
  return concatenate([Uint8Array.from([tag, ...lengthOctets(content.length)]), content]);
}

/** @param {...Uint8Array} contents */
export const sequence = (...contents) => element(0x30, ...contents);

/** A whole number that fits in seven bits. @param {number} value */
export function smallInteger(value) {
  if (!Number.isInteger(value) || value < 0 || value > 127) throw new RangeError('0 to 127');
  return element(0x02, Uint8Array.from([value]));
}

/** A number of any size, big-endian and not negative: no needless zeros, and one where the sign bit would show. @param {Uint8Array} octets */
export function unsignedInteger(octets) {
  let from = 0;
  while (from < octets.length - 1 && octets[from] === 0) from++;
  const rest = octets.subarray(from);
  return element(0x02, ...((rest[0] ?? 0) >= 0x80 ? [Uint8Array.from([0])] : []), rest.length > 0 ? rest : Uint8Array.from([0]));
}

/** @param {string} dotted for example `1.2.840.10045.4.3.2` */
export function objectIdentifier(dotted) {
  const arcs = dotted.split('.').map(Number);
  const [first = 0, second = 0, ...rest] = arcs;
  if (arcs.length < 2 || arcs.some((arc) => !Number.isSafeInteger(arc) || arc < 0)) throw new RangeError(dotted);
  const octets = [first * 40 + second, ...rest].flatMap((arc) => {
    const groups = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) groups.unshift(128 + (left % 128));
    return groups;
  });
  return element(0x06, Uint8Array.from(octets));
}

/** Whole octets, no unused bits. @param {Uint8Array} octets */
export const bitString = (octets) => element(0x03, Uint8Array.from([0]), octets);
