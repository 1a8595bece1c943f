/** Signs OCSP answers ahead, so that status is to be had fast and while the signer is down. */
import type { DigestName } from '#crypto/suite.ts';
import { isRoot, listAuthorities } from './authorities.ts';
import type { CertificateDeps } from './certificate-deps.ts';
import { prepareServiceSigners } from './service-signer.ts';
import { makeOcspAnswer, REFRESH_AFTER_MS, type StatusRow } from './sign-ocsp.ts';

/** Answers made in one go; the caller asks again at once while there are more. */
const BATCH = 200;

interface DueRow extends StatusRow {
  serialHex: string;
  issuerKey: string;
  digest: DigestName;
}

/**
 * Makes what is missing, old or overtaken by a revocation, for certificates that have not expired: SHA-1 CertIDs for all,
 * SM3 for those in SM2, SHA-256 where somebody asked before. Renews the service certificates. Returns the answers made.
 */
export async function refreshOcspAnswers(deps: CertificateDeps): Promise<number> {
  await prepareServiceSigners(deps);
  const now = deps.clock.now();
  const old = new Date(now.getTime() - REFRESH_AFTER_MS);
  const authorities = new Map((await listAuthorities(deps)).filter((one) => !isRoot(one)).map((one) => [one.keyName, one]));
  const issuers = [...authorities.keys()];
  const due = await deps.db.$queryRaw<DueRow[]>`
    SELECT c.serial_hex AS "serialHex", c.issuer_key AS "issuerKey", d.digest, c.revoked_at AS "revokedAt", c.revocation_reason AS "revocationReason"
    FROM issued_certificate c
    CROSS JOIN (VALUES ('sha1'), ('sm3'), ('sha256')) AS d (digest)
    LEFT JOIN ocsp_answer a ON a.serial_hex = c.serial_hex AND a.digest = d.digest
    WHERE c.issuer_key = ANY (${issuers}) AND c.der IS NOT NULL AND c.not_after > ${now}
      AND (d.digest = 'sha1' OR (d.digest = 'sm3' AND c.suite = 'sm2-sm3') OR a.serial_hex IS NOT NULL)
      AND (a.serial_hex IS NULL OR a.this_update < ${old} OR a.this_update > ${now}
        OR a.revoked_at IS DISTINCT FROM c.revoked_at OR a.revocation_reason IS DISTINCT FROM c.revocation_reason)
    LIMIT ${BATCH}`;
  for (const { serialHex, issuerKey, digest, ...row } of due) {
    const authority = authorities.get(issuerKey);
    if (authority) await makeOcspAnswer(deps, { authority, serialHex, digest, row });
  }
  return due.length;
}
