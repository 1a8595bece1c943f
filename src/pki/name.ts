/** Distinguished names (X.501, RFC 5280 §4.1.2.4 and §7.1). */
import { type DerElement, TAG } from '#crypto/der.ts';
import { oid, printableString, sequence, setOf, utf8String } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';

export interface NameAttribute {
  oid: string;
  /** Decoded text; `#` and hex when the value is not a character string we can read. */
  value: string;
}

export interface Name {
  /** The encoding as it stood in the certificate. */
  der: Uint8Array;
  attributes: readonly NameAttribute[];
  /** One string per RDN, prepared for comparison. */
  readonly prepared: readonly string[];
}

const RDN_SEPARATOR = '\u0000';
const PAIR_SEPARATOR = '\u0001';

const SHORT_NAMES: Record<string, string> = {
  [OID.commonName]: 'CN',
  [OID.surname]: 'SN',
  [OID.serialNumber]: 'serialNumber',
  [OID.country]: 'C',
  [OID.locality]: 'L',
  [OID.province]: 'ST',
  [OID.organisation]: 'O',
  [OID.organisationalUnit]: 'OU',
  [OID.givenName]: 'GN',
  [OID.organisationIdentifier]: 'organizationIdentifier',
  [OID.email]: 'emailAddress',
  [OID.domainComponent]: 'DC',
};

/** Reads a Name. Throws DerError when it is not one. */
export function parseName(element: DerElement): Name {
  const attributes: NameAttribute[] = [];
  const prepared: string[] = [];
  for (const rdn of element.expect(TAG.sequence).children) {
    rdn.expect(TAG.set);
    prepared.push(readRdn(rdn, attributes));
  }
  return { der: element.bytes, attributes, prepared };
}

/**
 * Reads the pairs of one RelativeDistinguishedName, adds them to `attributes`, and returns its prepared form. The tag is not
 * looked at: a name relative to a CRL issuer stands under a tag of its own.
 */
export function readRdn(rdn: DerElement, attributes: NameAttribute[] = []): string {
  const parts: string[] = [];
  for (const pair of rdn.children) {
    const type = pair.expect(TAG.sequence).at(0).asOid();
    const valueElement = pair.at(1);
    const text = readText(valueElement);
    attributes.push({ oid: type, value: text ?? `#${Buffer.from(valueElement.bytes).toString('hex')}` });
    parts.push(`${type}=${text === undefined ? `#${Buffer.from(valueElement.bytes).toString('hex')}` : prepareText(text)}`);
  }
  return parts.sort().join(PAIR_SEPARATOR);
}

function readText(element: DerElement): string | undefined {
  try {
    return element.asText();
  } catch {
    return undefined;
  }
}

/**
 * RFC 4518 as far as it matters here: line ends and tabs are spaces, invisible characters are nothing, one form of characters,
 * no case, runs of spaces as one. What comes out holds no control characters, so that the separators cannot be forged.
 */
function prepareText(text: string): string {
  if (/^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/.test(text)) return text.toLowerCase();
  return text
    .replace(/[\t\n\v\f\r\u0085]/g, ' ')
    .replace(/[\p{Cc}\p{Cf}]|\p{Variation_Selector}|\u034f|\u1806|\ufffc/gu, '')
    .normalize('NFKC')
    .toLowerCase()
    .normalize('NFKC')
    .replace(/\s+/g, ' ')
    .trim();
}

/** Whether two names are the same by RFC 5280 §7.1. An empty name equals nothing but itself. */
export function namesEqual(a: Name, b: Name): boolean {
  if (Buffer.compare(a.der, b.der) === 0) return true;
  return a.prepared.length === b.prepared.length && a.prepared.every((part, index) => part === b.prepared[index]);
}

/** A string equal for names that are equal: for indexes. */
export function nameKey(name: Name): string {
  return name.prepared.join(RDN_SEPARATOR);
}

/** The index string of a name that is given relative to another. */
export function relativeNameKey(base: Name, preparedRdn: string): string {
  return [...base.prepared, preparedRdn].join(RDN_SEPARATOR);
}

/** Whether `name` lies in the subtree of `base`: RFC 5280 §7.1, the same RDNs from the top. */
export function isWithinName(name: Name, base: Name): boolean {
  return base.prepared.length <= name.prepared.length && base.prepared.every((part, index) => part === name.prepared[index]);
}

/** The value of the last attribute of this type, which is the most specific one. */
export function attributeOf(name: Name, type: string): string | undefined {
  return name.attributes.findLast((attribute) => attribute.oid === type)?.value;
}

/** For people, most general first as Chinese software writes it: `C=CN, O=…, CN=…`; special characters escaped as in RFC 4514. */
export function nameToString(name: Name): string {
  return name.attributes.map(({ oid: type, value }) => `${SHORT_NAMES[type] ?? type}=${value.replace(/[,+"\\<>;=]/g, '\\$&')}`).join(', ');
}

/** Writes a Name, one attribute per RDN: country as PrintableString, all else UTF8String (GM/T 0015, RFC 5280 §4.1.2.4). */
export function encodeName(attributes: readonly NameAttribute[]): Uint8Array {
  return sequence(
    ...attributes.map(({ oid: type, value }) => {
      const text = type === OID.country || type === OID.serialNumber ? printableString(value) : utf8String(value);
      return setOf(sequence(oid(type), text));
    }),
  );
}
