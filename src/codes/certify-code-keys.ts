/**
 * Certificates for the keys that sign codes, so that a verifier may trust our authority instead of a list it was handed.
 * Made after the key, which can sign before it has one: showing a code waits for no authority.
 */
import { trustedCertificates } from '#certificates/find-certificates.ts';
import { issueCertificate } from '#certificates/issue-certificate.ts';
import { OID } from '#crypto/oids.ts';
import { attributeOf } from '#pki/name.ts';
import type { CodeSuite } from './code-envelope.ts';
import type { CodeKeyDeps } from './rotate-code-key.ts';

/** Profile `code-signer` allows two years; a key signs for less. */
const CERTIFICATE_DAYS = 730;

/** Certifies every code key that has no certificate yet. Answers how many. Throws Problem `authority-missing`. */
export async function certifyCodeKeys(deps: CodeKeyDeps & { publicOrigin: string }): Promise<number> {
  const rows = await deps.db.codeKey.findMany({ where: { certificate: null } });
  for (const row of rows) {
    const { chain } = await issueCertificate(deps, {
      profile: 'code-signer',
      suite: row.suite as CodeSuite,
      subject: { commonName: `亮证码签名 ${row.keyName}`, organisation: await authorityName(deps) },
      spki: row.spki,
      days: CERTIFICATE_DAYS,
      by: 'system:codes',
    });
    const [leaf, issuer] = chain.map(({ der }) => Uint8Array.from(der));
    // Of two processes that certify at once, the first one's certificate is kept.
    if (leaf && issuer)
      await deps.db.codeKey.updateMany({ where: { kid: row.kid, certificate: null }, data: { certificate: leaf, issuer } });
  }
  return rows.length;
}

async function authorityName(deps: CodeKeyDeps): Promise<string> {
  const [issuing] = (await trustedCertificates(deps)).issuing;
  return (issuing && attributeOf(issuing.subject, OID.organisation)) ?? 'Tongren';
}
