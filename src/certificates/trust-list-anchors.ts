/** From the trust list to what verification goes by. */
import type { AnchorConstraints } from '#pki/anchor-constraints.ts';
import { type Certificate, parseCertificate } from '#pki/certificate.ts';
import { nameToString } from '#pki/name.ts';
import { toPem } from '#pki/pem.ts';
import { namesOf } from './trust-list-entry.ts';
import type { ListedConstraints, ListedEntry, ListedSignIn, TrustList } from './trust-list-format.ts';

export interface ListedAnchor {
  anchor: Certificate;
  /** Help to build paths; trusted for nothing. */
  extra: Certificate[];
  constraints: AnchorConstraints;
  official: boolean;
}

/** The entries that are anchors at this moment: active, within their dates. Suspended, expired and future ones are not. */
export function anchorsOf(list: TrustList, at: Date): ListedAnchor[] {
  return list.entries
    .filter((entry) => isInForce(entry, at))
    .flatMap(({ certificates, constraints, official }) => {
      const [anchor, ...extra] = certificates.map((text) => parseCertificate(Buffer.from(text, 'base64')));
      return anchor ? [{ anchor, extra, constraints: toAnchorConstraints(constraints), official }] : [];
    });
}

export interface SignInAnchor extends ListedAnchor {
  /** Of the entry. */
  id: string;
  signIn: ListedSignIn;
}

/** Of the anchors of this moment those under which people sign in. */
export function signInAnchorsOf(list: TrustList, at: Date): SignInAnchor[] {
  return list.entries.flatMap((entry) => {
    const { signIn } = entry.constraints;
    const [listed] = signIn ? anchorsOf({ ...list, entries: [entry] }, at) : [];
    return listed && signIn ? [{ ...listed, id: entry.id, signIn }] : [];
  });
}

/**
 * Our own trust and the list together, as verification takes them. Our own authorities have no limits, whatever the list says; only
 * entries marked official join the official anchors.
 */
export function withListed(
  own: { anchors: readonly Certificate[]; intermediates: readonly Certificate[] },
  listed: readonly ListedAnchor[],
) {
  const known = new Set(own.anchors.map(({ fingerprint }) => fingerprint));
  const others = listed.filter(({ anchor }) => !known.has(anchor.fingerprint));
  return {
    anchors: [...own.anchors, ...others.map(({ anchor }) => anchor)],
    intermediates: [...own.intermediates, ...others.flatMap(({ extra }) => extra)],
    officialAnchors: [...own.anchors, ...others.filter(({ official }) => official).map(({ anchor }) => anchor)],
    constraints: new Map(others.map(({ anchor, constraints }) => [anchor.fingerprint, constraints])),
  };
}

export function isInForce({ state, validFrom, validUntil }: ListedEntry, at: Date): boolean {
  return state === 'active' && Date.parse(validFrom) <= at.getTime() && at.getTime() < Date.parse(validUntil);
}

function toAnchorConstraints(listed: ListedConstraints): AnchorConstraints {
  const { purposes, policies, maxPathLength, issuedUntil } = listed;
  return {
    ...namesOf(listed),
    purposes,
    ...(policies ? { policies } : {}),
    ...(maxPathLength === undefined ? {} : { maxPathLength }),
    ...(issuedUntil ? { issuedUntil: new Date(issuedUntil) } : {}),
  };
}

/**
 * `/trust/bundle.pem`: the anchors in force, for programs that read PEM. What each is trusted for stands before it as a comment, which
 * such programs do not enforce: who needs the limits reads the signed list.
 */
export function trustListPem(list: TrustList, at: Date): string {
  const head = `# Tongren trust list ${list.sequence} of ${list.issuer}, issued ${list.issuedAt}, next update ${list.nextUpdate}\n`;
  const entries = list.entries.filter((entry) => isInForce(entry, at));
  return head + entries.map(pemOf).join('');
}

function pemOf({ name, certificates, constraints, official, fingerprint, validUntil }: ListedEntry): string {
  const [anchor] = certificates.map((text) => Uint8Array.from(Buffer.from(text, 'base64')));
  const der = anchor ?? new Uint8Array();
  const lines = [
    `${name.zh} / ${name.en}${official ? ' (official)' : ''}`,
    nameToString(parseCertificate(der).subject),
    `sha256 ${fingerprint}, until ${validUntil}`,
    `constraints ${JSON.stringify(constraints)}`,
  ];
  return `\n${lines.map((line) => `# ${line.replace(/[\r\n]/g, ' ')}\n`).join('')}${toPem('CERTIFICATE', der)}`;
}
