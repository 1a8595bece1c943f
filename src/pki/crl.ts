/**
 * Certificate revocation lists (RFC 5280 §5). Reading scans the entries once into an index of serials, so that a list
 * with 10^5 entries is read in well under a second and each look-up is immediate.
 */
import { context, type DerElement, DerError, parseDer, TAG } from '#crypto/der.ts';
import { OID } from '#crypto/oids.ts';
import { readSignatureAlgorithm, type SignatureAlgorithm, verifySignature } from '#crypto/verify-signature.ts';
import type { Certificate } from './certificate.ts';
import { type CrlEntryIndex, entryKey, indexEntries, OWN } from './crl-entries.ts';
import { type Extension, parseAuthorityKey, parseExtensions } from './extensions.ts';
import { ALL_REASONS, type DistributionPointName, parseDistributionPointName, parseReasonFlags } from './general-name.ts';
import { type Name, nameKey, namesEqual, parseName } from './name.ts';
import { parsePem } from './pem.ts';

/** About a million entries. */
const MAX_CRL_BYTES = 64 * 1024 * 1024;
/** Only the frame goes through the element reader; entries are scanned. */
const LIMITS = { maxElements: 2_000, maxDepth: 20 };

export type RevocationReason =
  | 'unspecified'
  | 'key-compromise'
  | 'ca-compromise'
  | 'affiliation-changed'
  | 'superseded'
  | 'cessation-of-operation'
  | 'certificate-hold'
  | 'remove-from-crl'
  | 'privilege-withdrawn'
  | 'aa-compromise';

/** CRLReason numbers (§5.3.1). */
export const REASON_CODES: Record<RevocationReason, number> = {
  unspecified: 0,
  'key-compromise': 1,
  'ca-compromise': 2,
  'affiliation-changed': 3,
  superseded: 4,
  'cessation-of-operation': 5,
  'certificate-hold': 6,
  'remove-from-crl': 8,
  'privilege-withdrawn': 9,
  'aa-compromise': 10,
};

export interface RevokedEntry {
  serialHex: string;
  revokedAt: Date;
  reason: RevocationReason;
  /** When the key was probably lost, if that is earlier. */
  invalidityDate?: Date;
}

export interface IssuingDistributionPoint extends DistributionPointName {
  onlyUserCertificates: boolean;
  onlyCaCertificates: boolean;
  /** The reasons the list is about, as a mask of ReasonFlags. */
  reasons: number;
  indirect: boolean;
  onlyAttributeCertificates: boolean;
}

const KNOWN_EXTENSIONS: readonly string[] = [
  OID.crlNumber,
  OID.authorityKeyIdentifier,
  OID.issuingDistributionPoint,
  OID.deltaCrlIndicator,
];

export class Crl {
  readonly der: Uint8Array;
  readonly tbs: Uint8Array;
  readonly issuer: Name;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  readonly number: bigint | undefined;
  readonly aki: Uint8Array | undefined;
  readonly extensions: ReadonlyMap<string, Extension>;
  readonly issuingDistributionPoint: IssuingDistributionPoint | undefined;
  /** Certificates that expired at or after this time are still listed when revoked (expiredCertsOnCRL). */
  readonly expiredKeptSince: Date | undefined;
  readonly isDelta: boolean;
  /** A delta list: the number of the complete list it starts from (§5.2.4). */
  readonly baseNumber: bigint | undefined;
  /** A critical extension, of the list or of any entry, that we do not process: nothing may be concluded from the list (§5.2, §5.3). */
  readonly unknownCritical: boolean;
  readonly signatureOid: string;
  readonly signatureAlgorithm: SignatureAlgorithm | undefined;
  readonly signature: Uint8Array;
  readonly #entries: CrlEntryIndex;

  /** @param lookUp false for who asks about the list itself only: no entry is found then, and a million take no memory. */
  constructor(der: Uint8Array, { lookUp = true }: { lookUp?: boolean } = {}) {
    if (der.length > MAX_CRL_BYTES) throw new DerError('CRL too large');
    const outer = parseDer(der, LIMITS).expect(TAG.sequence);
    const tbs = outer.at(0, TAG.sequence);
    const fields = [...tbs.children];
    const hasVersion = fields[0]?.tag === TAG.integer;
    if (hasVersion && fields.shift()?.asNumber() !== 1) throw new DerError('CRL version other than 2');
    const [algorithm, issuer, thisUpdate, ...rest] = fields;
    if (!algorithm || !issuer || !thisUpdate || outer.children.length !== 3) throw new DerError('a CRL has other parts');
    this.der = der;
    this.tbs = tbs.bytes;
    this.issuer = parseName(issuer);
    this.thisUpdate = thisUpdate.asTime();
    this.nextUpdate = rest[0]?.tag === TAG.utcTime || rest[0]?.tag === TAG.generalizedTime ? rest.shift()?.asTime() : undefined;
    this.#entries = indexEntries(
      rest[0]?.tag === TAG.sequence ? (rest.shift()?.content ?? new Uint8Array()) : new Uint8Array(),
      this.issuer,
      lookUp,
    );
    const extensions = rest.shift();
    if (rest.length > 0 || (extensions && (!hasVersion || extensions.tag !== context(0)))) throw new DerError('a CRL has other parts');
    this.extensions = extensions ? parseExtensions(extensions.inner()) : new Map();
    this.number = this.#read(OID.crlNumber, (value) => value.asBigInt());
    this.aki = this.#read(OID.authorityKeyIdentifier, (value) => parseAuthorityKey(value.bytes));
    this.issuingDistributionPoint = this.#read(OID.issuingDistributionPoint, parseIssuingDistributionPoint);
    this.expiredKeptSince = this.#read(OID.expiredCertsOnCrl, (value) => value.asTime());
    this.baseNumber = this.#read(OID.deltaCrlIndicator, (value) => value.asBigInt());
    this.isDelta = this.baseNumber !== undefined;
    const unknown = [...this.extensions.values()].some(({ oid, critical }) => critical && !KNOWN_EXTENSIONS.includes(oid));
    this.unknownCritical = unknown || this.#entries.unknownCritical;
    this.signatureOid = outer.at(1).at(0).asOid();
    if (algorithm.at(0).asOid() !== this.signatureOid) throw new DerError('signature algorithm inside and outside differ');
    this.signatureAlgorithm = readSignatureAlgorithm(outer.at(1));
    this.signature = outer.at(2).asBits();
  }

  get count(): number {
    return this.#entries.offsets.size;
  }

  /**
   * The entry of this serial (hexadecimal as `Certificate.serialHex` has it), if it is listed. Throws DerError when that entry is damaged.
   * @param issuer who issued the certificate, for indirect lists; the issuer of the list when absent.
   */
  find(serialHex: string, issuer?: Name): RevokedEntry | undefined {
    const foreign = issuer && !namesEqual(issuer, this.issuer) ? nameKey(issuer) : OWN;
    const at = this.#entries.offsets.get(entryKey(serialHex, foreign));
    if (at === undefined) return undefined;
    const [, time, extensions] = parseDer(this.#entries.content.subarray(at.start, at.end)).children;
    if (!time) throw new DerError('CRL entry without a time');
    const found = extensions ? parseExtensions(extensions) : undefined;
    const reason = found?.get(OID.reasonCode);
    const invalidity = found?.get(OID.invalidityDate);
    return {
      serialHex,
      revokedAt: time.asTime(),
      reason: reason ? reasonOfCode(parseDer(reason.value).expect(TAG.enumerated).asNumber()) : 'unspecified',
      ...(invalidity ? { invalidityDate: parseDer(invalidity.value).asTime() } : {}),
    };
  }

  /** Every listed serial; those of other issuers, in an indirect list, with the issuer in front. */
  serials(): IterableIterator<string> {
    return this.#entries.offsets.keys();
  }

  #read<T>(oid: string, parse: (value: DerElement) => T): T | undefined {
    const extension = this.extensions.get(oid);
    return extension ? parse(parseDer(extension.value)) : undefined;
  }
}

/** Reads a CRL from DER. Throws DerError when it is not one. */
export function parseCrl(der: Uint8Array): Crl {
  return new Crl(der);
}

/** The CRLs of a file: one in DER, or any number of PEM blocks. */
export function parseCrlFile(bytes: Uint8Array): Crl[] {
  if (bytes[0] === 0x30) return [new Crl(bytes)];
  return parsePem(Buffer.from(bytes).toString('latin1'), 'X509 CRL').map((der) => new Crl(der));
}

/** Whether the list names this certificate as its issuer and its key made the signature. Never throws. */
export function isCrlSignedBy(crl: Crl, issuer: Certificate): boolean {
  if (!crl.signatureAlgorithm || !namesEqual(crl.issuer, issuer.subject)) return false;
  try {
    return verifySignature(issuer.publicKey(), crl.signatureAlgorithm, crl.tbs, crl.signature);
  } catch {
    return false;
  }
}

export function reasonOfCode(code: number): RevocationReason {
  return (Object.keys(REASON_CODES) as RevocationReason[]).find((reason) => REASON_CODES[reason] === code) ?? 'unspecified';
}

function parseIssuingDistributionPoint(value: DerElement): IssuingDistributionPoint {
  const flag = (number: number) => (value.find(context(number, false))?.content[0] ?? 0) !== 0;
  const onlySome = value.find(context(3, false));
  return {
    ...parseDistributionPointName(value.expect(TAG.sequence).find(context(0))?.inner()),
    onlyUserCertificates: flag(1),
    onlyCaCertificates: flag(2),
    reasons: onlySome ? parseReasonFlags(onlySome.content) : ALL_REASONS,
    indirect: flag(4),
    onlyAttributeCertificates: flag(5),
  };
}
