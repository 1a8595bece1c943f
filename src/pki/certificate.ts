/**
 * X.509 certificates (RFC 5280 §4, GM/T 0015): our own reader over DER, so that SM2 certificates are read like any other
 * and the signature is checked over the very bytes that came.
 */
import { context, type DerElement, DerError, parseDer, TAG } from '#crypto/der.ts';
import { OID } from '#crypto/oids.ts';
import { digest } from '#crypto/suite.ts';
import {
  importVerifyingKey,
  readSignatureAlgorithm,
  type SignatureAlgorithm,
  type VerifyingKey,
  verifySignature,
} from '#crypto/verify-signature.ts';
import {
  type AccessDescription,
  type BasicConstraints,
  type Extension,
  type KeyUsage,
  type PolicyConstraints,
  type PolicyMapping,
  parseAccess,
  parseAuthorityKey,
  parseBasicConstraints,
  parseExtensions,
  parseInhibitAnyPolicy,
  parseKeyUsage,
  parseOidList,
  parsePolicies,
  parsePolicyConstraints,
  parsePolicyMappings,
} from './extensions.ts';
import { type DistributionPoint, type GeneralName, httpAddresses, parseDistributionPoints, parseGeneralNames } from './general-name.ts';
import { type Name, namesEqual, parseName } from './name.ts';
import { type NameConstraints, parseNameConstraints } from './name-constraints.ts';
import { derOrPem } from './pem.ts';

/** A certificate larger than this is not read. */
const MAX_CERTIFICATE_BYTES = 256 * 1024;
const LIMITS = { maxElements: 10_000, maxDepth: 24 };

export class Certificate {
  readonly der: Uint8Array;
  /** The signed part, as it stood. */
  readonly tbs: Uint8Array;
  readonly version: number;
  /** Lower-case hexadecimal without a leading zero octet; `-` in front when somebody wrote a negative serial. */
  readonly serialHex: string;
  /** Content octets of the serial INTEGER. */
  readonly serialBytes: Uint8Array;
  readonly issuer: Name;
  readonly subject: Name;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  readonly extensions: ReadonlyMap<string, Extension>;
  readonly signatureOid: string;
  /** Undefined when it is of a kind we cannot judge. */
  readonly signatureAlgorithm: SignatureAlgorithm | undefined;
  readonly signature: Uint8Array;
  /** OIDs of extensions we know whose value cannot be read: such a certificate is in no valid path. */
  readonly faultyExtensions: readonly string[];
  /** Undefined: no such extension, every use is open. */
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined;
  readonly basicConstraints: BasicConstraints | undefined;
  readonly extKeyUsage: readonly string[] | undefined;
  readonly ski: Uint8Array | undefined;
  readonly aki: Uint8Array | undefined;
  readonly policies: readonly string[];
  readonly distributionPoints: readonly DistributionPoint[];
  readonly aia: readonly AccessDescription[];
  readonly subjectAltNames: readonly GeneralName[];
  readonly nameConstraints: NameConstraints | undefined;
  readonly policyMappings: readonly PolicyMapping[];
  readonly policyConstraints: PolicyConstraints | undefined;
  /** SkipCerts of inhibitAnyPolicy. */
  readonly inhibitAnyPolicy: number | undefined;
  #publicKey: VerifyingKey | undefined;
  #fingerprint: string | undefined;

  constructor(der: Uint8Array) {
    if (der.length > MAX_CERTIFICATE_BYTES) throw new DerError('certificate too large');
    const outer = parseDer(der, LIMITS).expect(TAG.sequence);
    const tbs = outer.at(0, TAG.sequence);
    const fields = [...tbs.children];
    const explicitVersion = fields[0]?.tag === context(0) ? fields.shift()?.inner().asNumber() : undefined;
    const [serial, innerAlgorithm, issuer, validity, subject, spki, ...rest] = fields as [DerElement, ...DerElement[]];
    if (!spki || outer.children.length !== 3) throw new DerError('a certificate has other parts');
    this.der = der;
    this.tbs = tbs.bytes;
    this.version = (explicitVersion ?? 0) + 1;
    this.serialHex = serialToHex(serial.expect(TAG.integer).asBigInt());
    this.serialBytes = serial.content;
    this.issuer = parseName(issuer as DerElement);
    this.subject = parseName(subject as DerElement);
    this.notBefore = (validity as DerElement).at(0).asTime();
    this.notAfter = (validity as DerElement).at(1).asTime();
    this.spki = spki.expect(TAG.sequence).bytes;
    this.signatureOid = outer.at(1).at(0).asOid();
    if (!isSameAlgorithm(innerAlgorithm as DerElement, outer.at(1))) throw new DerError('signature algorithm inside and outside differ');
    this.signatureAlgorithm = readSignatureAlgorithm(outer.at(1));
    this.signature = outer.at(2).asBits();
    const extensions = rest.find((element) => element.tag === context(3));
    if (this.version < 1 || this.version > 3 || (extensions && this.version !== 3)) throw new DerError('version and contents disagree');
    this.extensions = extensions ? parseExtensions(extensions.inner()) : new Map();
    const faulty: string[] = [];
    const read = <T>(oid: string, parse: (value: Uint8Array) => T): T | undefined => {
      const extension = this.extensions.get(oid);
      if (!extension) return undefined;
      try {
        return parse(extension.value);
      } catch (error) {
        if (!(error instanceof DerError)) throw error;
        faulty.push(oid);
        return undefined;
      }
    };
    this.keyUsage = read(OID.keyUsage, parseKeyUsage);
    this.basicConstraints = read(OID.basicConstraints, parseBasicConstraints);
    this.extKeyUsage = read(OID.extendedKeyUsage, parseOidList);
    this.ski = read(OID.subjectKeyIdentifier, (value) => parseDer(value).asOctets());
    this.aki = read(OID.authorityKeyIdentifier, parseAuthorityKey);
    this.policies = read(OID.certificatePolicies, parsePolicies) ?? [];
    this.distributionPoints = read(OID.crlDistributionPoints, parseDistributionPoints) ?? [];
    this.aia = read(OID.authorityInfoAccess, parseAccess) ?? [];
    this.subjectAltNames = read(OID.subjectAltName, (value) => parseGeneralNames(parseDer(value).expect(TAG.sequence))) ?? [];
    this.nameConstraints = read(OID.nameConstraints, parseNameConstraints);
    this.policyMappings = read(OID.policyMappings, parsePolicyMappings) ?? [];
    this.policyConstraints = read(OID.policyConstraints, parsePolicyConstraints);
    this.inhibitAnyPolicy = read(OID.inhibitAnyPolicy, parseInhibitAnyPolicy);
    this.faultyExtensions = faulty;
  }

  /** The key for verifying, parsed once. Throws UnsupportedKeyError for kinds we do not judge. */
  publicKey(): VerifyingKey {
    this.#publicKey ??= importVerifyingKey(this.spki);
    return this.#publicKey;
  }

  /** SHA-256 of the whole certificate, hexadecimal. */
  get fingerprint(): string {
    this.#fingerprint ??= Buffer.from(digest('sha256', this.der)).toString('hex');
    return this.#fingerprint;
  }

  /** Issuer and subject are the same name; says nothing about the signature. */
  get selfIssued(): boolean {
    return namesEqual(this.issuer, this.subject);
  }

  get crlAddresses(): readonly string[] {
    return this.distributionPoints.flatMap((point) => httpAddresses(point.names));
  }
}

/** Reads one certificate from DER. Throws DerError when it is not one. Trailing bytes are refused. */
export function parseCertificate(der: Uint8Array): Certificate {
  return new Certificate(der);
}

/** The same for what people upload: DER, or the first block of PEM. */
export function parseCertificateFile(bytes: Uint8Array): Certificate {
  return new Certificate(derOrPem(bytes));
}

/** §4.1.1.2. Absent and NULL parameters mean the same and are told apart by nobody. */
function isSameAlgorithm(a: DerElement, b: DerElement): boolean {
  const [first, second] = [a, b].map((element) => {
    const parameters = element.children[1];
    return parameters && parameters.tag !== TAG.null ? element.bytes : element.at(0).bytes;
  });
  return Buffer.compare(first as Uint8Array, second as Uint8Array) === 0;
}

export function serialToHex(serial: bigint): string {
  const hex = (serial < 0n ? -serial : serial).toString(16);
  return (serial < 0n ? '-' : '') + (hex.length % 2 ? `0${hex}` : hex);
}

/** Whether the parent's key made the child's signature. Never throws; a key or algorithm we cannot judge is `unsupported`. */
export function checkSignature(child: Certificate, parent: Certificate): 'good' | 'bad' | 'unsupported' {
  if (!child.signatureAlgorithm) return 'unsupported';
  try {
    return verifySignature(parent.publicKey(), child.signatureAlgorithm, child.tbs, child.signature) ? 'good' : 'bad';
  } catch {
    return 'unsupported';
  }
}

/** Whether `parent` is named as the issuer of `child` and its key made the signature. */
export function isIssuedBy(child: Certificate, parent: Certificate): boolean {
  return namesEqual(child.issuer, parent.subject) && checkSignature(child, parent) === 'good';
}
