/**
 * Limits that we put on an authority of others when we take it into the trust list (RFC 5280 §6.1.1, RFC 5914 §1): what it may
 * certify is then what both its own certificate and our limits allow. Data that can be written as JSON.
 */
import { DerError, parseDer } from '#crypto/der.ts';
import { parseIpAddress } from './addresses.ts';
import type { Certificate } from './certificate.ts';
import type { Purpose } from './judge-purpose.ts';
import { encodeName, type NameAttribute, parseName } from './name.ts';
import { type GeneralSubtree, isSubtreeText, type NameConstraints } from './name-constraints.ts';

export type NameSubtree =
  /** `example.cn` and below; for `email` also `.example.cn` or one mailbox; for `uri` a host or `.example.cn`. */
  | { kind: 'dns' | 'email' | 'uri'; value: string }
  /** `10.1.0.0/16`, `2001:db8::/32`. */
  | { kind: 'ip'; value: string }
  /** The names that begin with these attributes, most general first. */
  | { kind: 'directory'; attributes: readonly NameAttribute[] };

export interface AnchorConstraints {
  permittedNames?: readonly NameSubtree[];
  excludedNames?: readonly NameSubtree[];
  /** The only purposes for which paths to this anchor count. A question that names no purpose is then refused. */
  purposes?: readonly Purpose[];
  /** The only policies that count, by the rules of §6.1; the path must then be valid for one of them. */
  policies?: readonly string[];
  /** Authorities allowed below the anchor, self-issued ones not counted. */
  maxPathLength?: number;
  /** The anchor counts for questions about this time and later. */
  trustedFrom?: Date;
  /** The anchor counts for questions about times up to this one. */
  trustedUntil?: Date;
  /** Leaves issued (notBefore) after this are refused: how an authority is wound down. */
  issuedUntil?: Date;
}

export type AnchorFault = 'wrong-purpose' | 'anchor-not-trusted-then' | 'issued-after-distrust';

/** What our limits say against a path, apart from names, policies and length, which §6.1 takes in. */
export function* faultsOfAnchor(
  constraints: AnchorConstraints,
  question: { leaf: Certificate; at: Date; purpose: Purpose },
): Generator<AnchorFault> {
  const { purposes, trustedFrom, trustedUntil, issuedUntil } = constraints;
  if (purposes && !purposes.includes(question.purpose)) yield 'wrong-purpose';
  if ((trustedFrom && question.at < trustedFrom) || (trustedUntil && question.at > trustedUntil)) yield 'anchor-not-trusted-then';
  if (issuedUntil && question.leaf.notBefore > issuedUntil) yield 'issued-after-distrust';
}

/** The names part as the path algorithm takes it. Throws DerError for a subtree that cannot be read: check it before it is stored. */
export function nameConstraintsOf({ permittedNames = [], excludedNames = [] }: AnchorConstraints): NameConstraints | undefined {
  if (permittedNames.length === 0 && excludedNames.length === 0) return undefined;
  return { permitted: permittedNames.map(readSubtree), excluded: excludedNames.map(readSubtree) };
}

function readSubtree(subtree: NameSubtree): GeneralSubtree {
  switch (subtree.kind) {
    case 'ip':
      return { form: 'ip', base: readNetwork(subtree.value) };
    case 'directory':
      return { form: 'directory', base: { kind: 'directory', value: parseName(parseDer(encodeName(subtree.attributes))) } };
    default:
      if (!isSubtreeText(subtree)) throw new DerError(`not a ${subtree.kind} subtree: ${subtree.value}`);
      return { form: subtree.kind, base: { kind: subtree.kind, value: subtree.value } };
  }
}

function readNetwork(text: string) {
  const [, base = '', length = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const address = parseIpAddress(base);
  const bits = Number(length);
  if (!address || length === '' || bits > address.length * 8) throw new DerError(`not a network: ${text}`);
  const mask = address.map((_, index) => (0xff00 >> Math.max(0, Math.min(8, bits - 8 * index))) & 0xff);
  return { kind: 'ip' as const, address, mask };
}
