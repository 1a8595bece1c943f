import type { AuthoritySuite, CertificateDeps } from './certificate-deps.ts';

/**
 * Takes away the answers that are kept for certificates of a suite, because the responder's key is in wrong hands: a responder's
 * certificate is not itself checked for revocation (id-pkix-ocsp-nocheck), so what it signed would go on being believed until it ends.
 * Each is made anew at the next question, or by the worker. Answers how many.
 */
export async function dropOcspAnswers({ db }: Pick<CertificateDeps, 'db'>, suite: AuthoritySuite): Promise<number> {
  return db.$executeRaw`
    DELETE FROM ocsp_answer a USING issued_certificate c WHERE c.serial_hex = a.serial_hex AND c.suite = ${suite}`;
}
