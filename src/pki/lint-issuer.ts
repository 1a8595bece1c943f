/** The lint of what the issuing authority itself may do: RFC 5280 §6.1.4 seen from the other side, before there is a certificate to refuse. */
import type { Certificate } from './certificate.ts';
import { faultOfNames, MAX_NAME_COMPARISONS } from './judge-names.ts';

export function lintIssuer(certificate: Certificate, issuer: Certificate): string[] {
  const faults: string[] = [];
  const check = (fine: boolean, fault: string) => {
    if (!fine) faults.push(fault);
  };
  check(Buffer.compare(certificate.issuer.der, issuer.subject.der) === 0, 'issuer name is not that of the authority');
  check(sameBytes(certificate.aki, issuer.ski), 'authority key identifier is not that of the authority');
  check(issuer.basicConstraints?.ca === true && issuer.keyUsage?.has('key-cert-sign') === true, 'the issuer is no authority');
  check(
    issuer.basicConstraints?.pathLength !== 0 || certificate.basicConstraints?.ca !== true,
    'the issuer may make no authority below it',
  );
  check(certificate.notBefore >= issuer.notBefore && certificate.notAfter <= issuer.notAfter, 'life is not within that of the authority');
  check(Buffer.compare(certificate.spki, issuer.spki) !== 0, 'the key is that of the authority');
  const constraints = issuer.nameConstraints ? [issuer.nameConstraints] : [];
  const fault = faultOfNames(certificate, constraints, { comparisons: MAX_NAME_COMPARISONS });
  check(fault === undefined, 'a name lies outside what the authority may certify');
  return faults;
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;
}
