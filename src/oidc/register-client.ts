/**
 * Registering a relying app or a system. Addresses are exact and https; plain http only on loopback, and only where
 * development allows it. The secret is shown once and stored sealed.
 */
import { randomBytes } from 'node:crypto';
import type { JWK } from 'jose';
import { recordEvent } from '#audit/record-event.ts';
import { findOrganisation } from '#people/organisations.ts';
import { type FieldFault, Problem } from '#problem.ts';
import { isUniqueViolation, type Prisma } from '#storage/database.ts';
import { isApiScope } from './api-scopes.ts';
import { isClaimName, SCOPE_CLAIMS } from './claims.ts';
import { type ClientText, type ClientView, secretPlace, viewOfClient } from './clients.ts';
import type { OidcDeps } from './oidc-deps.ts';

export type ClientAuthMethod = 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt' | 'none';

export interface ClientInput {
  id: string;
  /** web: a relying app with its own server; native: an app on a phone; system: calls the API, no person signs in. */
  kind: 'web' | 'native' | 'system';
  name: ClientText;
  /** Who runs it and receives the data. */
  operator: ClientText;
  purpose: ClientText;
  contact?: string;
  homepage?: string;
  redirectUris?: readonly string[];
  postLogoutRedirectUris?: readonly string[];
  /** Back-channel logout. */
  logoutUri?: string;
  /** False when the app only needs the subject in logout tokens. Default true. */
  logoutWithSid?: boolean;
  scopes: readonly string[];
  requiredClaims?: readonly string[];
  /** Of the city itself: what the registration allows is given without asking, sensitive claims excepted. */
  firstParty?: boolean;
  /** For whom a system acts at the API. */
  organisationId?: string;
  authMethod: ClientAuthMethod;
  jwks?: { keys: JWK[] };
  jwksUri?: string;
  idTokenAlg?: 'ES256' | 'RS256';
  /** Host that decides the subject; needed when redirect addresses lie on several hosts. */
  sector?: string;
}

type Deps = Pick<OidcDeps, 'db' | 'clock' | 'fields'>;

/** @throws Problem `invalid-input` naming every fault, `client-taken`. */
export async function registerClient(
  { db, clock, fields }: Deps,
  input: ClientInput & { by: string; allowLoopback?: boolean },
): Promise<ClientView & { secret?: string }> {
  const faults = faultsOf(input, input.allowLoopback === true);
  if (input.organisationId !== undefined && !(await findOrganisation({ db }, input.organisationId)))
    faults.push({ pointer: '/organisationId', detail: 'There is no such organisation.', detailZh: '未找到该机构。' });
  if (faults.length > 0) throw new Problem('invalid-input', { errors: faults });
  const at = clock.now();
  const secret = input.authMethod.startsWith('client_secret') ? randomBytes(32).toString('base64url') : undefined;
  try {
    const row = await db.$transaction(async (tx) => {
      const created = await tx.oidcClient.create({
        data: {
          id: input.id,
          nameZh: input.name.zh,
          nameEn: input.name.en,
          operatorZh: input.operator.zh,
          operatorEn: input.operator.en,
          purposeZh: input.purpose.zh,
          purposeEn: input.purpose.en,
          contact: input.contact ?? null,
          homepage: input.homepage ?? null,
          firstParty: input.firstParty ?? false,
          organisationId: input.organisationId ?? null,
          sector: sectorOf(input) ?? input.id,
          logoutUri: input.logoutUri ?? null,
          logoutWithSid: input.logoutWithSid ?? true,
          requiredClaims: [...(input.requiredClaims ?? [])],
          metadata: metadataOf(input),
          sealedSecret: secret === undefined ? null : fields.seal(secretPlace(input.id), secret),
          createdBy: input.by,
          createdAt: at,
          updatedAt: at,
        },
      });
      const detail = { firstParty: created.firstParty, scopes: [...input.scopes] };
      await recordEvent(tx, { kind: 'client-registered', actor: input.by, subject: `client:${input.id}`, detail, at });
      return created;
    });
    return { ...viewOfClient(row), ...(secret === undefined ? {} : { secret }) };
  } catch (error) {
    if (isUniqueViolation(error)) throw new Problem('client-taken', { cause: error });
    throw error;
  }
}

/** New addresses for a registered app, under the same rules. Problems `invalid-input`, `client-not-found`. */
export async function changeClientAddresses(
  { db, clock }: Pick<Deps, 'db' | 'clock'>,
  input: Required<Pick<ClientInput, 'id' | 'redirectUris' | 'postLogoutRedirectUris'>> &
    Pick<ClientInput, 'logoutUri'> & { by: string; allowLoopback?: boolean },
): Promise<void> {
  const row = await db.oidcClient.findUnique({ where: { id: input.id } });
  if (!row) throw new Problem('client-not-found');
  const metadata = row.metadata as Prisma.JsonObject;
  const faults = addressFaults(input, input.allowLoopback === true, metadata['application_type'] === 'native');
  if (faults.length > 0) throw new Problem('invalid-input', { errors: faults });
  const next = { ...metadata, redirect_uris: [...input.redirectUris], post_logout_redirect_uris: [...input.postLogoutRedirectUris] };
  if (JSON.stringify(next) === JSON.stringify(metadata) && row.logoutUri === (input.logoutUri ?? null)) return;
  const at = clock.now();
  await db.$transaction(async (tx) => {
    await tx.oidcClient.update({
      where: { id: input.id },
      data: { metadata: next as Prisma.InputJsonObject, logoutUri: input.logoutUri ?? null, updatedAt: at },
    });
    await recordEvent(tx, { kind: 'client-addresses-changed', actor: input.by, subject: `client:${input.id}`, at });
  });
}

function metadataOf(input: ClientInput): Prisma.InputJsonObject {
  const system = input.kind === 'system';
  const sector = input.sector;
  return {
    application_type: input.kind === 'native' ? 'native' : 'web',
    // A system's scopes are of the API; the engine takes no empty `scope`.
    ...(system ? { api_scope: input.scopes.join(' ') } : { scope: input.scopes.join(' ') }),
    redirect_uris: [...(input.redirectUris ?? [])],
    post_logout_redirect_uris: [...(input.postLogoutRedirectUris ?? [])],
    response_types: system ? [] : ['code'],
    grant_types: system ? ['client_credentials'] : ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: input.authMethod,
    ...(input.authMethod === 'private_key_jwt' ? { token_endpoint_auth_signing_alg: 'ES256' } : {}),
    ...(input.jwks ? { jwks: input.jwks as unknown as Prisma.InputJsonObject } : {}),
    ...(input.jwksUri ? { jwks_uri: input.jwksUri } : {}),
    subject_type: system ? 'public' : 'pairwise',
    ...(sector === undefined || system ? {} : { sector_identifier_uri: `https://${sector}/` }),
    id_token_signed_response_alg: input.idTokenAlg ?? 'ES256',
    ...(input.homepage ? { client_uri: input.homepage } : {}),
  };
}

function sectorOf(input: ClientInput): string | undefined {
  if (input.sector !== undefined) return input.sector;
  const hosts = new Set((input.redirectUris ?? []).filter((uri) => URL.canParse(uri)).map((uri) => new URL(uri).host));
  return hosts.size === 1 ? [...hosts][0] : undefined;
}

function faultsOf(input: ClientInput, allowLoopback: boolean): FieldFault[] {
  const faults: FieldFault[] = [];
  const fault = (pointer: string, detail: string, detailZh: string) => faults.push({ pointer, detail, detailZh });
  if (!/^[a-z0-9][a-z0-9-]{2,62}$/.test(input.id))
    fault('/id', '3 to 63 small letters, digits and hyphens.', '3 至 63 个小写字母、数字或连字符。');
  for (const key of ['name', 'operator', 'purpose'] as const) {
    for (const language of ['zh', 'en'] as const) {
      const text = input[key][language];
      if (text.trim() === '' || text.length > 200) fault(`/${key}/${language}`, '1 to 200 characters.', '1 至 200 个字符。');
    }
  }
  faults.push(...addressFaults(input, allowLoopback, input.kind === 'native'));
  if (input.kind !== 'system') {
    if (!input.redirectUris?.length) fault('/redirectUris', 'At least one address.', '至少填写一个回调地址。');
    else if (faults.length === 0 && sectorOf(input) === undefined)
      fault('/sector', 'Needed when addresses lie on several hosts.', '回调地址分属多个主机时必须指定。');
    if (!input.scopes.includes('openid')) fault('/scopes', 'Must contain openid.', '必须包含 openid。');
  }
  for (const [index, scope] of input.scopes.entries()) {
    const known = input.kind === 'system' ? isApiScope(scope) : Object.hasOwn(SCOPE_CLAIMS, scope);
    if (!known) fault(`/scopes/${index}`, 'There is no such scope.', '没有该权限范围。');
  }
  for (const [index, claim] of (input.requiredClaims ?? []).entries()) {
    if (!isClaimName(claim)) fault(`/requiredClaims/${index}`, 'There is no such claim.', '没有该信息项。');
  }
  if (input.kind === 'system' && input.authMethod !== 'private_key_jwt')
    fault('/authMethod', 'Systems sign with a private key (private_key_jwt).', '系统接入必须使用 private_key_jwt。');
  if (input.kind === 'web' && input.authMethod === 'none')
    fault('/authMethod', 'A web app keeps a secret or a key.', '网站应用必须使用密钥认证。');
  if (input.authMethod === 'private_key_jwt' && !input.jwks?.keys.length && !input.jwksUri)
    fault('/jwks', 'The public key, or an address where it is.', '请提供公钥或公钥地址。');
  if (input.jwks?.keys.some((key) => key.d !== undefined || key.k !== undefined)) fault('/jwks', 'Only public keys.', '只能提供公钥。');
  return faults;
}

function addressFaults(
  input: Pick<ClientInput, 'redirectUris' | 'postLogoutRedirectUris' | 'logoutUri'>,
  allowLoopback: boolean,
  native: boolean,
): FieldFault[] {
  const pointed = [
    ...(input.redirectUris ?? []).map((uri, index) => ({ pointer: `/redirectUris/${index}`, uri, native })),
    ...(input.postLogoutRedirectUris ?? []).map((uri, index) => ({ pointer: `/postLogoutRedirectUris/${index}`, uri, native })),
    ...(input.logoutUri === undefined ? [] : [{ pointer: '/logoutUri', uri: input.logoutUri, native: false }]),
  ];
  return pointed.flatMap(({ pointer, uri, native: isNative }) => {
    const why = whyNotAllowed(uri, allowLoopback, isNative);
    return why ? [{ pointer, detail: why[0], detailZh: why[1] }] : [];
  });
}

/** Exact addresses only: no wildcard, no fragment, no user name; https, or http on loopback where allowed. */
function whyNotAllowed(uri: string, allowLoopback: boolean, native: boolean): [string, string] | undefined {
  if (!URL.canParse(uri)) return ['Not an address.', '地址格式不正确。'];
  const url = new URL(uri);
  if (url.hash || uri.includes('#')) return ['No fragment (#).', '地址不能包含 #。'];
  if (uri.includes('*')) return ['No wildcard.', '地址不能使用通配符。'];
  if (url.username || url.password) return ['No user name or password.', '地址不能包含用户名或密码。'];
  if (url.protocol === 'https:') return undefined;
  const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url.protocol === 'http:' && loopback && (allowLoopback || native)) return undefined;
  // RFC 8252 §7.1: a private-use scheme is a reversed domain name and so has a dot.
  if (native && /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/.test(url.protocol)) return undefined;
  return ['Must be https.', '必须使用 https。'];
}
