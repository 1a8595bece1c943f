/** An OCSP response of a test responder about one certificate. */
import type { Certificate } from '#pki/certificate.ts';
import { encodeCertId, issuerHashes } from '#pki/ocsp-cert-id.ts';
import { assembleOcspResponse, encodeResponseData, type OcspAnswer } from '#pki/ocsp-encode-response.ts';
import type { TestIdentity } from './document-authority.ts';

export async function ocspResponse(
  responder: TestIdentity,
  issuer: Certificate,
  certificate: Certificate,
  answer: Omit<OcspAnswer, 'certId'>,
): Promise<Uint8Array> {
  const certId = encodeCertId(issuerHashes(issuer, 'sha1'), 'sha1', certificate.serialBytes);
  const responderSpki = responder.certificate.spki;
  const data = encodeResponseData({ responderSpki, producedAt: answer.thisUpdate, answers: [{ ...answer, certId }] });
  return assembleOcspResponse(data, responder.key.suite, await responder.sign(data), [responder.certificate.der]);
}
