/**
 * Name constraints (RFC 5280 §4.2.1.10, §6.1.4 g): which names may stand below an authority.
 * Every permitted list on the path must hold, which is their intersection; one excluded match refuses.
 */
import { context, type DerElement, DerError, parseDer, TAG } from '#crypto/der.ts';
import { isHostName } from './addresses.ts';
import { type GeneralName, parseGeneralName } from './general-name.ts';

export interface NameConstraints {
  permitted: readonly GeneralSubtree[];
  excluded: readonly GeneralSubtree[];
}

export interface GeneralSubtree {
  /** The name form it speaks of: `dns`, `directory`, or the `form` of names we do not look into. */
  form: string;
  /** Undefined for forms we cannot compare, and for a minimum or maximum, which nobody uses. */
  base: SubtreeBase | undefined;
}

export type SubtreeBase = Extract<GeneralName, { kind: 'directory' | 'dns' | 'email' | 'uri' }> | IpSubtree;

export interface IpSubtree {
  kind: 'ip';
  address: Uint8Array;
  mask: Uint8Array;
}

/** Reads nameConstraints. Throws DerError for an empty one and for a subtree that breaks the rules of its form. */
export function parseNameConstraints(value: Uint8Array): NameConstraints {
  const element = parseDer(value).expect(TAG.sequence);
  const [permitted, excluded] = [element.find(context(0)), element.find(context(1))];
  if (element.children.length !== Number(permitted !== undefined) + Number(excluded !== undefined) || element.children.length === 0) {
    throw new DerError('nameConstraints without a constraint');
  }
  return { permitted: readSubtrees(permitted), excluded: readSubtrees(excluded) };
}

function readSubtrees(list: DerElement | undefined): GeneralSubtree[] {
  if (!list) return [];
  if (list.children.length === 0) throw new DerError('no subtree inside');
  return list.children.map((item) => {
    const [base, ...range] = item.expect(TAG.sequence).children;
    if (!base) throw new DerError('a subtree without a base');
    const subtree = readBase(base);
    // minimum is 0 by default and must not be written as such; anything else we do not compute.
    return range.length > 0 ? { ...subtree, base: undefined } : subtree;
  });
}

function readBase(element: DerElement): GeneralSubtree {
  const name = parseGeneralName(element);
  switch (name.kind) {
    case 'ip':
      return { form: 'ip', base: readIpSubtree(name.value) };
    case 'dns':
    case 'email':
    case 'uri':
      if (!isSubtreeText(name)) throw new DerError(`${name.kind} constraint of impossible form`);
      return { form: name.kind, base: { kind: name.kind, value: name.value } };
    case 'directory':
      return { form: 'directory', base: name };
    // Constraints on mailboxes beyond ASCII are written as email constraints (RFC 9598 §6).
    case 'utf8-email':
      return { form: 'utf8-email', base: undefined };
    default:
      return { form: name.form, base: undefined };
  }
}

/**
 * A host, for mail and addresses also a domain with a leading period, for mail also one mailbox. A dNSName with a leading
 * period breaks §4.2.1.10, but is common; it is read as its authors mean it, and refused where the strict form is asked for.
 */
export function isSubtreeText({ kind, value }: { kind: string; value: string }): boolean {
  const at = value.lastIndexOf('@');
  if (kind === 'email' && at >= 0) return at > 0 && !value.slice(0, at).includes('@') && isHostName(value.slice(at + 1));
  if (value === '' || value === '.') return kind !== 'uri' && value === '';
  return isHostName(value.startsWith('.') ? value.slice(1) : value);
}

/** Address and mask, 8 or 32 octets (RFC 4632 style): the mask's ones come first. */
export function readIpSubtree(octets: Uint8Array): IpSubtree {
  if (octets.length !== 8 && octets.length !== 32) throw new DerError('IP constraint is no address with a mask');
  const mask = octets.subarray(octets.length / 2);
  const bits = [...mask].map((octet) => octet.toString(2).padStart(8, '0')).join('');
  if (!/^1*0*$/.test(bits)) throw new DerError('IP mask with holes');
  return { kind: 'ip', address: octets.subarray(0, octets.length / 2), mask };
}
