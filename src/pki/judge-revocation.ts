/** What CRLs say about one certificate (RFC 5280 §6.3, complete lists of the issuer itself). */
import { DerError } from '#crypto/der.ts';
import type { Certificate } from './certificate.ts';
import { type Crl, isCrlSignedBy, type RevocationReason } from './crl.ts';
import { httpAddresses } from './general-name.ts';
import { namesEqual } from './name.ts';

export type Revocation =
  | { status: 'good'; asOf: Date }
  | { status: 'revoked'; revokedAt: Date; reason: RevocationReason; asOf: Date }
  | { status: 'unknown' };

export interface RevocationQuestion {
  certificate: Certificate;
  issuer: Certificate;
  crls: readonly Crl[];
  at: Date;
  /** Checks the list's signature; given so that the caller may count and remember the work. */
  isSigned?: (crl: Crl, issuer: Certificate) => boolean;
}

/**
 * Revoked when any authentic list of the issuer, however old, names the certificate as revoked by `at`;
 * good when a list that is fresh at `at` (or newer, made while the certificate was still valid) does not; otherwise unknown.
 */
export function judgeRevocation({ certificate, issuer, crls, at, isSigned = isCrlSignedBy }: RevocationQuestion): Revocation {
  if (issuer.keyUsage && !issuer.keyUsage.has('crl-sign')) return { status: 'unknown' };
  let best: Revocation = { status: 'unknown' };
  for (const crl of crls) {
    if (!isUsable(crl, certificate, issuer) || !isSigned(crl, issuer)) continue;
    const entry = findEntry(crl, certificate.serialHex);
    if (entry === 'damaged') continue;
    if (entry && entry.reason !== 'remove-from-crl' && entry.revokedAt.getTime() <= at.getTime()) {
      return { status: 'revoked', revokedAt: entry.revokedAt, reason: entry.reason, asOf: crl.thisUpdate };
    }
    if (!isFresh(crl, certificate, at) || crl.issuingDistributionPoint?.onlySomeReasons) continue;
    if (best.status === 'unknown' || (best.status === 'good' && best.asOf < crl.thisUpdate))
      best = { status: 'good', asOf: crl.thisUpdate };
  }
  return best;
}

function findEntry(crl: Crl, serialHex: string) {
  try {
    return crl.find(serialHex);
  } catch (error) {
    if (error instanceof DerError) return 'damaged';
    throw error;
  }
}

/** A complete list of this issuer whose scope holds the certificate. */
function isUsable(crl: Crl, certificate: Certificate, issuer: Certificate): boolean {
  if (crl.isDelta || crl.unknownCritical || !namesEqual(crl.issuer, certificate.issuer)) return false;
  if (crl.aki && issuer.ski && Buffer.compare(crl.aki, issuer.ski) !== 0) return false;
  const scope = crl.issuingDistributionPoint;
  if (!scope) return true;
  if (scope.indirect || scope.onlyAttributeCertificates || scope.relative) return false;
  const isCa = certificate.basicConstraints?.ca ?? false;
  if ((scope.onlyUserCertificates && isCa) || (scope.onlyCaCertificates && !isCa)) return false;
  if (scope.names.length === 0) return true;
  // The list is one of several: it must be the one the certificate points to.
  const addresses = httpAddresses(scope.names);
  return certificate.crlAddresses.some((address) => addresses.includes(address));
}

function isFresh(crl: Crl, certificate: Certificate, at: Date): boolean {
  if (crl.thisUpdate <= at) return crl.nextUpdate !== undefined && at < crl.nextUpdate;
  // A later list still tells about `at`, unless the certificate had expired by then and may have been dropped from it.
  return certificate.notAfter >= (crl.expiredKeptSince ?? crl.thisUpdate);
}
