/** Certificates and revocation lists written field by field, so that tests can break any rule: no profile, no lint. */
import { TAG } from '#crypto/der.ts';
import {
  bitString,
  boolean,
  explicit,
  implicitPrimitive,
  integer,
  octetString,
  oid,
  sequence,
  setOf,
  tlv,
  utf8String,
  x509Time,
} from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { generateKeyPair, importPrivateKey, type PrivateKey, type Suite, signMessage } from '#crypto/suite.ts';
import { encodeSignatureAlgorithm, keyIdentifier } from '#pki/build-certificate.ts';
import { type Certificate, parseCertificate } from '#pki/certificate.ts';
import { type Crl, parseCrl } from '#pki/crl.ts';
import { KEY_USAGES, type KeyUsage } from '#pki/extensions.ts';

export interface RawExtension {
  oid: string;
  critical?: boolean;
  value: Uint8Array;
}

export interface RawEntity {
  certificate: Certificate;
  key: PrivateKey;
}

export interface RawCertificate {
  subject?: string | Uint8Array;
  suite?: Suite;
  key?: PrivateKey;
  issuerName?: Uint8Array;
  serial?: Uint8Array;
  version?: number;
  notBefore?: Date;
  notAfter?: Date;
  /** Written times instead of `notBefore` and `notAfter`. */
  validity?: Uint8Array;
  /** Default true for those with `ca`. */
  ca?: boolean | 'absent';
  pathLength?: number;
  keyUsage?: readonly KeyUsage[];
  /** Further ones, in place of those of the same OID. */
  extensions?: readonly RawExtension[];
  withoutExtensions?: readonly string[];
  /** Instead of the issuer's signature. */
  signature?: Uint8Array;
}

let counter = 0;

export function rawName(commonName: string, ...more: readonly [type: string, value: string][]): Uint8Array {
  const attributes: (readonly [string, string])[] = [[OID.country, 'CN'], [OID.commonName, commonName], ...more];
  return sequence(...attributes.map(([type, value]) => setOf(sequence(oid(type), utf8String(value)))));
}

export const newKey = (suite: Suite = 'es256'): PrivateKey => importPrivateKey(generateKeyPair(suite).pkcs8);

/** @param issuer absent: self-signed. */
export function rawCertificate(issuer: RawEntity | undefined, options: RawCertificate = {}): RawEntity {
  const key = options.key ?? newKey(options.suite ?? issuer?.key.suite ?? 'es256');
  const signer = issuer?.key ?? key;
  counter += 1;
  const subject = typeof options.subject === 'object' ? options.subject : rawName(options.subject ?? `subject ${counter}`);
  const version = options.version ?? 3;
  const extensions = encodeExtensions(issuer, key, options);
  const tbs = sequence(
    ...(version > 1 ? [explicit(0, integer(version - 1))] : []),
    tlv(TAG.integer, options.serial ?? Uint8Array.of(0x40, counter >> 8, counter & 0xff)),
    encodeSignatureAlgorithm(signer.suite),
    options.issuerName ?? issuer?.certificate.subject.der ?? subject,
    options.validity ??
      sequence(
        x509Time(options.notBefore ?? new Date('2026-01-01T00:00:00Z')),
        x509Time(options.notAfter ?? new Date('2030-01-01T00:00:00Z')),
      ),
    subject,
    key.publicKey.spki,
    ...(extensions.length > 0 ? [explicit(3, sequence(...extensions))] : []),
  );
  const der = sequence(tbs, encodeSignatureAlgorithm(signer.suite), bitString(options.signature ?? signMessage(signer, tbs)));
  return { certificate: parseCertificate(der), key };
}

/** An authority, self-signed without an issuer. */
export function rawAuthority(issuer: RawEntity | undefined, options: RawCertificate = {}): RawEntity {
  return rawCertificate(issuer, { ca: true, keyUsage: ['key-cert-sign', 'crl-sign'], ...options });
}

function encodeExtensions(issuer: RawEntity | undefined, key: PrivateKey, options: RawCertificate): Uint8Array[] {
  if ((options.version ?? 3) < 3) return [];
  const list: RawExtension[] = [{ oid: OID.subjectKeyIdentifier, value: octetString(keyIdentifier(key.publicKey.spki)) }];
  const ski = issuer?.certificate.ski;
  if (ski) list.push({ oid: OID.authorityKeyIdentifier, value: sequence(implicitPrimitive(0, ski)) });
  if (options.ca !== 'absent') {
    const parts = options.ca ? [boolean(true), ...(options.pathLength === undefined ? [] : [integer(options.pathLength)])] : [];
    list.push({ oid: OID.basicConstraints, critical: true, value: sequence(...parts) });
  }
  if (options.keyUsage)
    list.push({ oid: OID.keyUsage, critical: true, value: encodeFlags(options.keyUsage.map((usage) => KEY_USAGES.indexOf(usage))) });
  const own = options.extensions ?? [];
  const left = list.filter((item) => !own.some((other) => other.oid === item.oid) && !options.withoutExtensions?.includes(item.oid));
  return [...left, ...own].map(encodeExtension);
}

export function encodeExtension({ oid: type, critical, value }: RawExtension): Uint8Array {
  return sequence(oid(type), ...(critical ? [boolean(true)] : []), octetString(value));
}

/** A named bit list from the numbers of its bits. */
export function encodeFlags(bits: readonly number[], tag: number = TAG.bitString): Uint8Array {
  const last = Math.max(...bits);
  const octets = new Uint8Array((last >> 3) + 1);
  for (const bit of bits) octets[bit >> 3] = (octets[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  return tag === TAG.bitString ? bitString(octets, 7 - (last & 7)) : tlv(tag, Uint8Array.of(7 - (last & 7)), octets);
}

export const uriName = (address: string): Uint8Array => implicitPrimitive(6, Buffer.from(address, 'latin1'));
export const dnsName = (host: string): Uint8Array => implicitPrimitive(2, Buffer.from(host, 'latin1'));
export const emailName = (mailbox: string): Uint8Array => implicitPrimitive(1, Buffer.from(mailbox, 'latin1'));
export const ipName = (...octets: readonly number[]): Uint8Array => implicitPrimitive(7, Uint8Array.from(octets));
export const directoryName = (name: Uint8Array): Uint8Array => explicit(4, name);

export const altNames = (...names: readonly Uint8Array[]): RawExtension => ({ oid: OID.subjectAltName, value: sequence(...names) });
export const policies = (...oids: readonly string[]): RawExtension => ({
  oid: OID.certificatePolicies,
  value: sequence(...oids.map((policy) => sequence(oid(policy)))),
});
export function nameConstraints(permitted: readonly Uint8Array[], excluded: readonly Uint8Array[] = []): RawExtension {
  const list = (number: number, names: readonly Uint8Array[]) =>
    names.length > 0 ? [explicit(number, ...names.map((name) => sequence(name)))] : [];
  return { oid: OID.nameConstraints, critical: true, value: sequence(...list(0, permitted), ...list(1, excluded)) };
}

export interface RawPoint {
  names?: readonly Uint8Array[];
  reasons?: readonly number[];
  crlIssuer?: Uint8Array;
}

export const distributionPoints = (...points: readonly RawPoint[]): RawExtension => ({
  oid: OID.crlDistributionPoints,
  value: sequence(
    ...points.map(({ names, reasons, crlIssuer }) =>
      sequence(
        ...(names ? [explicit(0, explicit(0, ...names))] : []),
        ...(reasons ? [encodeFlags(reasons, 0x81)] : []),
        ...(crlIssuer ? [explicit(2, directoryName(crlIssuer))] : []),
      ),
    ),
  ),
});

export interface RawEntry {
  serial: Uint8Array;
  revokedAt?: Date;
  reason?: number;
  /** Name of another certificate issuer, for indirect lists. */
  issuer?: Uint8Array;
}

export interface RawCrl {
  number?: number;
  baseNumber?: number;
  withoutKeyIdentifier?: boolean;
  issuerName?: Uint8Array;
  thisUpdate?: Date;
  nextUpdate?: Date;
  entries?: readonly RawEntry[];
  scope?: { names?: readonly Uint8Array[]; onlyUser?: boolean; onlyCa?: boolean; reasons?: readonly number[]; indirect?: boolean };
  extensions?: readonly RawExtension[];
}

export function rawCrl(signer: RawEntity, options: RawCrl = {}): Crl {
  const { scope } = options;
  const extensions: RawExtension[] = [{ oid: OID.crlNumber, value: integer(options.number ?? 1) }];
  if (!options.withoutKeyIdentifier) {
    extensions.push({ oid: OID.authorityKeyIdentifier, value: sequence(implicitPrimitive(0, keyIdentifier(signer.certificate.spki))) });
  }
  if (options.baseNumber !== undefined) extensions.push({ oid: OID.deltaCrlIndicator, critical: true, value: integer(options.baseNumber) });
  if (scope) {
    const flag = (number: number, set: boolean | undefined) => (set ? [implicitPrimitive(number, Uint8Array.of(0xff))] : []);
    const value = sequence(
      ...(scope.names ? [explicit(0, explicit(0, ...scope.names))] : []),
      ...flag(1, scope.onlyUser),
      ...flag(2, scope.onlyCa),
      ...(scope.reasons ? [encodeFlags(scope.reasons, 0x83)] : []),
      ...flag(4, scope.indirect),
    );
    extensions.push({ oid: OID.issuingDistributionPoint, critical: true, value });
  }
  const entries = (options.entries ?? []).map(encodeEntry);
  const tbs = sequence(
    integer(1),
    encodeSignatureAlgorithm(signer.key.suite),
    options.issuerName ?? signer.certificate.subject.der,
    x509Time(options.thisUpdate ?? new Date('2026-05-30T00:00:00Z')),
    x509Time(options.nextUpdate ?? new Date('2026-06-06T00:00:00Z')),
    ...(entries.length > 0 ? [sequence(...entries)] : []),
    explicit(0, sequence(...[...extensions, ...(options.extensions ?? [])].map(encodeExtension))),
  );
  return parseCrl(sequence(tbs, encodeSignatureAlgorithm(signer.key.suite), bitString(signMessage(signer.key, tbs))));
}

function encodeEntry({ serial, revokedAt, reason, issuer }: RawEntry): Uint8Array {
  const extensions: RawExtension[] = [];
  if (reason !== undefined) extensions.push({ oid: OID.reasonCode, value: integer(reason, TAG.enumerated) });
  if (issuer) extensions.push({ oid: OID.certificateIssuer, critical: true, value: sequence(directoryName(issuer)) });
  const rest = extensions.length > 0 ? [sequence(...extensions.map(encodeExtension))] : [];
  return sequence(tlv(TAG.integer, serial), x509Time(revokedAt ?? new Date('2026-05-01T00:00:00Z')), ...rest);
}
