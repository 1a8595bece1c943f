/** Which apps a person is connected with: shown in the portal, where each can be ended as easily as it was begun (PIPL 15). */
import { recordEvent } from '#audit/record-event.ts';
import { Prisma } from '#storage/database.ts';
import { type ClaimName, claimsOfScopes, claimText, isClaimName } from './claims.ts';
import { type ClientText, viewOfClient } from './clients.ts';
import { endParticipation } from './end-session.ts';
import { revokeGrants } from './grants.ts';
import type { OidcDeps } from './oidc-deps.ts';

export interface GrantView {
  clientId: string;
  name: ClientText;
  operator: ClientText;
  purpose: ClientText;
  homepage?: string;
  firstParty: boolean;
  /** What the app may learn. */
  claims: { name: ClaimName; label: ClientText; sensitive: boolean }[];
  /** Empty for the city's own apps, which need no consent. */
  givenAt?: Date;
  lastUsedAt?: Date;
  signedInNow: boolean;
}

type Deps = Pick<OidcDeps, 'db' | 'clock'>;

/** Newest use first. */
export async function findGrants({ db }: Pick<OidcDeps, 'db'>, personId: string): Promise<GrantView[]> {
  const [consents, participations, grants] = await Promise.all([
    db.oidcConsent.findMany({ where: { personId, withdrawnAt: null } }),
    db.oidcParticipation.groupBy({ by: ['clientId'], where: { personId }, _max: { lastSeenAt: true } }),
    db.oidcGrant.findMany({ where: { personId }, select: { clientId: true, sessionUid: true, payload: true } }),
  ]);
  const clientIds = [...new Set([...consents, ...grants].map(({ clientId }) => clientId))];
  const clients = await db.oidcClient.findMany({ where: { id: { in: clientIds } } });
  const views = clients.map((row): GrantView => {
    const client = viewOfClient(row);
    const consent = consents.find(({ clientId }) => clientId === row.id);
    const own = grants.filter(({ clientId }) => clientId === row.id).map(({ payload }) => contentOf(payload));
    const scopes = [...(consent?.scopes ?? []), ...own.flatMap((content) => content.scopes)];
    const single = [...(consent?.claims ?? []), ...own.flatMap((content) => content.claims)].filter(isClaimName);
    const refused = new Set(consent?.rejectedClaims ?? []);
    const names = [...new Set([...claimsOfScopes(scopes), ...single])].filter((name) => !refused.has(name) && !claimText(name).with);
    const lastUsedAt = participations.find(({ clientId }) => clientId === row.id)?._max.lastSeenAt;
    return {
      clientId: row.id,
      name: client.name,
      operator: client.operator,
      purpose: client.purpose,
      ...(client.homepage ? { homepage: client.homepage } : {}),
      firstParty: client.firstParty,
      claims: names.map((name) => ({
        name,
        label: { zh: claimText(name).zh, en: claimText(name).en },
        sensitive: claimText(name).sensitive === true,
      })),
      ...(consent ? { givenAt: consent.givenAt } : {}),
      ...(lastUsedAt ? { lastUsedAt } : {}),
      signedInNow: grants.some(({ clientId, sessionUid }) => clientId === row.id && sessionUid !== null),
    };
  });
  return views.sort((a, b) => (b.lastUsedAt?.getTime() ?? 0) - (a.lastUsedAt?.getTime() ?? 0));
}

/**
 * Withdraws what was agreed for this app: its tokens die at once, and it is told to log the person out.
 * The city's own apps can be disconnected too; they come back with the next sign-in there.
 */
export async function revokeGrant(
  deps: Deps,
  { personId, clientId, by }: { personId: string; clientId: string; by: string },
): Promise<{ logoutId: string } | undefined> {
  const { db, clock } = deps;
  const at = clock.now();
  await db.$transaction(async (tx) => {
    const { count } = await tx.oidcConsent.updateMany({ where: { personId, clientId, withdrawnAt: null }, data: { withdrawnAt: at } });
    const grants = await revokeGrants(tx, Prisma.sql`person_id = ${personId} AND client_id = ${clientId}`);
    if (count === 0 && grants === 0) return;
    await recordEvent(tx, { kind: 'consent-withdrawn', actor: by, subject: `client:${clientId}`, detail: { grants }, at });
  });
  return endParticipation(deps, { personId, clientId, reason: 'consent-withdrawn', by });
}

function contentOf(payload: Prisma.JsonValue): { scopes: string[]; claims: string[] } {
  const { openid } = payload as { openid?: { scope?: string; claims?: string[] } };
  return { scopes: openid?.scope?.split(' ').filter(Boolean) ?? [], claims: openid?.claims ?? [] };
}
