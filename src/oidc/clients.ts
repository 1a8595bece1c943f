/** Relying apps and systems as registered. Who may register one is for the caller to check (operators, two persons later). */
import type { AdapterPayload } from 'oidc-provider';
import { recordEvent } from '#audit/record-event.ts';
import { Problem } from '#problem.ts';
import type { OidcClient } from '#storage/generated/client.ts';
import type { OidcDeps } from './oidc-deps.ts';

export interface ClientText {
  zh: string;
  en: string;
}

export interface ClientView {
  id: string;
  name: ClientText;
  operator: ClientText;
  purpose: ClientText;
  contact?: string;
  homepage?: string;
  firstParty: boolean;
  /** For whom a system acts at the API. */
  organisationId?: string;
  active: boolean;
  scopes: string[];
  requiredClaims: string[];
  redirectUris: string[];
  postLogoutRedirectUris: string[];
  logoutUri?: string;
  createdAt: Date;
}

type Deps = Pick<OidcDeps, 'db'>;

export async function findClient({ db }: Deps, id: string): Promise<ClientView | undefined> {
  const row = await db.oidcClient.findUnique({ where: { id } });
  return row ? viewOfClient(row) : undefined;
}

export async function listClients({ db }: Deps): Promise<ClientView[]> {
  return (await db.oidcClient.findMany({ orderBy: { createdAt: 'asc' } })).map(viewOfClient);
}

/** A suspended app gets no more codes and tokens; within seconds in other processes. Problem `client-not-found`. */
export async function setClientActive(
  { db, clock }: Pick<OidcDeps, 'db' | 'clock'>,
  input: { id: string; active: boolean; by: string },
): Promise<void> {
  const at = clock.now();
  await db.$transaction(async (tx) => {
    const { count } = await tx.oidcClient.updateMany({ where: { id: input.id }, data: { active: input.active, updatedAt: at } });
    if (count === 0) throw new Problem('client-not-found');
    const kind = input.active ? 'client-resumed' : 'client-suspended';
    await recordEvent(tx, { kind, actor: input.by, subject: `client:${input.id}`, at });
  });
}

/** What the engine reads as client metadata; undefined for unknown and suspended ones alike. */
export async function findClientMetadata({ db, fields }: Pick<OidcDeps, 'db' | 'fields'>, id: string): Promise<AdapterPayload | undefined> {
  const row = await db.oidcClient.findUnique({ where: { id } });
  if (!row?.active) return undefined;
  return {
    ...(row.metadata as AdapterPayload),
    client_id: row.id,
    client_name: row.nameZh,
    name_en: row.nameEn,
    sector: row.sector,
    first_party: row.firstParty,
    ...(row.logoutUri ? { backchannel_logout_uri: row.logoutUri, backchannel_logout_session_required: row.logoutWithSid } : {}),
    ...(row.sealedSecret ? { client_secret: fields.openText(secretPlace(row.id), row.sealedSecret) } : {}),
  };
}

export function secretPlace(id: string): string {
  return `oidc_client.secret:${id}`;
}

export function viewOfClient(row: OidcClient): ClientView {
  const metadata = row.metadata as { scope?: string; api_scope?: string; redirect_uris?: string[]; post_logout_redirect_uris?: string[] };
  return {
    id: row.id,
    name: { zh: row.nameZh, en: row.nameEn },
    operator: { zh: row.operatorZh, en: row.operatorEn },
    purpose: { zh: row.purposeZh, en: row.purposeEn },
    ...(row.contact ? { contact: row.contact } : {}),
    ...(row.homepage ? { homepage: row.homepage } : {}),
    firstParty: row.firstParty,
    ...(row.organisationId ? { organisationId: row.organisationId } : {}),
    active: row.active,
    scopes: `${metadata.scope ?? ''} ${metadata.api_scope ?? ''}`.split(' ').filter(Boolean),
    requiredClaims: row.requiredClaims,
    redirectUris: metadata.redirect_uris ?? [],
    postLogoutRedirectUris: metadata.post_logout_redirect_uris ?? [],
    ...(row.logoutUri ? { logoutUri: row.logoutUri } : {}),
    createdAt: row.createdAt,
  };
}
