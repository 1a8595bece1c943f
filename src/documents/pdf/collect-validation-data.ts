/**
 * Finds certificates and revocation data of a chain (EN 319 142-1 §5.4.2): from what is known already, and by asking the
 * addresses in the certificates, but only once the chain has reached an anchor, so that no stranger's certificate sends us
 * anywhere. What is fetched counts only when it tells something about the certificate it was fetched for.
 */
import { DerError } from '#crypto/der.ts';
import { OID } from '#crypto/oids.ts';
import { readCertificates } from '#documents/judge-time-stamp.ts';
import type { Certificate } from '#pki/certificate.ts';
import { type Crl, isCrlSignedBy } from '#pki/crl.ts';
import { judgeRevocation } from '#pki/judge-revocation.ts';
import { nameToString } from '#pki/name.ts';
import { encodeCertId, issuerHashes } from '#pki/ocsp-cert-id.ts';
import { judgeOcsp } from '#pki/ocsp-judge.ts';
import { encodeOcspRequest } from '#pki/ocsp-request.ts';
import { parseOcspResponse } from '#pki/ocsp-response.ts';
import { validatePath } from '#pki/validate-path.ts';
import { Problem } from '#problem.ts';
import { readCrls } from './document-security-store.ts';
import { type CollectValidationData, NO_VALIDATION_DATA, type ValidationData } from './validation-data.ts';

export interface ValidationSources {
  anchors: readonly Certificate[];
  intermediates?: readonly Certificate[];
  /** Lists and answers at hand; used before anybody is asked. */
  crls?: readonly Crl[];
  ocspResponses?: readonly Uint8Array[];
  now: () => Date;
  /** GET of a list, DER or PEM; undefined when it cannot be had. */
  fetchCrl?: (url: string) => Promise<Uint8Array | undefined>;
  /** POST of an OCSP request. */
  askOcsp?: (url: string, request: Uint8Array) => Promise<Uint8Array | undefined>;
}

/** A list above this weighs more in a file than the OCSP answer for one certificate. */
const LARGE_CRL_BYTES = 8 * 1024;

/** Questions remembered; a collector may live long. */
const MAX_ASKED = 1_000;

interface Found {
  crl?: Uint8Array;
  ocsp?: Uint8Array;
}

/** Throws Problem `validation-data-missing` for a chain without anchor or without revocation data. */
export function validationDataFrom(sources: ValidationSources): CollectValidationData {
  // Chains of one file share their authorities: each question is asked once.
  const asked = new Map<string, Promise<Found | undefined>>();
  return async ({ certificates, at }, known = NO_VALIDATION_DATA) => {
    const [leaf, ...further] = readCertificates(certificates);
    if (!leaf) throw missing('', '');
    const intermediates = [...further, ...(sources.intermediates ?? [])];
    const { path, anchored } = validatePath({ leaf, intermediates, anchors: sources.anchors, at });
    if (!anchored) {
      const name = nameToString(leaf.subject);
      throw missing(`The chain of ${name} reaches no trusted authority.`, `${name} 的证书链不能追溯到受信任的机构。`);
    }
    const found = await Promise.all(
      path.slice(0, -1).map((certificate, index) => {
        if (certificate.extensions.has(OID.ocspNoCheck)) return undefined;
        const issuer = path[index + 1] as Certificate;
        const there = findKnown(known, certificate, issuer, at);
        if (there) return there;
        const name = `${certificate.fingerprint} ${at.toISOString()}`;
        const question = asked.get(name) ?? find(sources, certificate, issuer, at);
        if (asked.size >= MAX_ASKED) asked.clear();
        asked.set(name, question);
        return question;
      }),
    );
    return toData(path, found);
  };
}

function toData(path: readonly Certificate[], found: readonly (Found | undefined)[]): ValidationData {
  return {
    // The anchor proves nothing by lying in the file: whoever verifies brings his own.
    certificates: (path.length > 1 ? path.slice(0, -1) : path).map(({ der }) => der),
    crls: found.flatMap((one) => one?.crl ?? []),
    ocspResponses: found.flatMap((one) => one?.ocsp ?? []),
  };
}

function findKnown(known: ValidationData, certificate: Certificate, issuer: Certificate, at: Date): Found | undefined {
  const list = readCrls(known.crls).find((crl) => judgeRevocation({ certificate, issuer, crls: [crl], at, isSigned }).status !== 'unknown');
  if (list) return { crl: list.der };
  const answer = known.ocspResponses.find((der) => isAnswer(der, certificate, issuer, at));
  return answer && { ocsp: answer };
}

async function find(sources: ValidationSources, certificate: Certificate, issuer: Certificate, at: Date): Promise<Found> {
  const tells = (crl: Crl) => judgeRevocation({ certificate, issuer, crls: [crl], at, isSigned }).status !== 'unknown';
  const [list] = [...(sources.crls ?? [])].sort((a, b) => b.thisUpdate.getTime() - a.thisUpdate.getTime()).filter(tells);
  if (list && list.der.length <= LARGE_CRL_BYTES) return { crl: list.der };
  const answer = await findAnswer(sources, certificate, issuer, at);
  if (answer) return { ocsp: answer };
  if (list) return { crl: list.der };
  for (const url of certificate.crlAddresses) {
    const fetched = await sources.fetchCrl?.(url);
    const [crl] = fetched ? readCrls([fetched]) : [];
    if (crl && tells(crl)) return { crl: crl.der };
  }
  const name = nameToString(certificate.subject);
  throw missing(`Whether ${name} was revoked could not be learnt.`, `无法得知 ${name} 的证书是否被吊销。`);
}

async function findAnswer(
  sources: ValidationSources,
  certificate: Certificate,
  issuer: Certificate,
  at: Date,
): Promise<Uint8Array | undefined> {
  const tells = (der: Uint8Array | undefined) => der !== undefined && isAnswer(der, certificate, issuer, at, sources.now());
  const known = (sources.ocspResponses ?? []).find(tells);
  if (known || !sources.askOcsp) return known;
  const request = encodeOcspRequest([encodeCertId(issuerHashes(issuer, 'sha1'), 'sha1', certificate.serialBytes)]);
  for (const { method, url } of certificate.aia) {
    if (method !== 'ocsp') continue;
    const answer = await sources.askOcsp(url, request);
    if (tells(answer)) return answer;
  }
  return undefined;
}

function isAnswer(der: Uint8Array, certificate: Certificate, issuer: Certificate, at: Date, askedAt?: Date): boolean {
  try {
    const response = parseOcspResponse(der);
    if (response.status !== 'successful') return false;
    return (
      judgeOcsp({ certificate, issuer, responses: [response.basic], at, ...(askedAt ? { askedAt } : {}) }).revocation.status !== 'unknown'
    );
  } catch (error) {
    if (error instanceof DerError) return false;
    throw error;
  }
}

const checked = new WeakMap<Crl, Map<string, boolean>>();

/** A list serves many files: its signature is checked once for each issuer. */
function isSigned(crl: Crl, issuer: Certificate): boolean {
  const results = checked.get(crl) ?? new Map<string, boolean>();
  checked.set(crl, results);
  const known = results.get(issuer.fingerprint) ?? isCrlSignedBy(crl, issuer);
  results.set(issuer.fingerprint, known);
  return known;
}

function missing(detail: string, detailZh: string): Problem {
  return new Problem('validation-data-missing', detail ? { detail, detailZh } : {});
}
