/** What a licence says, as it is kept: one encrypted JSON per licence, from which both files are made and pages are filled. */
import { createHash } from 'node:crypto';
import type { FieldCipher } from '#crypto/field-cipher.ts';
import type { LicenceData, LicencePhoto } from '#documents/page/licence-data.ts';

/** Without what other columns hold: identifier, version, public token, photo. */
export type LicenceContent = Pick<LicenceData, 'holder' | 'issuer' | 'number' | 'issuedOn' | 'validFrom' | 'validTo' | 'fields'>;

/** A value opens only in the licence and column it was sealed for. */
export const contentPlace = (licenceId: string) => `licence.content:${licenceId}`;
export const photoPlace = (licenceId: string) => `licence.photo:${licenceId}`;
export const publicTokenPlace = (licenceId: string) => `licence.public-token:${licenceId}`;

export function sealContent(fields: FieldCipher, licenceId: string, content: LicenceContent): Uint8Array<ArrayBuffer> {
  return fields.seal(contentPlace(licenceId), JSON.stringify(content));
}

export function openContent(fields: FieldCipher, row: { id: string; content: Uint8Array }): LicenceContent {
  return JSON.parse(fields.openText(contentPlace(row.id), row.content)) as LicenceContent;
}

export function sealPhoto(fields: FieldCipher, licenceId: string, photo: LicencePhoto): Uint8Array<ArrayBuffer> {
  const format = photo.format === 'PNG' ? 1 : 2;
  return fields.seal(photoPlace(licenceId), Buffer.concat([Buffer.of(format), photo.bytes]));
}

export function openPhoto(fields: FieldCipher, row: { id: string; photo: Uint8Array | null }): LicencePhoto | undefined {
  if (!row.photo) return undefined;
  const plain = fields.open(photoPlace(row.id), row.photo);
  return { format: plain[0] === 1 ? 'PNG' : 'JPEG', bytes: plain.subarray(1) };
}

/** The token in the printed address, kept sealed so that a stolen table opens no page. */
export function sealPublicToken(fields: FieldCipher, licenceId: string, token: string) {
  return { publicToken: fields.seal(publicTokenPlace(licenceId), token), publicTokenIndex: publicTokenIndexOf(token) };
}

export function openPublicToken(fields: FieldCipher, row: { id: string; publicToken: Uint8Array }): string {
  return fields.openText(publicTokenPlace(row.id), row.publicToken);
}

/** A token is 128 random bits: nobody finds it from its digest, with or without a key. So what is printed outlives every key. */
export function publicTokenIndexOf(token: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(createHash('sha256').update('licence.public-token\0').update(token).digest());
}

/** Under which a licence of this token may stand: older ones were indexed with a key. */
export function publicTokenIndexes(fields: FieldCipher, token: string): Uint8Array<ArrayBuffer>[] {
  return [publicTokenIndexOf(token), ...fields.blindIndexes('licence.public-token', token)];
}
