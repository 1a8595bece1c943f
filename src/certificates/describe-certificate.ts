import type { Certificate } from '#pki/certificate.ts';
import { parseCertificate } from '#pki/certificate.ts';
import { Problem } from '#problem.ts';
import { listAuthorities } from './authorities.ts';
import type { CertificateDeps } from './certificate-deps.ts';
import { type CertificateRequestView, requestViewOf } from './enrolment.ts';
import { type CertificateStatus, certificateStatus } from './find-certificates.ts';
import { latestHead } from './log-publish.ts';

export interface CertificateFacts {
  serialHex: string;
  profile: string;
  suite: string;
  certificate: Certificate;
  /** The certificate first, the root last; as far as our own authorities reach. */
  chain: Certificate[];
  /** A root or an authority that issues: its revocation is a ceremony of its own. */
  isAuthority: boolean;
  /** Its key is kept: two operators can recover it. */
  isArchived: boolean;
  status: CertificateStatus;
  issuedAt: Date;
  /** Actors. */
  issuedBy: string;
  revokedBy: string | null;
  invalidityDate: Date | null;
  /** What it was enrolled by; none for authorities, seals and services. */
  request?: CertificateRequestView;
  /** Its place in the issuance log and the head that covers it; undefined while it waits for its place. */
  log?: { index: number; treeSize: number; at: number };
}

/** Everything that is known of one certificate, for operators. Throws Problem `certificate-not-found`. */
export async function describeCertificate(deps: Pick<CertificateDeps, 'db' | 'clock'>, serialHex: string): Promise<CertificateFacts> {
  const { db } = deps;
  const row = await db.issuedCertificate.findUnique({ where: { serialHex }, omit: { tbs: true } });
  if (!row?.der) throw new Problem('certificate-not-found');
  const [status, authorities, request, entry, head, archived] = await Promise.all([
    certificateStatus(deps, serialHex),
    listAuthorities(deps),
    db.certificateRequest.findUnique({ where: { serialHex } }),
    db.logEntry.findUnique({ where: { serialHex } }),
    latestHead(deps),
    db.archivedKey.count({ where: { serialHex } }),
  ]);
  const certificate = parseCertificate(row.der);
  const chain = [certificate];
  for (let key = row.issuerKey; chain.length <= authorities.length; ) {
    const issuer = authorities.find(({ keyName }) => keyName === key);
    if (!issuer || issuer.certificate.serialHex === chain.at(-1)?.serialHex) break;
    chain.push(issuer.certificate);
    key = issuer.issuerKey;
  }
  const { profile, suite, issuedAt, issuedBy, revokedBy, invalidityDate } = row;
  const covered = entry && head && Number(entry.index) < head.document.tree_size;
  return {
    ...{ serialHex, profile, suite, certificate, chain, status, issuedAt, issuedBy, revokedBy, invalidityDate },
    isAuthority: row.authorityKey !== null,
    isArchived: archived > 0,
    ...(request ? { request: requestViewOf(request, deps.clock.now()) } : {}),
    ...(covered ? { log: { index: Number(entry.index), treeSize: head.document.tree_size, at: head.document.timestamp } } : {}),
  };
}
