/** Relying apps and systems: list, register, suspend. A secret is shown once, on the page that made it. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { staffActor } from '#access/staff.ts';
import { API_SCOPES } from '#oidc/api-scopes.ts';
import { SCOPES } from '#oidc/claims.ts';
import { findClient, listClients, setClientActive } from '#oidc/clients.ts';
import { type ClientInput, registerClient } from '#oidc/register-client.ts';
import { listOrganisations } from '#people/organisations.ts';
import { faultyField, Problem } from '#problem.ts';
import { type Refusal, refusalOf, refusalOfFaults } from '#web/refusal.ts';
import { requireStaff } from '#web/session.ts';
import { parseForm } from '#web/validate-with-zod.ts';
import type { WebContext } from '#web/web-context.ts';
import { ADMIN_SECTIONS } from './sections.ts';

const text = (max: number) => z.string().trim().max(max).default('');
const lines = text(4_000).transform((value) => value.split(/\s+/).filter(Boolean));
const required = (max: number) => z.string().trim().min(1, 'Fill this in. / 请填写。').max(max);
const oneOrMany = z.union([z.string().transform((one) => [one]), z.array(z.string())]).default([]);

const AppForm = z.object({
  id: required(64),
  kind: z.enum(['web', 'native', 'system'], { error: 'Choose a kind. / 请选择类型。' }),
  nameZh: required(60),
  nameEn: required(120),
  operatorZh: required(60),
  operatorEn: required(120),
  purposeZh: required(200),
  purposeEn: required(300),
  redirectUris: lines,
  postLogoutRedirectUris: lines,
  logoutUri: text(500),
  scopes: oneOrMany,
  authMethod: z.enum(['client_secret_basic', 'private_key_jwt', 'none'], { error: 'Choose how the app proves itself. / 请选择认证方式。' }),
  jwks: text(20_000),
  organisationId: text(64),
});

export function registerAppRoutes(server: FastifyInstance, context: WebContext): void {
  const options = { schema: { hide: true } };

  server.get('/admin/apps', options, async (request, reply) => {
    requireStaff(request, ['operator', 'auditor']);
    return reply.page('admin/apps', { sections: ADMIN_SECTIONS, apps: await listClients(context) });
  });

  async function formPage(request: FastifyRequest, reply: FastifyReply, refusal: Refusal | undefined = undefined) {
    requireStaff(request, 'operator');
    if (refusal) reply.code(refusal.status);
    const organisations = await listOrganisations(context, { limit: 200 });
    const scopes = { signIn: SCOPES, api: Object.entries(API_SCOPES) };
    return reply.page('admin/register-app', { sections: ADMIN_SECTIONS, scopes, organisations, refusal, values: request.body ?? {} });
  }

  server.get('/admin/apps/new', options, async (request, reply) => formPage(request, reply));

  server.post('/admin/apps/new', options, async (request, reply) => {
    const staff = requireStaff(request, 'operator');
    const { data, faults } = parseForm(AppForm, request.body);
    if (!data) return formPage(request, reply, refusalOfFaults(faults));
    try {
      const app = await registerClient(context, { ...clientInputOf(data), by: staffActor(staff), allowLoopback: !context.production });
      return reply.page('admin/registered-app', { sections: ADMIN_SECTIONS, app });
    } catch (error) {
      return formPage(request, reply, refusalOf(error));
    }
  });

  server.get<{ Params: { id: string } }>('/admin/apps/:id', options, async (request, reply) => {
    requireStaff(request, ['operator', 'auditor']);
    const app = await findClient(context, request.params.id);
    if (!app) throw new Problem('not-found');
    return reply.page('admin/app', { sections: ADMIN_SECTIONS, app });
  });

  server.post<{ Params: { id: string; act: string } }>('/admin/apps/:id/:act', options, async (request, reply) => {
    const staff = requireStaff(request, 'operator');
    const { id, act } = request.params;
    if (act !== 'suspend' && act !== 'resume') throw new Problem('not-found');
    await setClientActive(context, { id, active: act === 'resume', by: staffActor(staff) });
    return reply.redirect(`/admin/apps/${encodeURIComponent(id)}`, 303);
  });
}

function clientInputOf(form: z.output<typeof AppForm>): ClientInput {
  const { id, kind, redirectUris, postLogoutRedirectUris, logoutUri, scopes, authMethod, organisationId } = form;
  return {
    id,
    kind,
    name: { zh: form.nameZh, en: form.nameEn },
    operator: { zh: form.operatorZh, en: form.operatorEn },
    purpose: { zh: form.purposeZh, en: form.purposeEn },
    redirectUris,
    postLogoutRedirectUris,
    // One list of check boxes serves both kinds: each takes what is its own.
    scopes: scopes.filter((scope) => (kind === 'system') === Object.hasOwn(API_SCOPES, scope)),
    authMethod,
    ...(logoutUri ? { logoutUri } : {}),
    ...(form.jwks ? { jwks: parseJwks(form.jwks) } : {}),
    ...(organisationId ? { organisationId } : {}),
  };
}

function parseJwks(json: string): NonNullable<ClientInput['jwks']> {
  try {
    const parsed: unknown = JSON.parse(json);
    const keys = z
      .object({
        keys: z
          .array(z.looseObject({ kty: z.string() }))
          .min(1)
          .max(10),
      })
      .safeParse(parsed);
    if (keys.success) return keys.data as NonNullable<ClientInput['jwks']>;
  } catch {
    // Said below in the same words.
  }
  throw faultyField('/jwks', 'Not a JWK Set: { "keys": [ … ] }.', '不是有效的 JWK Set。');
}
