import { bitString, explicit, integer, octetString, oid, printableString, sequence, setOf, tlv } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { generateKeyPair, importPrivateKey, type PrivateKey, type Suite, signMessage } from '#crypto/suite.ts';
import { encodeSignatureAlgorithm } from '#pki/build-certificate.ts';
import { encodeName } from '#pki/name.ts';
import { toPem } from '#pki/pem.ts';

export interface TestCsr {
  der: Uint8Array;
  pem: string;
  key: PrivateKey;
}

export interface TestCsrInput {
  suite?: Suite;
  key?: PrivateKey;
  commonName?: string;
  challengePassword?: string;
  dnsName?: string;
  /** Signs with another key than the one inside. */
  signedBy?: PrivateKey;
}

export const newKey = (suite: Suite = 'es256') => importPrivateKey(generateKeyPair(suite).pkcs8);

/** A PKCS#10 request, made here with no reader of ours involved. */
export function makeCsr(input: TestCsrInput = {}): TestCsr {
  const key = input.key ?? newKey(input.suite);
  const attributes = [];
  if (input.challengePassword !== undefined) {
    attributes.push(sequence(oid(OID.challengePassword), setOf(printableString(input.challengePassword))));
  }
  if (input.dnsName !== undefined) {
    const names = sequence(tlv(0x82, Buffer.from(input.dnsName, 'latin1')));
    const extensions = sequence(sequence(oid(OID.subjectAltName), octetString(names)));
    attributes.push(sequence(oid(OID.extensionRequest), setOf(extensions)));
  }
  const info = sequence(
    integer(0),
    encodeName(input.commonName ? [{ oid: OID.commonName, value: input.commonName }] : []),
    key.publicKey.spki,
    explicit(0, ...attributes),
  );
  const signer = input.signedBy ?? key;
  const der = sequence(info, encodeSignatureAlgorithm(signer.suite), bitString(signMessage(signer, info)));
  return { der, pem: toPem('CERTIFICATE REQUEST', der), key };
}
