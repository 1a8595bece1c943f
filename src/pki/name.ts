/** Distinguished names (X.501, RFC 5280 §4.1.2.4 and §7.1). */
import { type DerElement, oid, printableString, sequence, setOf, TAG, utf8String } from '#crypto/der.ts';
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
    const parts: string[] = [];
    for (const pair of rdn.expect(TAG.set).children) {
      const type = pair.expect(TAG.sequence).at(0).asOid();
      const valueElement = pair.at(1);
      const text = readText(valueElement);
      attributes.push({ oid: type, value: text ?? `#${Buffer.from(valueElement.bytes).toString('hex')}` });
      parts.push(`${type}=${text === undefined ? Buffer.from(valueElement.bytes).toString('hex') : prepareText(text)}`);
    }
    prepared.push(parts.sort().join('+'));
  }
  return { der: element.bytes, attributes, prepared };
}

function readText(element: DerElement): string | undefined {
  try {
    return element.asText();
  } catch {
    return undefined;
  }
}

/** RFC 4518 as far as it matters here: one form of characters, no case, runs of spaces as one. */
function prepareText(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
}

/** Whether two names are the same by RFC 5280 §7.1. An empty name equals nothing but itself. */
export function namesEqual(a: Name, b: Name): boolean {
  if (Buffer.compare(a.der, b.der) === 0) return true;
  return a.prepared.length === b.prepared.length && a.prepared.every((part, index) => part === b.prepared[index]);
}

/** A string equal for names that are equal: for indexes. */
export function nameKey(name: Name): string {
  return name.prepared.join('\u0000');
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
