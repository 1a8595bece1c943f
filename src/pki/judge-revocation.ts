/**
 * What revocation lists say about one certificate (RFC 5280 §6.3): complete, delta and indirect lists, partitions by purpose,
 * place and reason. Two things are stricter or kinder than the algorithm there, for reasons given where they stand:
 * a revocation once authentic stays known however old its list is, and a list made later also tells about earlier times.
 */
import { DerError } from '#crypto/der.ts';
import { OID } from '#crypto/oids.ts';
import type { Certificate } from './certificate.ts';
import { type Crl, isCrlSignedBy, type RevocationReason, type RevokedEntry } from './crl.ts';
import { ALL_REASONS, type DistributionPoint, HOLD_REASON, pointKeys } from './general-name.ts';
import { namesEqual } from './name.ts';

export type Revocation =
  | { status: 'good'; asOf: Date }
  | { status: 'revoked'; revokedAt: Date; reason: RevocationReason; asOf: Date }
  /** `faults` tell why what was there did not help. */
  | { status: 'unknown'; faults?: readonly RevocationFault[] };

export type RevocationFault =
  | 'crl-stale'
  | 'crl-signer-unknown'
  | 'crl-not-understood'
  | 'crl-weak-algorithm'
  | 'crl-rules-broken'
  | 'crl-reasons-missing'
  | 'crl-damaged';

/** How old knowledge may be, besides what its own nextUpdate says. */
export interface Freshness {
  /** A list or answer made longer before the time asked about says nothing good any more. */
  maximumAgeMs?: number;
}

export interface RevocationQuestion {
  certificate: Certificate;
  issuer: Certificate;
  crls: readonly Crl[];
  at: Date;
  /** Checks the list's signature; given so that the caller may count and remember the work. */
  isSigned?: (crl: Crl, issuer: Certificate) => boolean;
  /**
   * Others who may have signed a list: a second key of the issuer, or the issuer of an indirect list. The caller answers with
   * certificates whose path to the same anchor it validated (§6.3.3 f); without this, only `issuer` itself counts.
   */
  findSigners?: (crl: Crl) => readonly Certificate[];
  freshness?: Freshness;
  /** SHA-1 under a list counts like any other. Otherwise such a list can revoke, but not say good. */
  acceptWeak?: boolean;
  /** Lists must have a number that is not critical (§5.2.3). */
  strictLists?: boolean;
}

/** One authentic list, or a complete one brought up to date by a delta, and what it says. */
interface Statement {
  state: 'good' | 'hold';
  asOf: Date;
  /** For which reasons it speaks. */
  reasons: number;
  /** Whether it may be believed when it says good. */
  fresh: boolean;
  /** Not believed for its algorithm. */
  weak: boolean;
  entry?: RevokedEntry;
}

/** Never throws for anything in the lists. */
export function judgeRevocation(question: RevocationQuestion): Revocation {
  const { certificate, at } = question;
  const faults = new Set<RevocationFault>();
  const lists = question.crls.flatMap((crl) => {
    const reasons = reasonsInScope(crl, certificate);
    if (reasons === 0) return [];
    // Signatures cost most: a list out of date that does not name the certificate has nothing to say whoever made it.
    if (!findEntry(crl, certificate) && !isFresh(crl, question) && !question.crls.some((other) => isDeltaOf(other, crl))) {
      faults.add('crl-stale');
      return [];
    }
    return isAuthentic(crl, question, faults) ? [{ crl, reasons }] : [];
  });
  const statements: Statement[] = [];
  for (const { crl, reasons } of lists) {
    const entry = findEntry(crl, certificate);
    if (entry === 'damaged') {
      faults.add('crl-damaged');
      continue;
    }
    // Authentic and final: no age takes it back, nor does a delta that pretends to.
    if (entry && isFinal(entry) && entry.revokedAt <= at) return revoked(entry, crl);
    if (crl.isDelta) continue;
    statements.push(stateOf(crl, entry, reasons, question));
    for (const { crl: delta } of lists.filter((other) => isDeltaOf(other.crl, crl))) {
      const change = findEntry(delta, certificate);
      if (change !== 'damaged') statements.push(stateOf(delta, change ?? entry, reasons, question));
    }
  }
  return conclude(statements, faults);
}

function isFinal({ reason }: RevokedEntry): boolean {
  return reason !== 'certificate-hold' && reason !== 'remove-from-crl';
}

function revoked(entry: RevokedEntry, crl: { thisUpdate: Date }): Revocation {
  return { status: 'revoked', revokedAt: entry.revokedAt, reason: entry.reason, asOf: crl.thisUpdate };
}

function stateOf(crl: Crl, entry: RevokedEntry | undefined, reasons: number, question: RevocationQuestion): Statement {
  const held = entry?.reason === 'certificate-hold' && entry.revokedAt <= question.at;
  const weak = !question.acceptWeak && crl.signatureAlgorithm?.digest === 'sha1';
  return {
    state: held ? 'hold' : 'good',
    asOf: crl.thisUpdate,
    reasons,
    fresh: !weak && isFresh(crl, question),
    weak,
    ...(held ? { entry } : {}),
  };
}

/** The newest word on a hold counts; good is what fresh lists say together for every reason (§6.3.3, reasons_mask). */
function conclude(statements: readonly Statement[], faults: Set<RevocationFault>): Revocation {
  const newestFirst = [...statements].sort(
    (a, b) => b.asOf.getTime() - a.asOf.getTime() || Number(b.state === 'hold') - Number(a.state === 'hold'),
  );
  const onHold = newestFirst.find(({ reasons }) => reasons & HOLD_REASON);
  if (onHold?.entry) return revoked(onHold.entry, { thisUpdate: onHold.asOf });
  let missing = ALL_REASONS;
  for (const { state, fresh, weak, reasons, asOf } of newestFirst) {
    if (state === 'hold') continue;
    if (!fresh) faults.add(weak ? 'crl-weak-algorithm' : 'crl-stale');
    else missing &= ~reasons;
    if (missing === 0) return { status: 'good', asOf };
  }
  if (newestFirst.some(({ fresh }) => fresh)) faults.add('crl-reasons-missing');
  return { status: 'unknown', faults: [...faults] };
}

function findEntry(crl: Crl, certificate: Certificate): RevokedEntry | undefined | 'damaged' {
  try {
    return crl.find(certificate.serialHex, certificate.issuer);
  } catch (error) {
    if (error instanceof DerError) return 'damaged';
    throw error;
  }
}

/** §6.3.3 b and d: the reasons for which the list speaks about this certificate; 0 when it does not. */
function reasonsInScope(crl: Crl, certificate: Certificate): number {
  const scope = crl.issuingDistributionPoint;
  const isCa = certificate.basicConstraints?.ca ?? false;
  if (scope?.onlyAttributeCertificates || (scope?.onlyUserCertificates && isCa) || (scope?.onlyCaCertificates && !isCa)) return 0;
  const listNames = scope ? pointKeys(scope, crl.issuer) : [];
  let reasons = 0;
  for (const point of pointsOf(certificate)) {
    if (!isIssuerOfPoint(crl, point, certificate)) continue;
    if (listNames.length > 0) {
      const names = point.names.length > 0 || point.relative !== undefined ? point : { names: point.crlIssuer };
      const wanted = pointKeys(names, crl.issuer);
      if (!wanted.some((name) => listNames.includes(name))) continue;
    }
    reasons |= (scope?.reasons ?? ALL_REASONS) & (point.reasons ?? ALL_REASONS);
  }
  return reasons;
}

/** Those of the certificate, and at the end of §6.3.3 its issuer's own place for everything. */
function pointsOf({ distributionPoints, issuer }: Certificate): DistributionPoint[] {
  return [...distributionPoints, { names: [{ kind: 'directory', value: issuer }], crlIssuer: [] }];
}

function isIssuerOfPoint(crl: Crl, { crlIssuer }: DistributionPoint, certificate: Certificate): boolean {
  if (crlIssuer.length === 0) return namesEqual(crl.issuer, certificate.issuer);
  const named = crlIssuer.some((name) => name.kind === 'directory' && namesEqual(name.value, crl.issuer));
  return named && (crl.issuingDistributionPoint?.indirect ?? false);
}

function isAuthentic(crl: Crl, question: RevocationQuestion, faults: Set<RevocationFault>): boolean {
  const { issuer, isSigned = isCrlSignedBy, findSigners, strictLists } = question;
  const number = crl.extensions.get(OID.crlNumber);
  if (crl.unknownCritical) faults.add('crl-not-understood');
  else if (strictLists && (!number || number.critical)) faults.add('crl-rules-broken');
  else if (maySign(crl, issuer) && isSigned(crl, issuer)) return true;
  else if (findSigners?.(crl).some((signer) => maySign(crl, signer) && isSigned(crl, signer))) return true;
  else faults.add('crl-signer-unknown');
  return false;
}

/** §6.3.3 f: by name, key identifier and key usage. */
export function maySign(crl: Crl, signer: Certificate): boolean {
  if (signer.keyUsage && !signer.keyUsage.has('crl-sign')) return false;
  if (crl.aki && signer.ski && Buffer.compare(crl.aki, signer.ski) !== 0) return false;
  return namesEqual(crl.issuer, signer.subject);
}

/** §5.2.4: the same scope, from a number that the complete list has reached, and no older than it. */
function isDeltaOf(delta: Crl, complete: Crl): boolean {
  if (!delta.isDelta || delta.baseNumber === undefined || complete.number === undefined) return false;
  const [a, b] = [delta, complete].map((crl) => crl.extensions.get(OID.issuingDistributionPoint)?.value ?? new Uint8Array());
  return (
    namesEqual(delta.issuer, complete.issuer) &&
    Buffer.compare(a as Uint8Array, b as Uint8Array) === 0 &&
    delta.baseNumber <= complete.number &&
    (delta.number === undefined || delta.number >= complete.number)
  );
}

function isFresh(crl: Crl, { certificate, at, freshness }: RevocationQuestion): boolean {
  if (crl.thisUpdate > at) {
    // A later list still tells about `at`, unless the certificate had expired by then and may have been dropped from it.
    return certificate.notAfter >= (crl.expiredKeptSince ?? crl.thisUpdate);
  }
  const age = at.getTime() - crl.thisUpdate.getTime();
  return crl.nextUpdate !== undefined && at < crl.nextUpdate && age <= (freshness?.maximumAgeMs ?? Number.POSITIVE_INFINITY);
}
