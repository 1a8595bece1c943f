/** Whether a certificate may be used for something: key usage, extended key usage and the kind of certificate (RFC 5280 §4.2.1.3, §4.2.1.12). */
import { OID } from '#crypto/oids.ts';
import type { Certificate } from './certificate.ts';

export const PURPOSES = [
  'any',
  'seal',
  'document-signing',
  'code-signing',
  'timestamp',
  'ocsp',
  'server',
  'client',
  'email',
  'ca',
] as const;
export type Purpose = (typeof PURPOSES)[number];

export type PurposeFault = 'wrong-purpose' | 'wrong-key-usage' | 'unsupported-algorithm';

/** The extended usage each purpose stands for, where there is one that authorities above may narrow. */
const USAGE_OF: Partial<Record<Purpose, string>> = {
  timestamp: OID.timeStamping,
  ocsp: OID.ocspSigning,
  server: OID.serverAuthentication,
  client: OID.clientAuthentication,
  email: OID.emailProtection,
};

/** Extended usages that alone say: not for documents. */
const NOT_FOR_DOCUMENTS: readonly string[] = [OID.timeStamping, OID.ocspSigning, OID.serverAuthentication];

/** What speaks against using the leaf for the purpose. */
export function* judgePurpose(leaf: Certificate, purpose: Purpose): Generator<PurposeFault> {
  if (purpose === 'any') return;
  const isCa = leaf.basicConstraints?.ca ?? false;
  // RFC 5280 says nothing against an authority's certificate at the end of a path to a peer; the `tls` rules do.
  if (isCa !== (purpose === 'ca') && !isPeer(purpose)) yield 'wrong-purpose';
  if (!hasKnownKey(leaf)) yield 'unsupported-algorithm';
  const usage = leaf.keyUsage;
  const extended = leaf.extKeyUsage;
  switch (purpose) {
    case 'seal':
    case 'document-signing':
      if (usage && !usage.has('digital-signature') && !usage.has('non-repudiation')) yield 'wrong-key-usage';
      if (extended?.every((oid) => NOT_FOR_DOCUMENTS.includes(oid))) yield 'wrong-purpose';
      break;
    case 'timestamp':
      if (extended?.length !== 1 || extended[0] !== OID.timeStamping) yield 'wrong-purpose';
      if (!leaf.extensions.get(OID.extendedKeyUsage)?.critical) yield 'wrong-purpose';
      if (usage && !usage.has('digital-signature') && !usage.has('non-repudiation')) yield 'wrong-key-usage';
      break;
    case 'ocsp':
      if (!extended?.includes(OID.ocspSigning)) yield 'wrong-purpose';
      if (usage && !usage.has('digital-signature')) yield 'wrong-key-usage';
      break;
    case 'server':
    case 'client':
    case 'email':
      if (!allowsUsage(leaf, USAGE_OF[purpose] as string)) yield 'wrong-purpose';
      break;
    case 'code-signing':
      if (usage && !usage.has('digital-signature')) yield 'wrong-key-usage';
      break;
    case 'ca':
      if (usage && !usage.has('key-cert-sign')) yield 'wrong-key-usage';
      break;
  }
}

/**
 * Whether an authority between anchor and leaf leaves the purpose open. RFC 5280 does not settle what an extended usage in an
 * authority's certificate means; we take it, as browsers and the Baseline Requirements (§7.1.2.10.6) do, as a limit on what is below.
 */
export function allowsPurposeBelow(authority: Certificate, purpose: Purpose): boolean {
  const usage = USAGE_OF[purpose];
  return usage === undefined || allowsUsage(authority, usage);
}

export function allowsUsage(certificate: Certificate, usage: string): boolean {
  const extended = certificate.extKeyUsage;
  return extended === undefined || extended.includes(usage) || extended.includes(OID.anyExtendedKeyUsage);
}

export function hasKnownKey(certificate: Certificate): boolean {
  try {
    return certificate.publicKey() !== undefined;
  } catch {
    return false;
  }
}

function isPeer(purpose: Purpose): boolean {
  return purpose === 'server' || purpose === 'client' || purpose === 'email';
}
