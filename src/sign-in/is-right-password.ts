import { decoyHash, hashPassword, isPasswordOf, needsRehash } from './password-hash.ts';
import { LONGEST_PASSWORD } from './password-policy.ts';
import type { SignInDeps } from './proof.ts';

const NOBODY = '00000000-0000-0000-0000-000000000000';

/** A hash opens only in the row of its person. */
export const passwordPlace = (personId: string) => `password.hash:${personId}`;

/** Checks against the stored hash, or against a decoy at the same cost; renews a hash made with older parameters. */
export async function isRightPassword(
  { db, fields }: Pick<SignInDeps, 'db' | 'fields'>,
  personId: string | undefined,
  password: string,
): Promise<boolean> {
  const credential = await db.passwordCredential.findUnique({ where: { personId: personId ?? NOBODY } });
  const hashed = credential ? fields.openText(passwordPlace(credential.personId), credential.hash) : await decoyHash();
  const right = await isPasswordOf(hashed, password.slice(0, 4 * LONGEST_PASSWORD));
  if (!right || !credential) return false;
  if (needsRehash(hashed)) {
    // Only when nobody changed the password meanwhile.
    await db.passwordCredential.updateMany({
      where: { personId: credential.personId, hash: credential.hash },
      data: { hash: fields.seal(passwordPlace(credential.personId), await hashPassword(password)) },
    });
  }
  return true;
}
