/** What a finished sign-in proves, and what all ways of signing in need. */
import { requirePerson } from '#people/find-person.ts';
import type { PeopleDeps } from '#people/person.ts';
import type { EphemeralStore } from '#ports/ephemeral-store.ts';
import type { SmsGateway } from '#ports/sms-gateway.ts';
import { type AuthenticationMethod, acrOf } from './acr.ts';

export interface SignInDeps extends PeopleDeps {
  ephemeral: EphemeralStore;
  sms: SmsGateway;
}

export interface Proof {
  personId: string;
  /** `urn:tongren:acr:1` … `5` */
  acr: string;
  amr: string[];
  /** When the person proved it. */
  at: Date;
  /** Entry of the trust list on which it rests, if any. */
  trustEntryId?: string;
}

export async function proofOf(deps: PeopleDeps, personId: string, method: AuthenticationMethod): Promise<Proof> {
  const { assuranceLevel } = await requirePerson(deps, personId);
  return { personId, acr: acrOf(assuranceLevel, [method]), amr: [method], at: deps.clock.now() };
}
