import type { FieldCipher } from '#crypto/field-cipher.ts';

/**
 * The person's subject at one sector (OpenID Connect Core §8.1): a keyed HMAC, so that two apps cannot put their users
 * together, and nobody without the key can compute it. Deterministic, with or without a request at hand, and the same for good.
 */
export function pairwiseSubject(fields: Pick<FieldCipher, 'lastingIdentifier'>, sector: string, personId: string): string {
  return Buffer.from(fields.lastingIdentifier('oidc.pairwise-subject', `${sector}\0${personId}`)).toString('base64url');
}
