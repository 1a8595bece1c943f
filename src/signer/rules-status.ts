/** What the keys of the status and timestamp services sign: OCSP answers for their own authority, and the time, when it is now. */
import { parseAttributes, singleAttribute } from '#crypto/cms.ts';
import { DerError, parseDer, TAG } from '#crypto/der.ts';
import { setOf } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { digest, digestOfSuite } from '#crypto/suite.ts';
import { keyIdentifier } from '#pki/build-certificate.ts';
import type { OcspCertId } from '#pki/ocsp-cert-id.ts';
import { parseResponseData } from '#pki/ocsp-response.ts';
import { parseTstInfo, TIMESTAMP_POLICY } from '#pki/timestamp-token.ts';
import { findIssuingKey } from './authority-keys.ts';
import { CLOCK_TOLERANCE_MS, type SigningRule } from './signing-rule.ts';

const DAY_MS = 86_400_000;
const MAX_ANSWER_LIFE_DAYS = 8;
/** Far below the tolerance for other structures: the time is all that a time-stamp says. */
const TIMESTAMP_TOLERANCE_MS = 2_000;
const MIN_SERIAL_OCTETS = 8;
const MAX_SERIAL_OCTETS = 20;

/** ResponseData of this very key, made now, about certificates of one authority of its suite. */
export const ocspResponseRule: SigningRule = async ({ key, structure, now, findKey }) => {
  const data = readOr(() => parseResponseData(structure));
  if (!data) return 'not a ResponseData';
  if (data.unknownCritical) return 'an extension this key does not sign';
  if (!data.responderKeyHash || Buffer.compare(data.responderKeyHash, keyIdentifier(key.spki)) !== 0) return 'names another responder';
  if (Math.abs(data.producedAt.getTime() - now.getTime()) > CLOCK_TOLERANCE_MS) return 'producedAt is not now';
  if (data.answers.length === 0) return 'no answer inside';
  const [first] = data.answers;
  const authority = await findIssuingKey(findKey, key.suite, ({ spki }) => first !== undefined && isAbout(first.certId, spki));
  if (!authority) return 'an answer for another authority';
  for (const { certId, thisUpdate, nextUpdate } of data.answers) {
    if (!isAbout(certId, authority.spki)) return 'an answer for another authority';
    if (Math.abs(thisUpdate.getTime() - now.getTime()) > CLOCK_TOLERANCE_MS) return 'thisUpdate is not now';
    const life = (nextUpdate?.getTime() ?? Number.NaN) - thisUpdate.getTime();
    if (!(life > 0 && life <= MAX_ANSWER_LIFE_DAYS * DAY_MS)) return 'nextUpdate missing or out of range';
  }
  return undefined;
};

function isAbout({ digest: name, keyHash }: OcspCertId, authority: Uint8Array): boolean {
  return name !== undefined && Buffer.compare(keyHash, digest(name, parseDer(authority).at(1).asBits())) === 0;
}

const ATTRIBUTES: readonly string[] = [OID.contentType, OID.messageDigest, OID.signingCertificateV2];

/** Signed attributes over a TSTInfo, which the caller shows beside them: its time must be that of the signer's own clock. */
export const timestampRule: SigningRule = ({ key, structure, evidence, now }) => {
  if (!evidence) return 'the TSTInfo is not shown';
  const info = readOr(() => parseTstInfo(evidence));
  if (!info) return 'not a TSTInfo';
  const fault = readOr(() => faultOfAttributes(structure, digest(digestOfSuite(key.suite), evidence)) ?? '');
  if (fault === undefined) return 'not a SET of signed attributes';
  if (fault) return fault;
  if (info.policy !== TIMESTAMP_POLICY) return 'a policy this key does not stamp under';
  const octets = info.serialContent;
  if (octets.length < MIN_SERIAL_OCTETS || octets.length > MAX_SERIAL_OCTETS || (octets[0] ?? 0x80) >= 0x80)
    return 'serial number out of range';
  return Math.abs(info.at.getTime() - now.getTime()) > TIMESTAMP_TOLERANCE_MS ? 'genTime is not now' : undefined;
};

function faultOfAttributes(structure: Uint8Array, expected: Uint8Array): string | undefined {
  const set = parseDer(structure, { maxElements: 100, maxDepth: 12 }).expect(TAG.set);
  if (Buffer.compare(setOf(...set.children.map(({ bytes }) => bytes)), structure) !== 0) return 'attributes not in DER order';
  const attributes = parseAttributes(set);
  if (attributes.length !== ATTRIBUTES.length || attributes.some(({ oid }) => !ATTRIBUTES.includes(oid))) {
    return 'attributes other than those of a time-stamp';
  }
  if (singleAttribute(attributes, OID.contentType)?.asOid() !== OID.timeStampInfo) return 'content type is not a TSTInfo';
  const found = singleAttribute(attributes, OID.messageDigest)?.asOctets();
  if (!singleAttribute(attributes, OID.signingCertificateV2)) return 'the certificate is not named';
  return found && Buffer.compare(found, expected) === 0 ? undefined : 'the digest is not of the TSTInfo that is shown';
}

/** Undefined for bytes that are no such structure. */
function readOr<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}
