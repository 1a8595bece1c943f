/**
 * CMS SignedData (RFC 5652) and its Chinese twin (GM/T 0010, GB/T 35275): writing with one signer, reading with several.
 * Reading judges nothing about certificates: it finds the parts; `cms-verify.ts` checks digest and signature over the bytes as they stood.
 */
import { context, type DerElement, DerError, parseDer, parseDerPrefix, TAG } from './der.ts';
import { explicit, integer, nullValue, octetString, oid, sequence, setOf, tlv } from './encode-der.ts';
import { OID } from './oids.ts';
import type { DigestName, Suite } from './suite.ts';
import { digestOfOid, readSignatureAlgorithm, type SignatureAlgorithm } from './verify-signature.ts';

/** Which family of content-type OIDs, and so which readers it is for. */
export type CmsForm = 'pkcs7' | 'gm';

/** A whole SignedData may have this many elements and certificates. */
const LIMITS = { maxElements: 50_000, maxDepth: 32 };
const MAX_SIGNERS = 16;
const MAX_CERTIFICATES = 64;
const MAX_CRLS = 64;
const MAX_ATTRIBUTES = 64;

const DIGEST_OIDS: Record<DigestName, string> = {
  sm3: OID.sm3,
  sha1: OID.sha1,
  sha256: OID.sha256,
  sha384: OID.sha384,
  sha512: OID.sha512,
};

const attribute = (type: string, ...values: Uint8Array[]) => sequence(oid(type), setOf(...values));

export interface SignedAttributesInput {
  /** OID of what is signed; default `data`. */
  contentType?: string;
  messageDigest: Uint8Array;
  /** The signer's certificate (DER) and its digest in `digestName`; makes signing-certificate-v2 (RFC 5035), which PAdES demands. */
  signingCertificate?: { digestName: DigestName; digest: Uint8Array };
  /** Left out for PAdES baseline, where it is forbidden. */
  signingTime?: Uint8Array;
}

/** The signed attributes as DER SET OF with tag 0x31: exactly the bytes to be signed (RFC 5652 §5.4). */
export function encodeSignedAttributes(input: SignedAttributesInput): Uint8Array {
  const attributes = [
    attribute(OID.contentType, oid(input.contentType ?? OID.data)),
    attribute(OID.messageDigest, octetString(input.messageDigest)),
  ];
  if (input.signingTime) attributes.push(attribute(OID.signingTime, input.signingTime));
  if (input.signingCertificate) {
    const { digestName, digest } = input.signingCertificate;
    // SHA-256 is the DEFAULT of ESSCertIDv2 and so must be absent in DER.
    const algorithm = digestName === 'sha256' ? [] : [sequence(oid(DIGEST_OIDS[digestName]))];
    attributes.push(attribute(OID.signingCertificateV2, sequence(sequence(sequence(...algorithm, octetString(digest))))));
  }
  return setOf(...attributes);
}

export interface SignedDataInput {
  form: CmsForm;
  suite: Suite;
  /** Leaf first, then its issuers. */
  certificates: readonly Uint8Array[];
  /** Issuer Name and serial INTEGER of the leaf, as they stand in it; found in the leaf when left out. */
  signer?: { issuer: Uint8Array; serial: Uint8Array };
  /** As `encodeSignedAttributes` made them; absent when the signature is over the content itself. */
  signedAttributes?: Uint8Array;
  signature: Uint8Array;
  /** Type of the content; default the data type of the form. */
  contentType?: string;
  /** Only when a reader has the certificates already: a time-stamp token that was asked for without them. */
  withoutCertificates?: boolean;
  /** Encapsulated content; absent for a detached signature. */
  content?: Uint8Array;
  crls?: readonly Uint8Array[];
  /** Whole Attribute encodings, for example a time-stamp token. */
  unsignedAttributes?: readonly Uint8Array[];
}

/** ContentInfo around SignedData with one signer. DER throughout. */
export function encodeSignedData(input: SignedDataInput): Uint8Array {
  const [leaf] = input.certificates;
  if (!leaf) throw new DerError('SignedData without the signer certificate');
  const { issuer, serial } = input.signer ?? issuerAndSerialOf(leaf);
  const algorithms = algorithmsOf(input.suite, input.form);
  const dataOid = input.contentType ?? (input.form === 'gm' ? OID.gmData : OID.data);
  const isPlainData = dataOid === OID.gmData || dataOid === OID.data;
  const certificates = input.withoutCertificates ? [] : [...input.certificates].sort((a, b) => Buffer.compare(a, b));
  const parts = [
    // RFC 5652 §5.1: 3 when the content is not plain data.
    integer(isPlainData ? 1 : 3),
    setOf(algorithms.digest),
    input.content ? sequence(oid(dataOid), explicit(0, octetString(input.content))) : sequence(oid(dataOid)),
    ...(certificates.length > 0 ? [tlv(context(0), ...certificates)] : []),
  ];
  if (input.crls?.length) parts.push(tlv(context(1), ...[...input.crls].sort((a, b) => Buffer.compare(a, b))));
  const signer = [integer(1), sequence(issuer, serial), algorithms.digest];
  if (input.signedAttributes) signer.push(retag(input.signedAttributes, context(0)));
  signer.push(algorithms.signature, octetString(input.signature));
  if (input.unsignedAttributes?.length) signer.push(retag(setOf(...input.unsignedAttributes), context(1)));
  parts.push(setOf(sequence(...signer)));
  return sequence(oid(input.form === 'gm' ? OID.gmSignedData : OID.signedData), explicit(0, sequence(...parts)));
}

interface Algorithms {
  digest: Uint8Array;
  signature: Uint8Array;
}

const knownAlgorithms = new Map<string, Algorithms>();

function algorithmsOf(suite: Suite, form: CmsForm): Algorithms {
  const name = `${suite} ${form}`;
  const known = knownAlgorithms.get(name) ?? encodeAlgorithms(suite, form);
  knownAlgorithms.set(name, known);
  return known;
}

function encodeAlgorithms(suite: Suite, form: CmsForm): Algorithms {
  switch (suite) {
    case 'sm2-sm3':
      // GM/T 0010 names the signature alone; readers of PKCS#7 (Bouncy Castle) know SM2 only together with its digest.
      return { digest: sequence(oid(OID.sm3), nullValue()), signature: sequence(oid(form === 'gm' ? OID.sm2Signature : OID.sm2WithSm3)) };
    case 'es256':
      return { digest: sequence(oid(OID.sha256)), signature: sequence(oid(OID.ecdsaWithSha256)) };
    case 'rs256':
      return { digest: sequence(oid(OID.sha256)), signature: sequence(oid(OID.sha256WithRsa), nullValue()) };
    case 'ed25519':
      return { digest: sequence(oid(OID.sha512)), signature: sequence(oid(OID.ed25519)) };
  }
}

function issuerAndSerialOf(certificate: Uint8Array): { issuer: Uint8Array; serial: Uint8Array } {
  const fields = [...parseDer(certificate).at(0, TAG.sequence).children];
  if (fields[0]?.tag === context(0)) fields.shift();
  const [serial, , issuer] = fields;
  if (serial?.tag !== TAG.integer || issuer?.tag !== TAG.sequence) throw new DerError('not a certificate');
  return { issuer: issuer.bytes, serial: serial.bytes };
}

function retag(der: Uint8Array, tag: number): Uint8Array {
  const copy = Uint8Array.from(der);
  copy[0] = tag;
  return copy;
}

export interface CmsAttribute {
  oid: string;
  values: readonly DerElement[];
}

export interface CmsSigner {
  version: number;
  /** Either issuer and serial, or the subject key identifier. */
  issuer?: Uint8Array;
  serialContent?: Uint8Array;
  subjectKeyIdentifier?: Uint8Array;
  digestOid: string;
  digest: DigestName | undefined;
  signatureOid: string;
  signatureAlgorithm: SignatureAlgorithm | undefined;
  signature: Uint8Array;
  /** The attributes' whole encoding re-tagged as SET, in the order in which they stood. */
  signedAttributesBytes?: Uint8Array;
  /** The attributes' single encodings, to try the DER order with. */
  signedAttributeParts: readonly Uint8Array[];
  signedAttributes: readonly CmsAttribute[];
  unsignedAttributes: readonly CmsAttribute[];
}

export interface SignedData {
  form: CmsForm;
  version: number;
  contentTypeOid: string;
  /** Encapsulated content; undefined when detached. */
  content?: Uint8Array;
  /** The element inside `[0] EXPLICIT`, when it is not an OCTET STRING (PKCS#7 v1.5 lets it be anything). */
  contentElement?: DerElement;
  certificates: readonly Uint8Array[];
  crls: readonly Uint8Array[];
  signers: readonly CmsSigner[];
  /** Length of the ContentInfo; what follows is the caller's to judge. */
  length: number;
}

/**
 * Reads ContentInfo with SignedData at the start of the input. Bytes after it are left to the caller (`length`).
 * Throws DerError for anything else, BER included.
 */
export function parseSignedData(input: Uint8Array): SignedData {
  const { element, length } = parseDerPrefix(input, LIMITS);
  const type = element.expect(TAG.sequence).at(0).asOid();
  if (type !== OID.signedData && type !== OID.gmSignedData) throw new DerError('not SignedData');
  const [version, , contentInfo, ...rest] = element.at(1, context(0)).inner().expect(TAG.sequence).children;
  if (!version || !contentInfo) throw new DerError('SignedData cut short');
  const signers = rest.at(-1)?.expect(TAG.set).children ?? [];
  const certificates = rest.find(({ tag }) => tag === context(0))?.children ?? [];
  const crls = rest.find(({ tag }) => tag === context(1))?.children ?? [];
  if (signers.length > MAX_SIGNERS || certificates.length > MAX_CERTIFICATES || crls.length > MAX_CRLS)
    throw new DerError('too many parts');
  const contentElement = contentInfo.expect(TAG.sequence).children[1]?.expect(context(0)).inner();
  return {
    form: type === OID.gmSignedData ? 'gm' : 'pkcs7',
    version: version.asNumber(),
    contentTypeOid: contentInfo.at(0).asOid(),
    ...(contentElement ? { contentElement } : {}),
    ...(contentElement?.tag === TAG.octetString ? { content: contentElement.content } : {}),
    // Other certificate choices of RFC 5652 (attribute certificates) have context tags and are passed over.
    certificates: certificates.filter(({ tag }) => tag === TAG.sequence).map(({ bytes }) => bytes),
    crls: crls.filter(({ tag }) => tag === TAG.sequence).map(({ bytes }) => bytes),
    signers: signers.map(parseSigner),
    length,
  };
}

function parseSigner(element: DerElement): CmsSigner {
  const fields = [...element.expect(TAG.sequence).children];
  const next = (): DerElement => {
    const field = fields.shift();
    if (!field) throw new DerError('SignerInfo cut short');
    return field;
  };
  const version = next().asNumber();
  const identifier = next();
  const digestOid = next().expect(TAG.sequence).at(0).asOid();
  const signed = fields[0]?.tag === context(0) ? next() : undefined;
  const algorithm = next();
  const signature = next().asOctets();
  const unsigned = fields[0]?.tag === context(1) ? next() : undefined;
  if (fields.length > 0) throw new DerError('SignerInfo with more parts than it has');
  return {
    version,
    ...readSignerIdentifier(identifier),
    digestOid,
    digest: digestOfOid(digestOid),
    signatureOid: algorithm.expect(TAG.sequence).at(0).asOid(),
    signatureAlgorithm: readSignatureAlgorithm(algorithm),
    signature,
    ...(signed ? { signedAttributesBytes: retag(signed.bytes, TAG.set) } : {}),
    signedAttributeParts: signed?.children.map(({ bytes }) => bytes) ?? [],
    signedAttributes: signed ? parseAttributes(signed) : [],
    unsignedAttributes: unsigned ? parseAttributes(unsigned) : [],
  };
}

function readSignerIdentifier(element: DerElement): Pick<CmsSigner, 'issuer' | 'serialContent' | 'subjectKeyIdentifier'> {
  if (element.tag === context(0, false)) return { subjectKeyIdentifier: element.content };
  return { issuer: element.expect(TAG.sequence).at(0, TAG.sequence).bytes, serialContent: element.at(1, TAG.integer).content };
}

/** Reads the attributes of a SET (or its context-tagged form). Throws DerError when one is not an attribute. */
export function parseAttributes(set: DerElement): CmsAttribute[] {
  if (set.children.length > MAX_ATTRIBUTES) throw new DerError('too many attributes');
  return set.children.map((item) => ({ oid: item.expect(TAG.sequence).at(0).asOid(), values: item.at(1, TAG.set).children }));
}

/** The one value of the one attribute of this type; undefined when absent. Throws DerError when it stands twice or has not one value. */
export function singleAttribute(attributes: readonly CmsAttribute[], type: string): DerElement | undefined {
  const found = attributes.filter((item) => item.oid === type);
  if (found.length === 0) return undefined;
  const [value] = found[0]?.values ?? [];
  if (found.length > 1 || found[0]?.values.length !== 1 || !value) throw new DerError(`attribute ${type} is not single`);
  return value;
}
