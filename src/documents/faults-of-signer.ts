/** Why a certificate that is good in itself may not have signed this: what it was made for, and when it was used. */
import { OID } from '#crypto/oids.ts';
import type { Certificate } from '#pki/certificate.ts';

/** A signer's clock may be this far ahead of ours. */
const MAX_CLOCK_SKEW_MS = 5 * 60_000;
/** Profiles of ours that may sign documents; a certificate made for anything else must not, whatever its bits say. */
const SIGNING_PROFILES: readonly string[] = ['', 'seal', 'document-signer', 'person', 'organisation', 'legal-representative', 'agent'];
/** Extended usages that, alone, say: not for documents. The last is code signing. */
const OTHER_PURPOSES: readonly string[] = [OID.timeStamping, OID.ocspSigning, OID.serverAuthentication, '1.3.6.1.5.5.7.3.3'];

/**
 * @param profile name of our profile it has, or ''.
 * @param signedAt when the signer says, or a timestamp proves, that he signed.
 */
export function faultsOfSigner(certificate: Certificate, profile: string, signedAt: Date | undefined, now: Date): string[] {
  const { keyUsage, extKeyUsage, basicConstraints } = certificate;
  const faults: string[] = [];
  if (keyUsage && !keyUsage.has('digital-signature') && !keyUsage.has('non-repudiation')) faults.push('signer-wrong-key-usage');
  if (extKeyUsage && extKeyUsage.length > 0 && extKeyUsage.every((oid) => OTHER_PURPOSES.includes(oid)))
    faults.push('signer-wrong-purpose');
  if (!SIGNING_PROFILES.includes(profile)) faults.push('signer-wrong-profile');
  if (basicConstraints?.ca) faults.push('signer-is-a-ca');
  if (!signedAt) return faults;
  if (signedAt.getTime() > now.getTime() + MAX_CLOCK_SKEW_MS) faults.push('signed-in-the-future');
  else if (signedAt < certificate.notBefore) faults.push('signer-not-yet-valid');
  else if (signedAt > certificate.notAfter) faults.push('signer-expired');
  return faults;
}
