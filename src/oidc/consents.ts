/** What a person agreed to, per app. Kept until withdrawn; every change leaves an audit row naming the items, never their values. */
import { recordEvent } from '#audit/record-event.ts';
import type { Database } from '#storage/database.ts';
import { SCOPE_CLAIMS, withCompanions } from './claims.ts';
import type { GrantContent } from './grants.ts';
import type { OidcDeps } from './oidc-deps.ts';

/** Raise when the words of the consent page change in meaning. */
export const CONSENT_TEXT_VERSION = '2026-11';

/** Undefined when the person agreed to nothing, or withdrew it. */
export async function findConsent(db: Database, personId: string, clientId: string): Promise<GrantContent | undefined> {
  const row = await db.oidcConsent.findUnique({ where: { personId_clientId: { personId, clientId } } });
  return row && !row.withdrawnAt ? row : undefined;
}

export interface ConsentAnswer {
  personId: string;
  clientId: string;
  /** Scopes the app asked for. */
  scopes: readonly string[];
  /** Claims it asked for one by one. */
  claims: readonly string[];
  /** Claims that were on the page. */
  shown: readonly string[];
  /** Those of them the person agreed to. */
  accepted: readonly string[];
}

/**
 * Adds this answer to what was agreed before. A scope counts as agreed when something of it was, or when it stands for no
 * claim at all; its unticked claims are noted as refused, so that they are neither given nor asked for again.
 */
export function mergeAnswer(before: GrantContent | undefined, answer: ConsentAnswer): GrantContent {
  const accepted = new Set(answer.accepted.flatMap(withCompanions));
  const refused = answer.shown.flatMap(withCompanions).filter((item) => !accepted.has(item));
  const agreedBefore = new Set(before?.scopes ?? []);
  const rejectedClaims = new Set([...(before?.rejectedClaims ?? []).filter((claim) => !accepted.has(claim)), ...refused]);
  const isGiven = (scope: string) => {
    const claims = SCOPE_CLAIMS[scope] ?? [];
    return claims.length === 0 || claims.some((claim) => !rejectedClaims.has(claim));
  };
  const scopes = [...new Set([...agreedBefore, ...answer.scopes])];
  return {
    scopes: scopes.filter(isGiven),
    rejectedScopes: scopes.filter((scope) => !isGiven(scope)),
    claims: [...new Set([...(before?.claims ?? []), ...answer.claims])].filter((claim) => !rejectedClaims.has(claim)),
    rejectedClaims: [...rejectedClaims],
  };
}

/** Stores the answer with its audit row. */
export async function recordConsent({ db, clock }: Pick<OidcDeps, 'db' | 'clock'>, answer: ConsentAnswer): Promise<void> {
  const { personId, clientId } = answer;
  const at = clock.now();
  await db.$transaction(async (tx) => {
    const row = await tx.oidcConsent.findUnique({ where: { personId_clientId: { personId, clientId } } });
    const content = mergeAnswer(row && !row.withdrawnAt ? row : undefined, answer);
    const data = {
      scopes: [...content.scopes],
      claims: [...content.claims],
      rejectedScopes: [...content.rejectedScopes],
      rejectedClaims: [...content.rejectedClaims],
      textVersion: CONSENT_TEXT_VERSION,
      givenAt: at,
      withdrawnAt: null,
    };
    await tx.oidcConsent.upsert({
      where: { personId_clientId: { personId, clientId } },
      create: { personId, clientId, ...data },
      update: data,
    });
    await recordEvent(tx, {
      kind: 'consent-given',
      actor: `person:${personId}`,
      subject: `client:${clientId}`,
      detail: { accepted: [...answer.accepted], refused: [...content.rejectedClaims], textVersion: CONSENT_TEXT_VERSION },
      at,
    });
  });
}
