/** The checks of RFC 5280 §6.1 over one path whose signatures were found good, except revocation. */
import { OID } from '#crypto/oids.ts';
import type { Certificate } from './certificate.ts';

export type PathReason =
  | 'no-path-to-anchor'
  | 'bad-signature'
  | 'unsupported-algorithm'
  | 'weak-algorithm'
  | 'expired'
  | 'not-yet-valid'
  | 'not-a-ca'
  | 'path-too-long'
  | 'wrong-key-usage'
  | 'wrong-purpose'
  | 'unknown-critical-extension'
  | 'unsupported-constraint'
  | 'malformed-extension'
  | 'revoked'
  | 'revocation-unknown'
  | 'work-limit';

export type Purpose = 'any' | 'seal' | 'document-signing' | 'code-signing' | 'timestamp' | 'ocsp' | 'server' | 'ca';

const PROCESSED: readonly string[] = [
  OID.basicConstraints,
  OID.keyUsage,
  OID.extendedKeyUsage,
  OID.certificatePolicies,
  OID.subjectAltName,
  OID.subjectKeyIdentifier,
  OID.authorityKeyIdentifier,
  OID.crlDistributionPoints,
];

/** Constraints that narrow what a path may mean. Until they are computed, a path that carries one is refused, critical or not. */
const CONSTRAINTS: readonly string[] = [OID.nameConstraints, OID.policyConstraints, OID.inhibitAnyPolicy, OID.policyMappings];

const MIN_RSA_BITS = 2048;

/** @param path leaf first; the last is the anchor when `anchored`. */
export function judgePath(path: readonly Certificate[], at: Date, purpose: Purpose, anchored: boolean): Set<PathReason> {
  const reasons = new Set<PathReason>();
  let intermediatesBelow = 0;
  path.forEach((certificate, index) => {
    const isAnchor = anchored && index === path.length - 1;
    for (const reason of judgeCommon(certificate, at, isAnchor)) reasons.add(reason);
    if (index > 0) {
      for (const reason of judgeIssuer(certificate, intermediatesBelow, isAnchor)) reasons.add(reason);
      if (!certificate.selfIssued) intermediatesBelow += 1;
    }
  });
  const [leaf] = path;
  for (const reason of leaf ? judgePurpose(leaf, purpose) : []) reasons.add(reason);
  return reasons;
}

function* judgeCommon(certificate: Certificate, at: Date, isAnchor: boolean): Generator<PathReason> {
  if (at > certificate.notAfter) yield 'expired';
  if (at < certificate.notBefore) yield 'not-yet-valid';
  if (certificate.faultyExtensions.length > 0) yield 'malformed-extension';
  for (const { oid, critical } of certificate.extensions.values()) {
    if (CONSTRAINTS.includes(oid)) yield 'unsupported-constraint';
    else if (critical && !PROCESSED.includes(oid)) yield 'unknown-critical-extension';
  }
  // The anchor's own signature proves nothing, so its algorithm does not matter (RFC 5280 §6.1.1 d).
  if (!isAnchor && certificate.signatureAlgorithm?.digest === 'sha1') yield 'weak-algorithm';
  if (hasWeakKey(certificate)) yield 'weak-algorithm';
}

function hasKnownKey(certificate: Certificate): boolean {
  try {
    return certificate.publicKey() !== undefined;
  } catch {
    return false;
  }
}

function hasWeakKey(certificate: Certificate): boolean {
  if (!hasKnownKey(certificate)) return false;
  const key = certificate.publicKey();
  return key.scheme === 'rsa' && (key.key.asymmetricKeyDetails?.modulusLength ?? 0) < MIN_RSA_BITS;
}

/** §6.1.4 k–n. A version 1 certificate may only be an anchor: the caller put it there. */
function* judgeIssuer(issuer: Certificate, intermediatesBelow: number, isAnchor: boolean): Generator<PathReason> {
  const exempt = isAnchor && issuer.version < 3;
  // §4.1.2.6: an authority has a name.
  if (issuer.subject.attributes.length === 0) yield 'not-a-ca';
  if (!issuer.basicConstraints?.ca && !exempt) yield 'not-a-ca';
  if (issuer.keyUsage && !issuer.keyUsage.has('key-cert-sign')) yield 'wrong-key-usage';
  const limit = issuer.basicConstraints?.pathLength;
  if (limit !== undefined && intermediatesBelow > limit) yield 'path-too-long';
}

/** Extended usages that alone say: not for documents. */
const NOT_FOR_DOCUMENTS: readonly string[] = [OID.timeStamping, OID.ocspSigning, OID.serverAuthentication];

function* judgePurpose(leaf: Certificate, purpose: Purpose): Generator<PathReason> {
  if (purpose === 'any') return;
  const isCa = leaf.basicConstraints?.ca ?? false;
  if (isCa !== (purpose === 'ca')) yield 'wrong-purpose';
  if (!hasKnownKey(leaf)) yield 'unsupported-algorithm';
  const usage = leaf.keyUsage;
  const extended = leaf.extKeyUsage;
  const allows = (wanted: string) => extended === undefined || extended.includes(wanted) || extended.includes(OID.anyExtendedKeyUsage);
  switch (purpose) {
    case 'seal':
    case 'document-signing':
      if (usage && !usage.has('digital-signature') && !usage.has('non-repudiation')) yield 'wrong-key-usage';
      if (extended && extended.length > 0 && extended.every((oid) => NOT_FOR_DOCUMENTS.includes(oid))) yield 'wrong-purpose';
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
      if (!allows(OID.serverAuthentication)) yield 'wrong-purpose';
      break;
    case 'code-signing':
      if (usage && !usage.has('digital-signature')) yield 'wrong-key-usage';
      break;
    case 'ca':
      if (usage && !usage.has('key-cert-sign')) yield 'wrong-key-usage';
      break;
  }
}
