/** What one licence says, apart from its looks; and the canonical bytes of that, whose digest both files carry. */
import { createHash } from 'node:crypto';

export interface LicencePhoto {
  format: 'PNG' | 'JPEG';
  bytes: Uint8Array;
}

/** 加注件 (GB/T 36903): a copy made for one purpose. */
export interface CopyMark {
  madeAt: Date;
  /** Who asked for it. */
  madeBy: string;
  purpose: string;
  /** `YYYY-MM-DD`, the last day. */
  validUntil: string;
}

/** Dates are `YYYY-MM-DD` in China's time. */
export interface LicenceData {
  typeCode: string;
  /** 证照标识, GB/T 36904. */
  identifier: string;
  /** 证照编号, the number on its face. */
  number: string;
  /** Three digits, `001` first. */
  version: string;
  holder: {
    name: string;
    identifier: string;
    /** GB/T 36903 Annex A: `111` citizen number, `001` unified social credit code. */
    identifierType: string;
  };
  issuer: {
    name: string;
    code: string;
    /** GB/T 2260. */
    divisionCode: string;
  };
  issuedOn: string;
  validFrom?: string;
  /** Absent: without end. */
  validTo?: string;
  fields: Readonly<Record<string, string>>;
  /** Full address of the public status page; goes into the printed QR code. */
  verifyAddress: string;
  photo?: LicencePhoto;
  copy?: CopyMark;
}

/**
 * JSON by RFC 8785 (sorted names, no blanks). The public address is left out (it holds a secret token and says nothing about the
 * licence), and so is the copy mark: a copy has the digest of the licence it was made from. A photo enters by its digest.
 */
export function canonicalLicenceData(data: LicenceData): Uint8Array<ArrayBuffer> {
  const { verifyAddress: _address, copy: _copy, photo, ...content } = data;
  const whole = photo
    ? { ...content, photo: { format: photo.format, sha256: createHash('sha256').update(photo.bytes).digest('hex') } }
    : content;
  return new TextEncoder().encode(canonicalJson(whole));
}

/** `sha256:` and hexadecimal. */
export function licenceDataDigest(data: LicenceData): string {
  return `sha256:${createHash('sha256').update(canonicalLicenceData(data)).digest('hex')}`;
}

type Json = string | number | boolean | null | undefined | readonly Json[] | { readonly [name: string]: Json };

/** RFC 8785 for what licences hold: names in UTF-16 order, `undefined` left out. Numbers print as ECMAScript prints them, as there. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map((item: Json) => canonicalJson(item ?? null)).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const members = Object.entries(value as Record<string, Json>).filter(([, member]) => member !== undefined);
    members.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join(',')}}`;
  }
  return JSON.stringify(value ?? null);
}
