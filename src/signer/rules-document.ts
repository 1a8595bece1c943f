/** What the keys of seals and documents sign: a seal structure, a sealing, the signed attributes of a CMS. */
import { type CmsAttribute, parseAttributes, singleAttribute } from '#crypto/cms.ts';
import { DerError, parseDer, TAG } from '#crypto/der.ts';
import { setOf } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { digestOfSuite } from '#crypto/suite.ts';
import { parseSealInfo } from '#documents/ses/read-seal.ts';
import { parseTbsSign } from '#documents/ses/read-signature.ts';
import { parseCertificate } from '#pki/certificate.ts';
import { profileOf } from '#pki/profiles.ts';
import { CLOCK_TOLERANCE_MS, type SigningRule } from './signing-rule.ts';

const DIGEST_BYTES = 32;

/** SES_SealInfo of GB/T 38540 V4, for certificates of the seal profile only. */
export const sealInfoRule: SigningRule = ({ structure }) =>
  unreadableAs('not an SES_SealInfo', () => {
    const info = parseSealInfo(structure);
    if (info.headerVersion !== 4) return 'a seal of another version';
    if (info.warnings.length > 0) return `the seal departs from the standard: ${info.warnings[0]}`;
    if (info.certificates.length === 0) return 'a seal without its signers’ certificates';
    if (info.certificates.some((der) => profileOf(parseCertificate(der)) !== 'seal')) return 'a signer certificate of another profile';
    return info.validFrom < info.validTo ? undefined : 'a seal that is never valid';
  });

/** TBS_Sign of GB/T 38540 V4 with a seal that names this very key as one of its signers. */
export const sealSignatureRule: SigningRule = ({ structure, key, now }) =>
  unreadableAs('not a TBS_Sign', () => {
    const toSign = parseTbsSign(structure);
    if (toSign.version !== 4) return 'a sealing of another version';
    if (toSign.warnings.length > 0) return `the sealing departs from the standard: ${toSign.warnings[0]}`;
    if (toSign.dataHash.length !== DIGEST_BYTES) return 'data hash of wrong length';
    if (toSign.signedAt && toSign.signedAt.getTime() > now.getTime() + CLOCK_TOLERANCE_MS) return 'signing time lies in the future';
    const named = toSign.seal.certificates.some((der) => Buffer.compare(parseCertificate(der).spki, key.spki) === 0);
    return named ? undefined : 'the seal does not name this key as a signer';
  });

const ALLOWED_ATTRIBUTES: readonly string[] = [OID.contentType, OID.messageDigest, OID.signingCertificateV2, OID.signingTime];

/** Signed attributes of a CMS (RFC 5652 §5.4): a sorted SET with content-type and message-digest, over plain data. */
export const cmsAttributesRule: SigningRule = ({ structure, key }) =>
  unreadableAs('not a SET of signed attributes', () => {
    const set = parseDer(structure, { maxElements: 200, maxDepth: 12 }).expect(TAG.set);
    if (Buffer.compare(setOf(...set.children.map(({ bytes }) => bytes)), structure) !== 0) return 'attributes not in DER order';
    const attributes: readonly CmsAttribute[] = parseAttributes(set);
    if (attributes.some(({ oid }) => !ALLOWED_ATTRIBUTES.includes(oid))) return 'an attribute this key does not sign';
    const contentType = singleAttribute(attributes, OID.contentType)?.asOid();
    if (contentType !== OID.data && contentType !== OID.gmData) return 'content type missing, or not plain data';
    const messageDigest = singleAttribute(attributes, OID.messageDigest)?.asOctets();
    return messageDigest?.length === DIGEST_BYTES ? undefined : `message digest missing, or not of ${digestOfSuite(key.suite)}`;
  });

function unreadableAs(reason: string, judge: () => string | undefined): string | undefined {
  try {
    return judge();
  } catch (error) {
    if (error instanceof DerError) return reason;
    throw error;
  }
}
