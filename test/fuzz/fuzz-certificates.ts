/**
 * Certificates, requests for them, revocation lists, OCSP and time-stamp messages, and key envelopes, changed with their lengths right:
 * each reader ends in a value or in its own error, after as much work as its limits allow, and what is read says nothing that was not signed.
 */

import { encodeSignedAttributes, encodeSignedData } from '#crypto/cms.ts';
import { DerError } from '#crypto/der.ts';
import { EnvelopeError, openEnvelope, sealEnvelope } from '#crypto/enveloped-data.ts';
import { OID } from '#crypto/oids.ts';
import { Sm2DecryptionError, scalarOfPkcs8 } from '#crypto/sm2-encryption.ts';
import { openSm2EnvelopedKey, sealSm2EnvelopedKey } from '#crypto/sm2-enveloped-key.ts';
import { digest, generateKeyPair, signMessage } from '#crypto/suite.ts';
import { checkSignature, parseCertificate } from '#pki/certificate.ts';
import { isCrlSignedBy, parseCrl } from '#pki/crl.ts';
import { parseCsr } from '#pki/csr.ts';
import { lintTbs } from '#pki/lint.ts';
import { encodeCertId, issuerHashes } from '#pki/ocsp-cert-id.ts';
import { assembleOcspResponse, encodeResponseData } from '#pki/ocsp-encode-response.ts';
import { encodeOcspRequest, parseOcspRequest } from '#pki/ocsp-request.ts';
import { parseOcspResponse } from '#pki/ocsp-response.ts';
import { encodeTimestampQuery, readTimestampQuery } from '#pki/timestamp-query.ts';
import { readTimestampReply } from '#pki/timestamp-reply.ts';
import { encodeTimestampReply, encodeTstInfo, parseTstInfo } from '#pki/timestamp-token.ts';
import { validatePath } from '#pki/validate-path.ts';
import { Problem } from '#problem.ts';
import { makeCsr } from '../fakes/make-csr.ts';
import { type TestEntity, testChain, testCrl, testIssue } from '../fakes/test-authority.ts';
import { type FuzzReport, repeat } from './fuzz-report.ts';
import { mutateDer } from './mutate-der.ts';

const AT = new Date('2026-06-01T00:00:00Z');
const OWN_ERRORS = [DerError, Problem, EnvelopeError, Sm2DecryptionError];

type Target = [seed: Uint8Array, read: (bytes: Uint8Array) => unknown];

export async function fuzzCertificates(options: { runs: number; seed: number }): Promise<FuzzReport> {
  const targets = listTargets();
  return repeat(options, (random) => {
    const [seed, read] = targets[random(targets.length)] as Target;
    const mutant = mutateDer(seed, random);
    try {
      read(mutant);
      return 'read';
    } catch (error) {
      if (OWN_ERRORS.some((kind) => error instanceof kind)) return 'refused';
      throw error;
    }
  });
}

function listTargets(): Target[] {
  const { root, issuing } = testChain('es256');
  const holder = testIssue('es256', issuing, {
    profile: 'agent',
    change: { identifyCode: `H1:${'ab'.repeat(32)}`, organisationCode: '11110000000000000X', ocspUrl: 'http://ca.example.cn/ocsp' },
  });
  const server = testIssue('es256', issuing, { profile: 'web-server', change: { subjectAltNames: [{ dns: 'a.example.cn' }] } });
  const entries = Array.from({ length: 20 }, (_item, index) => ({
    serialHex: `4b${index.toString(16).padStart(4, '0')}`,
    revokedAt: AT,
    reason: 'superseded' as const,
  }));
  const crl = testCrl(issuing, entries).der;
  const csr = makeCsr({ commonName: '林晓梅', dnsName: 'a.example.cn', challengePassword: '123456' });
  const certId = encodeCertId(issuerHashes(issuing.certificate, 'sha1'), 'sha1', holder.certificate.serialBytes);
  const sm2 = { own: generateKeyPair('sm2-sm3'), kept: generateKeyPair('sm2-sm3') };
  const p256 = { own: generateKeyPair('es256'), kept: generateKeyPair('es256') };
  const query = encodeTimestampQuery('sha256', new Uint8Array(32).fill(7), 99n);
  const info = tstInfo(query, issuing);
  return [
    [holder.certificate.der, (bytes) => judgeCertificate(bytes, holder, issuing, root)],
    [server.certificate.der, (bytes) => judgeCertificate(bytes, server, issuing, root)],
    [issuing.certificate.der, (bytes) => judgeCertificate(bytes, issuing, root, root)],
    // The lint has no errors of its own: it always answers.
    [holder.certificate.tbs, (bytes) => lintTbs(bytes, 'es256', issuing.certificate).faults],
    [crl, (bytes) => judgeList(bytes, crl, issuing)],
    [csr.der, (bytes) => judgeRequest(bytes, csr.key.publicKey.spki)],
    [encodeOcspRequest([certId, certId], new Uint8Array(16)), parseOcspRequest],
    [ocspResponse(certId, issuing), parseOcspResponse],
    [query, readTimestampQuery],
    [info, parseTstInfo],
    [encodeTimestampReply(tokenOf(info, issuing)), (bytes) => readTimestampReply(bytes, 99n)],
    [
      sealEnvelope(p256.own.spki, new Uint8Array(20), p256.kept.pkcs8),
      (bytes) => judgeSame(openEnvelope(p256.own.pkcs8, bytes), p256.kept.pkcs8),
    ],
    [
      sealSm2EnvelopedKey(sm2.own.spki, sm2.kept.pkcs8, sm2.kept.spki),
      // The number is not authenticated by itself: who opens it compares it with the certificate.
      (bytes) => openSm2EnvelopedKey(scalarOfPkcs8(sm2.own.pkcs8), bytes),
    ],
  ];
}

/** A certificate whose signature is good is the one that was signed. */
function judgeCertificate(bytes: Uint8Array, original: TestEntity, issuer: TestEntity, root: TestEntity): void {
  const certificate = parseCertificate(bytes);
  void [certificate.crlAddresses, certificate.fingerprint];
  if (checkSignature(certificate, issuer.certificate) === 'good' && Buffer.compare(certificate.tbs, original.certificate.tbs) !== 0)
    throw new Error('another certificate passed');
  validatePath({ leaf: certificate, intermediates: [issuer.certificate], anchors: [root.certificate], at: AT });
}

function judgeList(bytes: Uint8Array, original: Uint8Array, issuing: TestEntity): void {
  const list = parseCrl(bytes);
  list.find('4b0001');
  const signed = isCrlSignedBy(list, issuing.certificate);
  if (signed && list.count !== parseCrl(original).count) throw new Error('a list with other entries passed');
}

function judgeRequest(bytes: Uint8Array, spki: Uint8Array): void {
  if (Buffer.compare(parseCsr(bytes).spki, spki) !== 0) throw new Error('another key passed');
}

function judgeSame(read: Uint8Array, expected: Uint8Array): void {
  if (Buffer.compare(read, expected) !== 0) throw new Error('another content passed');
}

function ocspResponse(certId: Uint8Array, { key, certificate }: TestEntity): Uint8Array {
  const nextUpdate = new Date(AT.getTime() + 86_400_000);
  const answer = { certId, status: { status: 'good' as const }, thisUpdate: AT, nextUpdate };
  const data = encodeResponseData({ responderSpki: certificate.spki, producedAt: AT, answers: [answer] });
  return assembleOcspResponse(data, key.suite, signMessage(key, data), [certificate.der]);
}

function tstInfo(query: Uint8Array, { certificate }: TestEntity): Uint8Array {
  const read = readTimestampQuery(query);
  if (!('imprintDer' in read)) throw new Error('a query of ours was refused');
  return encodeTstInfo({ ...read, serial: Uint8Array.of(7), at: AT, tsaName: certificate.subject.der });
}

function tokenOf(info: Uint8Array, { key, certificate }: TestEntity): Uint8Array {
  const signedAttributes = encodeSignedAttributes({ contentType: OID.timeStampInfo, messageDigest: digest('sha256', info) });
  const signature = signMessage(key, signedAttributes);
  return encodeSignedData({ form: 'pkcs7', suite: 'es256', certificates: [certificate.der], signedAttributes, signature, content: info });
}
