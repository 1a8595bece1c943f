/** Making a V4 seal (GB/T 38540-2020): the structure is encoded here, the seal maker's key signs elsewhere. */
import { bitString, generalizedTime, ia5String, integer, octetString, oid, sequence, utf8String } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import type { SignBytes } from '#documents/sign-bytes.ts';
import { Problem } from '#problem.ts';

export interface SealInput {
  /** 14 digits on government platforms. */
  esId: string;
  /** Full name of the seal. */
  name: string;
  /** Type number of the platform's table. */
  type: number;
  /** DER certificate of the seal maker. */
  makerCertificate: Uint8Array;
  /** DER certificates of those who may use the seal. */
  signerCertificates: readonly Uint8Array[];
  /** Whole millimetres, as the physical seal. */
  picture: { type: 'PNG'; data: Uint8Array; widthMm: number; heightMm: number };
  createdAt: Date;
  validFrom: Date;
  validTo: Date;
  /** ASCII name of the producing system. */
  vendor: string;
  /** The maker's SM2 key; the bytes are DER(eSealInfo). */
  sign: SignBytes;
}

/** DER of SES_SealInfo, the bytes the maker signs. Problem `invalid-input` for values the structure cannot hold. */
export function encodeSealInfo(input: Omit<SealInput, 'makerCertificate' | 'sign'>): Uint8Array {
  assertEncodable(input);
  return sequence(
    sequence(ia5String('ES'), integer(4), ia5String(input.vendor)),
    ia5String(input.esId),
    sequence(
      integer(input.type),
      utf8String(input.name),
      integer(1),
      sequence(...input.signerCertificates.map(octetString)),
      generalizedTime(input.createdAt),
      generalizedTime(input.validFrom),
      generalizedTime(input.validTo),
    ),
    sequence(
      ia5String(input.picture.type),
      octetString(input.picture.data),
      integer(input.picture.widthMm),
      integer(input.picture.heightMm),
    ),
  );
}

/** DER of SESeal. */
export async function buildSeal(input: SealInput): Promise<Uint8Array> {
  const info = encodeSealInfo(input);
  const signature = await input.sign(info);
  return sequence(info, octetString(input.makerCertificate), oid(OID.sm2WithSm3), bitString(signature));
}

function assertEncodable(input: Omit<SealInput, 'makerCertificate' | 'sign'>): void {
  const ascii = /^[\x20-\x7e]{1,64}$/;
  const { picture } = input;
  const faults: [boolean, string][] = [
    [ascii.test(input.vendor), '/vendor'],
    [ascii.test(input.esId), '/esId'],
    [input.name.length > 0 && input.name.length <= 200, '/name'],
    [Number.isSafeInteger(input.type) && input.type >= 0, '/type'],
    [input.signerCertificates.length > 0, '/signerCertificates'],
    [isMillimetres(picture.widthMm) && isMillimetres(picture.heightMm), '/picture'],
    [input.validFrom < input.validTo, '/validTo'],
  ];
  const errors = faults.filter(([good]) => !good).map(([, pointer]) => ({ pointer, detail: 'not acceptable in a seal' }));
  if (errors.length > 0) throw new Problem('invalid-input', { errors });
}

function isMillimetres(value: number): boolean {
  return Number.isInteger(value) && value > 0 && value <= 1000;
}
