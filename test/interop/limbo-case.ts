/**
 * One case of C2SP's x509-limbo, judged by our path validation. The suite has several houses of rules under one roof, told apart
 * by the first part of a case's id: `webpki` is judged by the `tls` rules (CA/Browser Forum), `rfc5280` and `crl` by every MUST
 * of RFC 5280, all else by path validation alone, as most certificates in use break one producer's rule or another.
 */
import { DerError } from '#crypto/der.ts';
import type { SignatureAlgorithm } from '#crypto/verify-signature.ts';
import { type Certificate, parseCertificate } from '#pki/certificate.ts';
import type { CertificateRules } from '#pki/certificate-rules.ts';
import { type Crl, parseCrl } from '#pki/crl.ts';
import { KEY_USAGES } from '#pki/extensions.ts';
import type { PeerName } from '#pki/peer-name.ts';
import { parsePem } from '#pki/pem.ts';
import { type PathResult, validatePath } from '#pki/validate-path.ts';

export interface LimboCase {
  id: string;
  validation_kind: 'SERVER' | 'CLIENT';
  trusted_certs: readonly string[];
  untrusted_intermediates: readonly string[];
  peer_certificate: string;
  validation_time?: string | null;
  signature_algorithms?: readonly string[];
  key_usage?: readonly string[];
  extended_key_usage?: readonly string[];
  expected_result: 'SUCCESS' | 'FAILURE';
  expected_peer_name?: LimboName | null;
  expected_peer_names?: readonly LimboName[];
  max_chain_depth?: number | null;
  crls?: readonly string[];
}

interface LimboName {
  kind: 'RFC822' | 'DNS' | 'IP';
  value: string;
}

export interface LimboResult {
  id: string;
  actual_result: 'SUCCESS' | 'FAILURE' | 'SKIPPED';
  context: string;
}

const RULES: Record<string, CertificateRules> = { webpki: 'tls', rfc5280: 'rfc5280', crl: 'rfc5280' };
const KINDS = { RFC822: 'email', DNS: 'dns', IP: 'ip' } as const;
const LIMBO_USAGES = [
  'digitalSignature',
  'contentCommitment',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
];
const PURPOSES: Record<string, string> = {
  anyExtendedKeyUsage: '2.5.29.37.0',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  OCSPSigning: '1.3.6.1.5.5.7.3.9',
};

/** Never throws: a case we fail to judge is skipped and says why. */
export function judgeLimboCase(item: LimboCase): LimboResult {
  try {
    const result = judge(item);
    if (typeof result === 'string') return { id: item.id, actual_result: 'FAILURE', context: result };
    return { id: item.id, actual_result: result.valid ? 'SUCCESS' : 'FAILURE', context: describe(result) };
  } catch (error) {
    return { id: item.id, actual_result: 'SKIPPED', context: `not judged: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function describe({ valid, path, findings }: PathResult): string {
  if (valid) return `path of ${path.length} certificates`;
  return findings.map(({ reason, index, detail }) => `${index}: ${reason}${detail ? ` (${detail})` : ''}`).join('; ');
}

/** A sentence instead of a result when the certificate itself cannot be read. */
function judge(item: LimboCase): PathResult | string {
  const leaf = readAll<Certificate>([item.peer_certificate], parseCertificate)[0];
  if (!leaf) return 'the certificate cannot be read';
  const rules = RULES[item.id.split('::')[0] ?? ''] ?? 'path';
  const crls = readAll<Crl>(item.crls ?? [], parseCrl);
  const wanted = [...(item.expected_peer_name ? [item.expected_peer_name] : []), ...(item.expected_peer_names ?? [])];
  const result = validatePath({
    leaf,
    intermediates: readAll<Certificate>(item.untrusted_intermediates, parseCertificate),
    anchors: readAll<Certificate>(item.trusted_certs, parseCertificate),
    at: item.validation_time ? new Date(item.validation_time) : new Date(),
    crls,
    requireRevocation: (item.crls ?? []).length > 0,
    rules,
    purpose: rules === 'tls' && item.validation_kind === 'SERVER' ? 'server' : 'any',
    names: wanted.map(({ kind, value }): PeerName => ({ kind: KINDS[kind], value })),
    keyUsages: (item.key_usage ?? []).flatMap((usage) => KEY_USAGES[LIMBO_USAGES.indexOf(usage)] ?? []),
    extendedUsages: (item.extended_key_usage ?? []).map((usage) => PURPOSES[usage] ?? usage),
    ...(typeof item.max_chain_depth === 'number' ? { maxIntermediates: item.max_chain_depth } : {}),
  });
  const other = result.path.slice(0, -1).find((certificate) => !isAllowed(certificate.signatureAlgorithm, item.signature_algorithms ?? []));
  return result.valid && other ? 'a signature algorithm that is not among those allowed' : result;
}

function isAllowed(algorithm: SignatureAlgorithm | undefined, allowed: readonly string[]): boolean {
  if (allowed.length === 0) return true;
  if (!algorithm) return false;
  const digest = (algorithm.digest ?? '').toUpperCase();
  const names = { rsa: `RSA_WITH_${digest}`, ecdsa: `ECDSA_WITH_${digest}`, 'rsa-pss': 'RSASSA_PSS', ed25519: 'ED25519', sm2: 'SM2' };
  return allowed.includes(names[algorithm.scheme]);
}

/** What cannot be read takes no part. */
function readAll<T>(texts: readonly string[], parse: (der: Uint8Array) => T): T[] {
  return texts.flatMap((text) =>
    parsePem(text).flatMap((der) => {
      try {
        return [parse(der)];
      } catch (error) {
        if (error instanceof DerError) return [];
        throw error;
      }
    }),
  );
}
