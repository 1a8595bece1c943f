/**
 * The lint: judges a TBSCertificate before a CA key signs it. What it does not know it refuses, so that a bug elsewhere
 * cannot make a certificate that means more than it should.
 */
import { type DerElement, DerError, parseDer, TAG } from '#crypto/der.ts';
import { bitString, sequence } from '#crypto/encode-der.ts';
import { digest, importPublicKey, type Suite } from '#crypto/suite.ts';
import { encodeSignatureAlgorithm, keyIdentifier } from './build-certificate.ts';
import { Certificate } from './certificate.ts';
import { brokenRules } from './certificate-rules.ts';
import { lintExtensions } from './lint-extensions.ts';
import { lintIssuer } from './lint-issuer.ts';
import { lintEncodings, lintNames } from './lint-names.ts';
import { type CertificateProfile, PROFILES, profileOf } from './profiles.ts';
import { isPublishedKey } from './published-keys.ts';

const DAY_MS = 86_400_000;
const MIN_SERIAL_OCTETS = 8;
const MAX_SERIAL_OCTETS = 20;
export interface LintResult {
  /** What is wrong, each a short sentence; empty means it may be signed. */
  faults: string[];
  /** Set when the bytes could be read. */
  certificate?: Certificate;
  profile?: CertificateProfile;
}

/**
 * Judges the bytes a CA key is asked to sign in `suite`. Never throws.
 * @param issuer the certificate of that CA, where the caller has it: then its own limits are held too.
 */
export function lintTbs(tbs: Uint8Array, suite: Suite, issuer?: Certificate): LintResult {
  const own = lintOnce(tbs, suite);
  return { ...own, faults: [...own.faults, ...(issuer && own.profile && own.certificate ? lintIssuer(own.certificate, issuer) : [])] };
}

/** In one process whoever asks for a signature and the signer both judge the same bytes, one right after the other. */
const recent = new Map<string, LintResult>();
const MAX_RECENT = 64;

function lintOnce(tbs: Uint8Array, suite: Suite): LintResult {
  const mark = `${suite} ${Buffer.from(digest('sha256', tbs)).toString('latin1')}`;
  const known = recent.get(mark);
  if (known) return known;
  // A copy of its own: what was judged stays as it was judged, whatever the caller does with the bytes.
  const result = judge(Uint8Array.from(tbs), suite);
  if (recent.size >= MAX_RECENT) recent.delete(recent.keys().next().value ?? '');
  recent.set(mark, result);
  return result;
}

function judge(tbs: Uint8Array, suite: Suite): LintResult {
  let certificate: Certificate;
  let fields: readonly DerElement[];
  try {
    fields = parseDer(tbs).expect(TAG.sequence).children;
    const algorithm = fields[2]?.bytes ?? new Uint8Array();
    if (Buffer.compare(algorithm, encodeSignatureAlgorithm(suite)) !== 0) return { faults: ['signature algorithm is not that of the key'] };
    certificate = new Certificate(sequence(tbs, algorithm, bitString(Uint8Array.of(0))));
  } catch (error) {
    if (error instanceof DerError) return { faults: [`not a certificate: ${error.message}`] };
    throw error;
  }
  const name = profileOf(certificate);
  if (!name) return { faults: ['no profile of ours'], certificate };
  const profile = PROFILES[name];
  const keySuite = suiteOfKey(certificate.spki);
  const faults = [
    ...lintFrame(certificate),
    ...lintEncodings(fields, certificate),
    ...lintNames(certificate, profile),
    ...lintKey(certificate, profile, keySuite),
    ...lintExtensions(certificate, profile, keySuite),
    ...lintLife(certificate, profile),
    ...brokenRules(certificate, 'rfc5280', { isLeaf: !profile.ca, isAnchor: profile.issuer === 'self' }).map((rule) => `RFC 5280 §${rule}`),
  ];
  return { faults, certificate, profile };
}

function lintFrame(certificate: Certificate): string[] {
  const faults: string[] = [];
  if (certificate.version !== 3) faults.push('not version 3');
  const octets = certificate.serialBytes;
  if ((octets[0] ?? 0x80) >= 0x80) faults.push('serial number not positive');
  if (octets.length < MIN_SERIAL_OCTETS || octets.length > MAX_SERIAL_OCTETS) faults.push('serial number not of 8 to 20 octets');
  if (certificate.faultyExtensions.length > 0) faults.push('an extension cannot be read');
  return faults;
}

function suiteOfKey(spki: Uint8Array): Suite | undefined {
  try {
    return importPublicKey(spki).suite;
  } catch {
    return undefined;
  }
}

function lintKey(certificate: Certificate, profile: CertificateProfile, suite: Suite | undefined): string[] {
  if (!suite) return ['public key of a kind no profile takes'];
  if (!profile.suites.includes(suite)) return [`a key of ${suite} is not for this profile`];
  if (isPublishedKey(certificate.spki)) return ['a key whose private part was published'];
  const own = certificate.ski;
  if (!own || Buffer.compare(own, keyIdentifier(certificate.spki)) !== 0) return ['subject key identifier is not that of the key'];
  return [];
}

function lintLife(certificate: Certificate, profile: CertificateProfile): string[] {
  const days = (certificate.notAfter.getTime() - certificate.notBefore.getTime()) / DAY_MS;
  if (days <= 0) return ['ends before it begins'];
  return days > profile.maxDays ? [`lives longer than ${profile.maxDays} days`] : [];
}
