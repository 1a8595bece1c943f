/** The answer of path validation as programs get it: CONTRACT's three keys, and what explains them. */
import type { Revocation } from './judge-revocation.ts';
import { nameToString } from './name.ts';
import { describeFinding, type PathFinding } from './path-reasons.ts';
import type { PathResult } from './validate-path.ts';

export interface PathReport {
  verdict: 'valid' | 'invalid';
  /** Leaf first, anchor last; when invalid, the attempt that came nearest. */
  path: readonly PathMember[];
  /** Codes, each once. Beside `valid` only `revocation-unknown` may stand. */
  reasons: readonly string[];
  findings: readonly (PathFinding & { zh: string; en: string })[];
  /** Policies the path is good for. */
  policies: readonly string[];
}

export interface PathMember {
  subject: string;
  issuer: string;
  serial: string;
  notBefore: string;
  notAfter: string;
  sha256: string;
  /** Absent for the last, which nobody can revoke here. */
  revocation?: { status: Revocation['status']; asOf?: string; revokedAt?: string; reason?: string };
}

export function reportOfPath(result: PathResult): PathReport {
  return {
    verdict: result.valid ? 'valid' : 'invalid',
    path: result.path.map((certificate, index) => {
      const revocation = result.revocations[index];
      return {
        subject: nameToString(certificate.subject),
        issuer: nameToString(certificate.issuer),
        serial: certificate.serialHex,
        notBefore: certificate.notBefore.toISOString(),
        notAfter: certificate.notAfter.toISOString(),
        sha256: certificate.fingerprint,
        ...(revocation ? { revocation: reportOfRevocation(revocation) } : {}),
      };
    }),
    reasons: result.reasons,
    findings: result.findings.map((finding) => ({ ...finding, ...describeFinding(finding) })),
    policies: result.policies,
  };
}

function reportOfRevocation(revocation: Revocation): NonNullable<PathMember['revocation']> {
  switch (revocation.status) {
    case 'unknown':
      return { status: 'unknown' };
    case 'good':
      return { status: 'good', asOf: revocation.asOf.toISOString() };
    case 'revoked':
      return {
        status: 'revoked',
        asOf: revocation.asOf.toISOString(),
        revokedAt: revocation.revokedAt.toISOString(),
        reason: revocation.reason,
      };
  }
}
