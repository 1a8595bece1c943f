/** Compares the names of a certificate with the name constraints gathered on its path (RFC 5280 §6.1.3 b and c, §7). */
import { OID } from '#crypto/oids.ts';
import { isHostName, type Mailbox, parseMailbox } from './addresses.ts';
import type { Certificate } from './certificate.ts';
import type { GeneralName } from './general-name.ts';
import { isWithinName } from './name.ts';
import type { GeneralSubtree, IpSubtree, NameConstraints, SubtreeBase } from './name-constraints.ts';

/** Comparisons of a name with a subtree that one question may cost; lists made to explode end here. */
export const MAX_NAME_COMPARISONS = 250_000;

export type NameFault = 'name-not-permitted' | 'unsupported-constraint' | 'work-limit';

export interface NameBudget {
  comparisons: number;
}

/** Whether the certificate's names satisfy each of the constraints; the first thing that is wrong, or undefined. */
export function faultOfNames(certificate: Certificate, constraints: readonly NameConstraints[], budget: NameBudget): NameFault | undefined {
  if (constraints.length === 0) return undefined;
  const names = constrainedNames(certificate);
  for (const { permitted, excluded } of constraints) {
    const [allowed, refused] = [byForm(permitted), byForm(excluded)];
    for (const name of names) {
      for (const form of formsOf(name)) {
        const fault = judgeName(name, allowed.get(form), refused.get(form) ?? NONE, budget);
        if (fault) return fault;
      }
    }
  }
  return undefined;
}

/**
 * The subject when it is not empty, its e-mail addresses, and every alternative name. §4.2.1.10 wants the addresses of the
 * subject looked at when there is no alternative name; we look always, as OpenSSL does: it can only refuse more.
 */
function constrainedNames(certificate: Certificate): GeneralName[] {
  const { subject } = certificate;
  const emails = subject.attributes.filter(({ oid }) => oid === OID.email).map(({ value }) => ({ kind: 'email' as const, value }));
  return [
    ...(subject.attributes.length > 0 ? [{ kind: 'directory' as const, value: subject }] : []),
    ...emails,
    ...certificate.subjectAltNames,
  ];
}

/** The constraint forms a name answers to: a mailbox beyond ASCII is also held by e-mail constraints (RFC 9598 §6). */
function formsOf(name: GeneralName): string[] {
  if (name.kind === 'utf8-email') return ['email', 'utf8-email'];
  return [name.kind === 'registered-id' || name.kind === 'other' ? name.form : name.kind];
}

/** The subtrees of one form. */
interface FormSubtrees {
  bases: readonly SubtreeBase[];
  /** One of them cannot be compared. */
  unsupported: boolean;
}

const NONE: FormSubtrees = { bases: [], unsupported: false };
const sorted = new WeakMap<readonly GeneralSubtree[], ReadonlyMap<string, FormSubtrees>>();

/** Sorted once for each list, however many names and paths meet it. */
function byForm(subtrees: readonly GeneralSubtree[]): ReadonlyMap<string, FormSubtrees> {
  const known = sorted.get(subtrees);
  if (known) return known;
  const forms = new Map<string, { bases: SubtreeBase[]; unsupported: boolean }>();
  for (const { form, base } of subtrees) {
    const list = forms.get(form) ?? { bases: [], unsupported: false };
    forms.set(form, list);
    if (base) list.bases.push(base);
    else list.unsupported = true;
  }
  sorted.set(subtrees, forms);
  return forms;
}

/** @param allowed undefined when the form is not constrained by permitted subtrees. */
function judgeName(name: GeneralName, allowed: FormSubtrees | undefined, refused: FormSubtrees, budget: NameBudget): NameFault | undefined {
  // A form we cannot compare, on either side, refuses: nobody can say that the name is inside.
  if (allowed?.unsupported || refused.unsupported) return 'unsupported-constraint';
  if (!allowed && refused.bases.length === 0) return undefined;
  if (!isWellFormed(name)) return 'name-not-permitted';
  for (const base of refused.bases) {
    if (--budget.comparisons < 0) return 'work-limit';
    if (overlaps(name, base)) return 'name-not-permitted';
  }
  if (!allowed) return undefined;
  for (const base of allowed.bases) {
    if (--budget.comparisons < 0) return 'work-limit';
    if (isInside(name, base)) return undefined;
  }
  return 'name-not-permitted';
}

/** A name that breaks the rules of its form is in no subtree. */
function isWellFormed(name: GeneralName): boolean {
  switch (name.kind) {
    case 'dns':
      return isHostName(withoutWildcard(name.value));
    case 'email':
      return parseMailbox(name.value) !== undefined;
    case 'utf8-email':
      return parseMailbox(name.value, true) !== undefined;
    case 'uri':
      return hostOfUri(name.value) !== undefined;
    case 'ip':
      return name.value.length === 4 || name.value.length === 16;
    default:
      return true;
  }
}

function withoutWildcard(host: string): string {
  return host.startsWith('*.') ? host.slice(2) : host;
}

/** Whether every host the name stands for lies in the subtree. */
function isInside(name: GeneralName, base: SubtreeBase): boolean {
  if (name.kind === 'directory') return base.kind === 'directory' && isWithinName(name.value, base.value);
  if (name.kind === 'ip') return base.kind === 'ip' && isInNetwork(name.value, base);
  if (name.kind === 'dns') return base.kind === 'dns' && isInDomain(withoutWildcard(name.value), base.value, name.value.startsWith('*.'));
  if (name.kind === 'uri') return base.kind === 'uri' && isHostOrBelow(hostOfUri(name.value) ?? '', base.value);
  if (name.kind === 'email' || name.kind === 'utf8-email') {
    const mailbox = parseMailbox(name.value, name.kind === 'utf8-email');
    return base.kind === 'email' && mailbox !== undefined && isInMailDomain(mailbox, base.value);
  }
  return false;
}

/** Whether the name may stand for something in the subtree: a wildcard stands for each host one label below its domain. */
function overlaps(name: GeneralName, base: SubtreeBase): boolean {
  if (isInside(name, base)) return true;
  if (name.kind !== 'dns' || base.kind !== 'dns' || !name.value.startsWith('*.')) return false;
  const host = base.value.replace(/^\./, '').toLowerCase();
  const domain = withoutWildcard(name.value).toLowerCase();
  return host === domain || host.slice(host.indexOf('.') + 1) === domain;
}

/** Zero or more labels added on the left; a leading period asks for one at least, which a wildcard brings. */
function isInDomain(host: string, base: string, wildcard: boolean): boolean {
  if (base === '') return true;
  const [name, domain] = [host.toLowerCase(), base.toLowerCase()];
  if (domain.startsWith('.')) return name.endsWith(domain) || (wildcard && `.${name}` === domain);
  return name === domain || name.endsWith(`.${domain}`);
}

/** `host` means that host alone, `.domain` everything below it. */
function isHostOrBelow(host: string, base: string): boolean {
  const domain = base.toLowerCase();
  return domain.startsWith('.') ? host.endsWith(domain) : host === domain;
}

/** The local part is compared as it stands (RFC 5321 §2.4), the host without case. */
function isInMailDomain(mailbox: Mailbox, base: string): boolean {
  const at = base.lastIndexOf('@');
  if (at >= 0) return mailbox.local === base.slice(0, at) && mailbox.host === base.slice(at + 1).toLowerCase();
  return base === '' || isHostOrBelow(mailbox.host, base);
}

/** §4.2.1.10: an address without an authority, or with an IP address there, is in no subtree. */
function hostOfUri(uri: string): string | undefined {
  const [, authority] = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^/?#]*)/.exec(uri) ?? [];
  if (!authority) return undefined;
  const host = authority.slice(authority.lastIndexOf('@') + 1).replace(/:\d*$/, '');
  return isHostName(host) ? host.toLowerCase() : undefined;
}

function isInNetwork(address: Uint8Array, { address: base, mask }: IpSubtree): boolean {
  return address.length === base.length && address.every((octet, index) => ((octet ^ (base[index] ?? 0)) & (mask[index] ?? 0)) === 0);
}
