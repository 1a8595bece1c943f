/** Signs OCSP answers by our own records. Which of them are kept is for `answer-ocsp.ts` and `refresh-ocsp.ts` to say. */
import type { DigestName } from '#crypto/suite.ts';
import type { RevocationReason } from '#pki/crl.ts';
import { encodeCertId, issuerHashes } from '#pki/ocsp-cert-id.ts';
import { assembleOcspResponse, encodeResponseData, type OcspStatus } from '#pki/ocsp-encode-response.ts';
import type { Authority } from './authorities.ts';
import { type CertificateDeps, wholeSeconds } from './certificate-deps.ts';
import { findServiceSigner } from './service-signer.ts';

/** How long an answer holds, and so how long status is to be had while the signer is down. */
export const ANSWER_LIFE_MS = 72 * 3_600_000;
/** Answers older than this are made anew by the worker. */
export const REFRESH_AFTER_MS = 24 * 3_600_000;

/** What the row of a certificate says. */
export interface StatusRow {
  revokedAt: Date | null;
  revocationReason: string | null;
}

/** @param row undefined for a certificate we did not issue. */
export function statusOf(row: StatusRow | undefined): OcspStatus {
  if (!row) return { status: 'unknown' };
  if (!row.revokedAt) return { status: 'good' };
  return { status: 'revoked', revokedAt: row.revokedAt, reason: (row.revocationReason ?? 'unspecified') as RevocationReason };
}

export interface SignedOcsp {
  der: Uint8Array;
  thisUpdate: Date;
  nextUpdate: Date;
}

/** One signed response. Throws what the key store throws. */
export async function signOcsp(
  deps: CertificateDeps,
  authority: Authority,
  answers: readonly { certId: Uint8Array; status: OcspStatus }[],
  nonce?: Uint8Array,
): Promise<SignedOcsp> {
  const { suite } = authority;
  const signer = await findServiceSigner(deps, 'ocsp', suite, authority);
  const thisUpdate = wholeSeconds(deps.clock.now());
  const nextUpdate = new Date(thisUpdate.getTime() + ANSWER_LIFE_MS);
  const data = encodeResponseData({
    responderSpki: signer.spki,
    producedAt: thisUpdate,
    // Expired certificates are answered for as long as the authority itself exists: seals outlive the certificates that made them.
    answers: answers.map((answer) => ({ ...answer, thisUpdate, nextUpdate, archiveCutoff: signer.issuing.notBefore })),
    ...(nonce ? { nonce } : {}),
  });
  const signature = await deps.keys.sign(signer.keyName, 'ocsp-response', data);
  return { der: assembleOcspResponse(data, suite, signature, [signer.certificate.der]), thisUpdate, nextUpdate };
}

/** Digests of CertIDs whose answers are kept: what OpenSSL and NSS, newer readers, and SM2 readers ask with. */
export const KEPT_DIGESTS: readonly DigestName[] = ['sha1', 'sha256', 'sm3'];

/** Signs and keeps the answer for one certificate of ours. */
export async function makeOcspAnswer(
  deps: CertificateDeps,
  input: { authority: Authority; serialHex: string; digest: DigestName; row: StatusRow },
): Promise<SignedOcsp> {
  const { authority, serialHex, digest, row } = input;
  const certId = encodeCertId(issuerHashes(authority.certificate, digest), digest, Buffer.from(serialHex, 'hex'));
  const signed = await signOcsp(deps, authority, [{ certId, status: statusOf(row) }]);
  const data = {
    revokedAt: row.revokedAt,
    revocationReason: row.revocationReason,
    der: Uint8Array.from(signed.der),
    thisUpdate: signed.thisUpdate,
    nextUpdate: signed.nextUpdate,
  };
  await deps.db.ocspAnswer.upsert({
    where: { serialHex_digest: { serialHex, digest } },
    create: { serialHex, digest, ...data },
    update: data,
  });
  return signed;
}
