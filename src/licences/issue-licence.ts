/**
 * Issuing a licence: allot the number, make and seal OFD and PDF, and only then let it exist. A process that dies on the
 * way leaves a row nobody sees; `resume-issuing.ts` finishes it or takes it away.
 */
import type { LicencePhoto } from '#documents/page/licence-data.ts';
import { isUuid } from '#people/is-uuid.ts';
import { requireOrganisation } from '#people/organisations.ts';
import { Problem } from '#problem.ts';
import { requireUsableSeal } from '#seals/require-usable-seal.ts';
import { finishLicence } from './finish-licence.ts';
import { openPublicToken } from './licence-content.ts';
import { type ActingParty, type LicenceDeps, requireActing } from './licence-deps.ts';
import { requireLicenceType } from './licence-types.ts';
import type { LicenceRow } from './make-licence-files.ts';
import { type LicenceHolder, prepareLicence } from './prepare-licence.ts';
import { abandonLicence } from './resume-issuing.ts';

export interface IssueInput {
  /** Type code (21 characters) or our short name. */
  type: string;
  holder: LicenceHolder;
  /** By the type's field keys. */
  fields: Record<string, unknown>;
  issuerOrganisationId: string;
  /** Staff with the role `issuer` in that organisation, or a system of it. */
  by: ActingParty;
  photo?: LicencePhoto | undefined;
  /** Id of the licence whose next version this is. */
  replaces?: string | undefined;
  /** Sent again, the same request gives the same licence. 8–64 of A–Z a–z 0–9 _ -. */
  requestId?: string | undefined;
}

export interface IssuedLicence {
  licenceId: string;
  identifier: string;
  publicToken: string;
}

/**
 * Throws Problem `not-allowed`, `invalid-input` (pointers below /fields, /holder), `licence-type-not-found`, `seal-not-usable`,
 * `seal-use-not-allowed`, `seal-daily-limit`,
 * `character-not-in-font`, `licence-not-replaceable`, `licence-issue-unfinished`, `request-id-taken`.
 */
export async function issueLicence(deps: LicenceDeps, input: IssueInput): Promise<IssuedLicence> {
  const type = requireLicenceType(input.type);
  const { actor } = await requireActing(deps, input.by, { organisationId: input.issuerOrganisationId, role: 'issuer' });
  if (input.replaces !== undefined && !isUuid(input.replaces)) throw new Problem('licence-not-replaceable');
  const earlier = await findEarlier(deps, input, type.slug);
  if (earlier) return issuedOf(deps, earlier);
  const issuer = await requireOrganisation(deps, input.issuerOrganisationId);
  // Asked before a number is spent; asked again when the seal is used.
  await requireUsableSeal(deps, { organisationId: issuer.id, licenceType: type.slug, actor, at: deps.clock.now() });
  const licenceId = await prepareLicence(deps, {
    type,
    holder: input.holder,
    fields: input.fields,
    issuer,
    actor,
    photo: input.photo,
    replaces: input.replaces,
    requestId: input.requestId,
  });
  try {
    await finishLicence(deps, licenceId, actor);
  } catch (error) {
    // A refusal is final and the row goes; anything else (a full disk, a lost connection) is for resuming.
    if (error instanceof Problem && error.status < 500) await abandonLicence(deps, licenceId, error.code);
    throw error;
  }
  return issuedOf(deps, await deps.db.licence.findUniqueOrThrow({ where: { id: licenceId } }));
}

async function findEarlier({ db }: LicenceDeps, input: IssueInput, typeKey: string): Promise<LicenceRow | undefined> {
  const { requestId, issuerOrganisationId } = input;
  if (requestId === undefined) return undefined;
  if (!/^[A-Za-z0-9_-]{8,64}$/.test(requestId)) {
    throw new Problem('invalid-input', {
      errors: [
        { pointer: '/requestId', detail: '8 to 64 of A–Z a–z 0–9 _ -', detailZh: '请求编号应为8至64位字母、数字、下划线或连字符。' },
      ],
    });
  }
  const row = await db.licence.findUnique({ where: { issuerOrganisationId_requestId: { issuerOrganisationId, requestId } } });
  if (!row) return undefined;
  const holderId = 'personId' in input.holder ? input.holder.personId : input.holder.organisationId;
  if (row.typeKey !== typeKey || row.holderId !== holderId) throw new Problem('request-id-taken');
  if (row.status === 'preparing') throw new Problem('licence-issue-unfinished');
  return row;
}

function issuedOf(deps: LicenceDeps, row: LicenceRow): IssuedLicence {
  return { licenceId: row.id, identifier: row.identifier, publicToken: openPublicToken(deps.fields, row) };
}
