/** What OCSP responses say about one certificate (RFC 6960 §3.2): authentic, by a responder of its issuer, fresh, and about it. */

import { DerError, parseDer } from '#crypto/der.ts';
import { OID } from '#crypto/oids.ts';
import { digest } from '#crypto/suite.ts';
import { verifySignature } from '#crypto/verify-signature.ts';
import { type Certificate, isIssuedBy } from './certificate.ts';
import type { Freshness, Revocation } from './judge-revocation.ts';
import { namesEqual } from './name.ts';
import { isOfIssuer } from './ocsp-cert-id.ts';
import type { BasicOcspResponse, OcspSingle } from './ocsp-response.ts';

/** Clocks of two machines may differ by this much. */
const SKEW_MS = 5 * 60_000;
/** An answer without nextUpdate is taken for this long. */
const LIFE_WITHOUT_NEXT_UPDATE_MS = 86_400_000;
/** Extensions of a responder certificate that we process. */
const PROCESSED: readonly string[] = [OID.basicConstraints, OID.keyUsage, OID.extendedKeyUsage, OID.certificatePolicies];

export type OcspFault =
  | 'other-certificate'
  | 'responder-not-found'
  | 'responder-not-authorised'
  | 'responder-not-valid'
  | 'bad-signature'
  | 'unsupported-algorithm'
  | 'weak-algorithm'
  | 'unknown-critical-extension'
  | 'not-yet-valid'
  | 'stale'
  | 'nonce-differs'
  | 'work-limit';

export interface OcspQuestion {
  certificate: Certificate;
  /** Whose key signed `certificate`. */
  issuer: Certificate;
  responses: readonly BasicOcspResponse[];
  at: Date;
  /**
   * When the question is about the past: answers made up to this time tell about it too, as later lists do, unless the
   * certificate had expired by then (EN 319 102-1 §5.6.2.1: archived answers are younger than the signature).
   */
  askedAt?: Date;
  /** When a nonce was sent: only a response that repeats it counts. */
  nonce?: Uint8Array;
  freshness?: Freshness;
  /** SHA-1 under an answer counts like any other. Otherwise such an answer can revoke, but not say good. */
  acceptWeak?: boolean;
  /** Asked before each responder that is tried; false when no work is left. Without it, there is no end but that of the responses. */
  spend?: () => boolean;
}

export interface OcspJudgement {
  revocation: Revocation;
  /** Why responses were of no use. */
  faults: readonly OcspFault[];
}

/** Never throws for anything in the responses. A final revocation by `at` outweighs; of answers good and on hold the newest counts. */
export function judgeOcsp(question: OcspQuestion): OcspJudgement {
  const { certificate, issuer, responses, at, freshness, acceptWeak = false } = question;
  const faults = new Set<OcspFault>();
  let revocation: Revocation = { status: 'unknown' };
  for (const response of responses) {
    const single = findAnswer(response, certificate, issuer);
    const toldAt = single && tellsBack(single, question) ? single.thisUpdate : at;
    const fault = single ? faultOfResponse(response, question, toldAt) : 'other-certificate';
    if (fault || !single) {
      faults.add(fault ?? 'other-certificate');
      continue;
    }
    const { status } = single;
    // A revocation does not go stale: it stays known. Only one that lies after the time asked about says nothing against it.
    if (status.status === 'revoked' && status.revokedAt <= at) {
      const told: Revocation = { ...status, asOf: single.thisUpdate };
      if (status.reason !== 'certificate-hold') return { revocation: told, faults: [...faults] };
      // A hold may have been lifted since: it gives way to a newer good answer.
      if (revocation.status === 'unknown' || single.thisUpdate >= revocation.asOf) revocation = told;
      continue;
    }
    const late = faultOfTime(single, toldAt, freshness);
    if (late) faults.add(late);
    else if (!acceptWeak && response.signatureAlgorithm?.digest === 'sha1') faults.add('weak-algorithm');
    else if (saysGood(single, at, toldAt) && (revocation.status === 'unknown' || single.thisUpdate > revocation.asOf)) {
      revocation = { status: 'good', asOf: single.thisUpdate };
    }
  }
  return { revocation, faults: [...faults] };
}

/** Made after the time asked about, before the asking, while the certificate was alive or still answered for. */
function tellsBack({ thisUpdate, archiveCutoff }: OcspSingle, { certificate, at, askedAt }: OcspQuestion): boolean {
  return askedAt !== undefined && thisUpdate > at && thisUpdate <= askedAt && certificate.notAfter >= (archiveCutoff ?? thisUpdate);
}

/** A later answer that knows of a later revocation says good about the time asked about. */
function saysGood({ status }: OcspSingle, at: Date, toldAt: Date): boolean {
  return status.status === 'good' || (toldAt > at && status.status === 'revoked' && status.revokedAt > at);
}

function findAnswer(response: BasicOcspResponse, certificate: Certificate, issuer: Certificate): OcspSingle | undefined {
  if (!keyBits(issuer)) return undefined;
  return response.answers.find(({ certId }) => certId.serialHex === certificate.serialHex && isOfIssuer(certId, issuer));
}

function faultOfResponse(response: BasicOcspResponse, { issuer, nonce, spend }: OcspQuestion, at: Date): OcspFault | undefined {
  if (response.unknownCritical) return 'unknown-critical-extension';
  if (nonce && (!response.nonce || Buffer.compare(nonce, response.nonce) !== 0)) return 'nonce-differs';
  const named = [issuer, ...response.certificates].filter((candidate) => isNamed(response, candidate));
  if (named.length === 0) return 'responder-not-found';
  let fault: OcspFault | undefined;
  for (const responder of named) {
    if (spend && !spend()) return 'work-limit';
    fault = faultOfResponder(responder, issuer, at) ?? faultOfSignature(response, responder);
    if (!fault) return undefined;
  }
  return fault;
}

function isNamed({ responderName, responderKeyHash }: BasicOcspResponse, candidate: Certificate): boolean {
  if (responderName) return namesEqual(responderName, candidate.subject);
  const bits = keyBits(candidate);
  return responderKeyHash !== undefined && bits !== undefined && Buffer.compare(responderKeyHash, digest('sha1', bits)) === 0;
}

/** Undefined for a key in a form that is none. */
function keyBits({ spki }: Certificate): Uint8Array | undefined {
  try {
    return parseDer(spki).at(1).asBits();
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

/**
 * §4.2.2.2: the issuer itself, or a certificate which that very key issued for OCSP signing. A delegate without
 * id-pkix-ocsp-nocheck is taken as well: §4.2.2.2.1 leaves it to the reader, and its life bounds it.
 */
function faultOfResponder(responder: Certificate, issuer: Certificate, at: Date): OcspFault | undefined {
  if (Buffer.compare(responder.spki, issuer.spki) === 0 && namesEqual(responder.subject, issuer.subject)) return undefined;
  if (!isIssuedBy(responder, issuer)) return 'responder-not-authorised';
  if (!responder.extKeyUsage?.includes(OID.ocspSigning)) return 'responder-not-authorised';
  if (responder.keyUsage && !responder.keyUsage.has('digital-signature')) return 'responder-not-authorised';
  if (responder.faultyExtensions.some((oid) => PROCESSED.includes(oid))) return 'responder-not-valid';
  const unknown = [...responder.extensions.values()].some(({ oid, critical }) => critical && !PROCESSED.includes(oid));
  if (unknown) return 'responder-not-valid';
  return at < responder.notBefore || at > responder.notAfter ? 'responder-not-valid' : undefined;
}

function faultOfSignature(response: BasicOcspResponse, responder: Certificate): OcspFault | undefined {
  if (!response.signatureAlgorithm) return 'unsupported-algorithm';
  try {
    const good = verifySignature(responder.publicKey(), response.signatureAlgorithm, response.bytes, response.signature);
    return good ? undefined : 'bad-signature';
  } catch {
    return 'unsupported-algorithm';
  }
}

function faultOfTime({ thisUpdate, nextUpdate }: OcspSingle, at: Date, freshness: Freshness = {}): OcspFault | undefined {
  if (thisUpdate.getTime() > at.getTime() + SKEW_MS) return 'not-yet-valid';
  const until = nextUpdate?.getTime() ?? thisUpdate.getTime() + LIFE_WITHOUT_NEXT_UPDATE_MS;
  const tooOld = at.getTime() - thisUpdate.getTime() > (freshness.maximumAgeMs ?? Number.POSITIVE_INFINITY);
  return tooOld || at.getTime() > until + SKEW_MS ? 'stale' : undefined;
}
