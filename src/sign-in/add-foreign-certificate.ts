/** Adding a certificate of another authority to one's own account: only who is signed in, well enough and lately, and is the person it names. */
import { addForeignCertificate } from '#certificates/foreign-certificates.ts';
import { requireForeignHolder } from '#certificates/judge-foreign-certificate.ts';
import { type PersonSession, requireCertain } from '#certificates/request-person-certificate.ts';
import { findPersonIdByCitizenNumber } from '#people/find-person.ts';
import { Problem } from '#problem.ts';
import { type ForeignSignInDeps, type ForeignTry, proveForeignKey } from './sign-in-with-foreign-certificate.ts';

export interface ForeignAdding extends ForeignTry {
  personId: string;
  session: PersonSession;
}

/**
 * Throws Problem `person-level-too-low`, `fresh-sign-in-needed`, `foreign-certificate-other-person`, `foreign-certificate-linked`,
 * `certificate-limit`, and for key and certificate as `signInWithForeignCertificate`.
 */
export async function addOwnForeignCertificate(deps: ForeignSignInDeps, { personId, session, ...input }: ForeignAdding): Promise<void> {
  await requireCertain(deps, personId, session);
  const { proof, forgive, fail } = await proveForeignKey(deps, 'foreign-add', input);
  try {
    const holder = await requireForeignHolder(deps, proof);
    const named = await findPersonIdByCitizenNumber(deps, holder.citizenNumber);
    if (named !== personId) throw new Problem('foreign-certificate-other-person');
    await addForeignCertificate(deps, { personId, certificate: proof.certificate, holder });
    await forgive();
  } catch (error) {
    if (error instanceof Problem) await fail(error.code);
    throw error;
  }
}
