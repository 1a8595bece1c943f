/**
 * What the sign-in and consent pages need to know of a request under way, and how they answer it.
 * The engine's cookie binds an interaction to the browser and to the page's path; without it nothing is found.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import { errors, type InteractionResults } from 'oidc-provider';
import { Problem } from '#problem.ts';
import { type ClaimName, claimsOfScopes, claimText, isClaimName, isSensitive } from './claims.ts';
import { type ClientText, type ClientView, findClient } from './clients.ts';
import { findConsent, recordConsent } from './consents.ts';
import type { OidcDeps } from './oidc-deps.ts';

/** One thing the app asks for, as the consent page shows it. */
export interface ConsentItem {
  name: ClaimName;
  label: ClientText;
  sensitive: boolean;
  /** The app cannot work without it: agreed to as a whole, or refused as a whole. */
  required: boolean;
}

export interface InteractionView {
  uid: string;
  prompt: 'login' | 'consent';
  /** Names of the checks that asked, for example `no_session`, `max_age`, `stronger_sign_in`, `consent_prompt`. */
  reasons: string[];
  client: ClientView;
  /** Origins to which the answer may lead: for the page's form-action. */
  redirectOrigins: string[];
  params: { loginHint?: string; uiLocales?: string; acrValues: string[]; maxAgeSeconds?: number };
  /** Who is signed in at the provider already. */
  personId?: string;
  /** The weakest level that satisfies the request. */
  wantedAcr: string[];
  /** A fresh proof is asked for: a portal session alone must not answer. */
  mustReauthenticate: boolean;
  /** A proof older than this does not satisfy `max_age`. */
  notBefore?: Date;
  /** Of a consent interaction. */
  items: ConsentItem[];
  expiresAt: Date;
}

/** A proof of who is there, as the sign-in room makes it. */
export interface LoginAnswer {
  personId: string;
  acr: string;
  amr: readonly string[];
  at: Date;
  /** False on a shared computer: the session then ends with the browser. */
  remember?: boolean;
  /** The portal's session of this browser: ending that one ends what begins here. */
  portalSessionId?: string;
}

type Deps = Pick<OidcDeps, 'db' | 'clock'>;
type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;

/** Reasons that a signed-in portal session may answer, if it is young and strong enough. */
const ANSWERED_BY_SESSION = new Set(['no_session', 'max_age', 'stronger_sign_in']);

/** @throws Problem `interaction-not-found` when it expired, was finished, or belongs to another browser. */
export async function findInteraction(deps: Deps, provider: Provider, req: IncomingMessage, res: ServerResponse): Promise<InteractionView> {
  const interaction = await requireInteraction(provider, req, res);
  const client = await findClient(deps, String(interaction.params['client_id']));
  if (!client) throw new Problem('client-not-found');
  const { params, prompt } = interaction;
  const text = (name: string) => (typeof params[name] === 'string' ? (params[name] as string) : undefined);
  const maxAge = params['max_age'] === undefined ? undefined : Number(params['max_age']);
  const loginHint = text('login_hint');
  const uiLocales = text('ui_locales');
  const personId = interaction.session?.accountId;
  const uris = [...client.redirectUris, ...client.postLogoutRedirectUris].filter((uri) => /^https?:/.test(uri));
  return {
    uid: interaction.uid,
    prompt: prompt.name === 'consent' ? 'consent' : 'login',
    reasons: prompt.reasons,
    client,
    redirectOrigins: [...new Set(uris.map((uri) => new URL(uri).origin))],
    params: {
      acrValues: text('acr_values')?.split(' ').filter(Boolean) ?? [],
      ...(loginHint === undefined ? {} : { loginHint }),
      ...(uiLocales === undefined ? {} : { uiLocales }),
      ...(maxAge === undefined ? {} : { maxAgeSeconds: maxAge }),
    },
    ...(personId === undefined ? {} : { personId }),
    wantedAcr: acrOf(params),
    mustReauthenticate: prompt.reasons.some((reason) => !ANSWERED_BY_SESSION.has(reason)),
    ...(maxAge === undefined ? {} : { notBefore: new Date(deps.clock.now().getTime() - maxAge * 1000) }),
    items: prompt.name === 'consent' && personId !== undefined ? await consentItems(deps, interaction, client, personId) : [],
    expiresAt: new Date(interaction.exp * 1000),
  };
}

/** Notes the sign-in. Answers the address at which the request goes on. */
export async function finishLogin(provider: Provider, req: IncomingMessage, res: ServerResponse, login: LoginAnswer): Promise<string> {
  await requireInteraction(provider, req, res);
  return answer(provider, req, res, {
    login: {
      accountId: login.personId,
      acr: login.acr,
      amr: [...login.amr],
      ts: Math.floor(login.at.getTime() / 1000),
      remember: login.remember ?? true,
    },
    ...(login.portalSessionId === undefined ? {} : { portalSessionId: login.portalSessionId }),
  });
}

/** Stores which of the shown items the person agreed to. Answers the address at which the request goes on. */
export async function finishConsent(
  deps: Deps,
  provider: Provider,
  req: IncomingMessage,
  res: ServerResponse,
  { accepted }: { accepted: readonly string[] },
): Promise<string> {
  const interaction = await requireInteraction(provider, req, res);
  const view = await findInteraction(deps, provider, req, res);
  if (view.prompt !== 'consent' || view.personId === undefined) throw new Problem('interaction-not-found');
  const given = new Set(accepted);
  await recordConsent(deps, {
    personId: view.personId,
    clientId: view.client.id,
    scopes: String(interaction.params['scope'] ?? '')
      .split(' ')
      .filter(Boolean),
    claims: claimsAskedOneByOne(interaction.params),
    shown: view.items.map(({ name }) => name),
    accepted: view.items.filter(({ name, required }) => required || given.has(name)).map(({ name }) => name),
  });
  return answer(provider, req, res, { consent: {} });
}

/** The person refused: the app is told `access_denied`. */
export async function abortInteraction(provider: Provider, req: IncomingMessage, res: ServerResponse): Promise<string> {
  await requireInteraction(provider, req, res);
  return answer(provider, req, res, { error: 'access_denied', error_description: 'End-User refused' });
}

async function requireInteraction(provider: Provider, req: IncomingMessage, res: ServerResponse): Promise<Interaction> {
  try {
    return await provider.interactionDetails(req, res);
  } catch (error) {
    if (error instanceof errors.SessionNotFound) throw new Problem('interaction-not-found', { cause: error });
    throw error;
  }
}

function answer(provider: Provider, req: IncomingMessage, res: ServerResponse, result: InteractionResults): Promise<string> {
  return provider.interactionResult(req, res, result, { mergeWithLastSubmission: true });
}

/** What is asked for and not yet answered; everything again when the app asks for the page itself (`prompt=consent`). */
async function consentItems({ db }: Deps, { params, prompt }: Interaction, client: ClientView, personId: string): Promise<ConsentItem[]> {
  const before = prompt.reasons.includes('consent_prompt') ? undefined : await findConsent(db, personId, client.id);
  const answered = new Set([...(before?.scopes ?? []), ...(before?.rejectedScopes ?? [])]);
  const answeredClaims = new Set([...(before?.claims ?? []), ...(before?.rejectedClaims ?? [])]);
  const scopes = String(params['scope'] ?? '')
    .split(' ')
    .filter((scope) => scope !== '' && !answered.has(scope));
  const single = claimsAskedOneByOne(params).filter((claim) => isClaimName(claim) && !answeredClaims.has(claim)) as ClaimName[];
  // The city's own apps have the rest by registration; what is sensitive needs a yes everywhere.
  const claims = [...new Set([...claimsOfScopes(scopes), ...single])].filter(
    (name) => claimText(name).with === undefined && (!client.firstParty || isSensitive(name)),
  );
  return claims.map((name) => ({
    name,
    label: { zh: claimText(name).zh, en: claimText(name).en },
    sensitive: claimText(name).sensitive === true,
    required: client.requiredClaims.includes(name) && claimText(name).sensitive !== true,
  }));
}

/** Names in the claims parameter (OpenID Connect Core §5.5); the engine has checked its form already. */
function claimsAskedOneByOne(params: Interaction['params']): string[] {
  const claims = parseClaims(params);
  return [...new Set([...Object.keys(claims.userinfo ?? {}), ...Object.keys(claims.id_token ?? {})])].filter(isClaimName);
}

function acrOf(params: Interaction['params']): string[] {
  const request = parseClaims(params).id_token?.['acr'] as { value?: string; values?: string[] } | null | undefined;
  const asked = [...(request?.value ? [request.value] : []), ...(request?.values ?? [])];
  if (asked.length > 0) return asked;
  return typeof params['acr_values'] === 'string' ? params['acr_values'].split(' ').filter(Boolean) : [];
}

function parseClaims(params: Interaction['params']): { userinfo?: object; id_token?: Record<string, unknown> } {
  const { claims } = params;
  if (typeof claims === 'string') return JSON.parse(claims) as ReturnType<typeof parseClaims>;
  return (claims as ReturnType<typeof parseClaims> | undefined) ?? {};
}
