import { type Account, errors } from 'oidc-provider';
import { findStaffPositions } from '#access/find-staff.ts';
import { findPerson } from '#people/find-person.ts';
import { findOrganisation, organisationIdentifier } from '#people/organisations.ts';
import type { PersonView } from '#people/person.ts';
import { type ClaimName, claimsOfScopes, claimText, isClaimName } from './claims.ts';
import type { OidcDeps } from './oidc-deps.ts';

type Deps = Pick<OidcDeps, 'db' | 'clock' | 'fields'>;

/**
 * The person behind a session or token. Nothing is opened until claims are asked for, and then only those that are:
 * most requests of the engine need the id alone.
 */
export function accountOf(deps: Deps, personId: string): Account {
  return {
    accountId: personId,
    async claims(_use, scope, asked, rejected) {
      const refused = new Set(rejected);
      const wanted = [...new Set([...claimsOfScopes(scope.split(' ')), ...Object.keys(asked).filter(isClaimName)])];
      const names = wanted.filter((name) => !refused.has(name) && !refused.has(claimText(name).with ?? name));
      return { sub: personId, ...(await claimsOfPerson(deps, personId, names)) };
    },
  };
}

/** Values of exactly these claims; a claim for which the person has no value is left out. */
export async function claimsOfPerson(deps: Deps, personId: string, names: readonly ClaimName[]): Promise<Record<string, unknown>> {
  if (names.length === 0) return {};
  const person = await findPerson(deps, personId);
  if (!person) throw new errors.InvalidGrant('the person is not known any more');
  const claims: Record<string, unknown> = {};
  for (const name of names) {
    const value = name === 'organisations' ? await organisationsOf(deps, personId) : claimOf(person, name);
    if (value !== undefined) claims[name] = value;
  }
  return claims;
}

function claimOf(person: PersonView, name: Exclude<ClaimName, 'organisations'>): unknown {
  switch (name) {
    case 'name':
      return person.name;
    case 'phone_number':
      return person.phone;
    case 'phone_number_verified':
      return person.phone === undefined ? undefined : true;
    case 'citizen_number_masked':
      return person.masked.citizenNumber;
    case 'assurance_level':
      return person.assuranceLevel;
    case 'citizen_number':
      return person.citizenNumber;
  }
}

/** For whom the person may act: name, code and roles of each organisation. */
async function organisationsOf(deps: Deps, personId: string) {
  const positions = await findStaffPositions(deps, personId);
  const organisations = await Promise.all(
    positions.map(async ({ organisationId, roles }) => {
      const organisation = await findOrganisation(deps, organisationId);
      return organisation && { name: organisation.name, code: organisationIdentifier(organisation), roles };
    }),
  );
  return organisations.filter((organisation) => organisation !== undefined);
}
