/**
 * Who may use an operation of the API: a system with an access token of ours and the scope, acting for its organisation;
 * or staff signed in at the portal with the role (their requests carry the token against forgery).
 */
import type { FastifyRequest } from 'fastify';
import type { Role } from '#access/staff.ts';
import type { ActingParty } from '#licences/licence-deps.ts';
import type { ApiScope } from '#oidc/api-scopes.ts';
import { Problem } from '#problem.ts';
import { requireStaff } from '#web/session.ts';
import type { WebContext } from '#web/web-context.ts';

/** Whom a use-case sees; always within one organisation. */
export type ApiParty = ActingParty & { organisationId: string };

/** Throws Problem `not-signed-in`, `not-allowed`, `position-not-chosen`. */
export async function authorise(
  context: WebContext,
  request: FastifyRequest,
  need: { scope: ApiScope; role: Role | readonly Role[] },
): Promise<ApiParty> {
  const token = /^bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) {
    if (request.headers.authorization !== undefined) throw new Problem('not-signed-in');
    const { personId, organisationId } = requireStaff(request, need.role);
    return { personId, organisationId };
  }
  if (!context.oidc) throw new Problem('not-signed-in');
  const { clientId, organisationId } = await context.oidc.verifyAccessToken(token, need.scope);
  if (organisationId === undefined) {
    const detail = 'This client is not registered for an organisation.';
    throw new Problem('not-allowed', { detail, detailZh: '该应用未登记所属机构。' });
  }
  return { clientId, organisationId };
}
