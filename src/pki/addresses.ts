/** Addresses as names in certificates write them: host names, mailboxes, IP addresses. Pure text work, no look-ups. */
import { domainToASCII } from 'node:url';

const LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;
const MAX_HOST_LENGTH = 253;

/** RFC 1034 §3.5 as RFC 1123 §2.1 changed it: the preferred name syntax. A dotted number is an IP address and no host name. */
export function isHostName(text: string): boolean {
  if (text.length === 0 || text.length > MAX_HOST_LENGTH) return false;
  const labels = text.split('.');
  return labels.every((label) => LABEL.test(label)) && !/^\d+$/.test(labels.at(-1) ?? '');
}

export interface Mailbox {
  local: string;
  /** Lower case, A-labels. */
  host: string;
}

const ATOM = /^[^\s\p{Cc}@"(),:;<>[\\\]]+$/u;
const QUOTED = /^"(?:[^"\\\p{Cc}]|\\[\u0020-\u007e])*"$/u;

/** Undefined for what is no mailbox of RFC 5321 §4.1.2 (with RFC 6531 when `beyondAscii`). */
export function parseMailbox(text: string, beyondAscii = false): Mailbox | undefined {
  const at = text.lastIndexOf('@');
  if (at <= 0) return undefined;
  const local = text.slice(0, at);
  if (!(QUOTED.test(local) || local.split('.').every((atom) => ATOM.test(atom)))) return undefined;
  if (!beyondAscii && /[^\u0020-\u007e]/.test(local)) return undefined;
  const host = beyondAscii ? domainToASCII(text.slice(at + 1)) : text.slice(at + 1).toLowerCase();
  return isHostName(host) ? { local, host } : undefined;
}

/** Octets of an IP address in text, 4 or 16; undefined when it is none. */
export function parseIpAddress(text: string): Uint8Array | undefined {
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(text)) {
    const octets = text.split('.').map(Number);
    return octets.every((octet, index) => octet <= 255 && String(octet) === text.split('.')[index]) ? Uint8Array.from(octets) : undefined;
  }
  if (!text.includes(':') || !/^[0-9a-fA-F:.]+$/.test(text)) return undefined;
  const [head = '', tail, more] = text.split('::');
  if (more !== undefined) return undefined;
  const before = readGroups(head);
  const after = tail === undefined ? [] : readGroups(tail);
  if (!before || !after) return undefined;
  const missing = 8 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...before, ...new Array<number>(tail === undefined ? 0 : missing).fill(0), ...after];
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

function readGroups(text: string): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  for (const [index, part] of text.split(':').entries()) {
    const last = index === text.split(':').length - 1;
    if (last && part.includes('.')) {
      const v4 = parseIpAddress(part);
      if (v4?.length !== 4) return undefined;
      groups.push(((v4[0] ?? 0) << 8) | (v4[1] ?? 0), ((v4[2] ?? 0) << 8) | (v4[3] ?? 0));
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

/** The one text form of an address: dotted, or RFC 5952 for IPv6. */
export function formatIpAddress(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join('.');
  const groups = Array.from({ length: 8 }, (_, index) => ((octets[2 * index] ?? 0) << 8) | (octets[2 * index + 1] ?? 0));
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  if (best.start < 0) return hex(groups);
  return `${hex(groups.slice(0, best.start))}::${hex(groups.slice(best.start + best.length))}`;
}
