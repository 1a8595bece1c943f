/**
 * Delivers what `end-session.ts` wrote. Rows are claimed with SKIP LOCKED and a lease, so any number of workers share the work
 * and a worker that dies leaves its rows to the next. Each attempt carries a fresh token; between attempts the wait doubles;
 * after the last one the row is `failed`, stays for the report, and shows in the metric.
 */
import { Problem } from '#problem.ts';
import { mintLogoutToken } from './logout-token.ts';
import type { OidcDeps } from './oidc-deps.ts';
import { pairwiseSubject } from './pairwise-subject.ts';
import { loadSigningKeys, type SigningKey } from './signing-keys.ts';

export const MAX_ATTEMPTS = 10;
const FIRST_WAIT_MS = 2_000;
const LONGEST_WAIT_MS = 3_600_000;
const TIMEOUT_MS = 5_000;
const MAX_ANSWER_BYTES = 16_384;
/** Longer than one attempt may take. */
const LEASE_MS = 30_000;

interface Claimed {
  id: string;
  clientId: string;
  personId: string;
  sid: string | null;
  attempts: number;
}

type Deps = OidcDeps & { issuer: string };

/** Claims up to `limit` due deliveries and makes one attempt at each. Answers how many were attempted. */
export async function deliverDueLogouts(deps: Deps, { limit = 20 }: { limit?: number } = {}): Promise<number> {
  const claimed = await claim(deps, limit);
  if (claimed.length === 0) return 0;
  const keys = await loadSigningKeys(deps);
  await Promise.all(claimed.map((delivery) => attempt(deps, keys, delivery)));
  return claimed.length;
}

/** For /metrics: what waits, for how long already, and what was given up. */
export async function countLogoutDeliveries({
  db,
  clock,
}: Pick<OidcDeps, 'db' | 'clock'>): Promise<{ pending: number; failed: number; oldestPendingSeconds: number }> {
  const [pending, failed] = await Promise.all([
    db.oidcLogoutDelivery.aggregate({ where: { state: 'pending' }, _count: { _all: true }, _min: { createdAt: true } }),
    db.oidcLogoutDelivery.count({ where: { state: 'failed' } }),
  ]);
  const oldest = pending._min.createdAt;
  const oldestPendingSeconds = oldest ? Math.max(0, (clock.now().getTime() - oldest.getTime()) / 1000) : 0;
  return { pending: pending._count._all, failed, oldestPendingSeconds };
}

/** The wait before the next attempt: doubling, spread by a fifth so that many apps do not come back at one moment. */
export function waitAfter(attempts: number, random: () => number = Math.random): number {
  const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempts - 1));
  return Math.round(wait * (0.9 + 0.2 * random()));
}

async function claim({ db, clock }: Deps, limit: number): Promise<Claimed[]> {
  const now = clock.now();
  const leasedUntil = new Date(now.getTime() + LEASE_MS);
  return db.$queryRaw<Claimed[]>`
    UPDATE oidc_logout_delivery d SET locked_until = ${leasedUntil}, attempts = d.attempts + 1
    WHERE d.id IN (
      SELECT id FROM oidc_logout_delivery
      WHERE state = 'pending' AND due_at <= ${now} AND (locked_until IS NULL OR locked_until <= ${now})
      ORDER BY due_at LIMIT ${limit} FOR UPDATE SKIP LOCKED)
    RETURNING d.id::text AS id, d.client_id AS "clientId", d.person_id AS "personId", d.sid, d.attempts`;
}

async function attempt(deps: Deps, keys: readonly SigningKey[], delivery: Claimed): Promise<void> {
  const outcome = await send(deps, keys, delivery);
  const now = deps.clock.now();
  // Only whoever still holds this attempt settles it; a lease that ran out belongs to another worker by now.
  const where = { id: delivery.id, state: 'pending', attempts: delivery.attempts };
  if (outcome === 'confirmed' || outcome === 'not-offered') {
    await deps.db.oidcLogoutDelivery.updateMany({ where, data: { state: outcome, settledAt: now, lockedUntil: null, lastError: null } });
    return;
  }
  const last = delivery.attempts >= MAX_ATTEMPTS;
  const wait = Math.max(waitAfter(delivery.attempts), outcome.retryAfterMs ?? 0);
  await deps.db.oidcLogoutDelivery.updateMany({
    where,
    data: {
      lastError: outcome.error,
      lockedUntil: null,
      ...(last ? { state: 'failed', settledAt: now } : { dueAt: new Date(now.getTime() + wait) }),
    },
  });
}

type Outcome = 'confirmed' | 'not-offered' | { error: string; retryAfterMs?: number };

async function send(deps: Deps, keys: readonly SigningKey[], { clientId, personId, sid }: Claimed): Promise<Outcome> {
  const client = await deps.db.oidcClient.findUnique({ where: { id: clientId } });
  if (!client?.logoutUri) return 'not-offered';
  const metadata = client.metadata as { subject_type?: string; id_token_signed_response_alg?: string };
  try {
    const token = await mintLogoutToken(keys, {
      issuer: deps.issuer,
      clientId,
      subject: metadata.subject_type === 'public' ? personId : pairwiseSubject(deps.fields, client.sector, personId),
      sid: sid ?? undefined,
      alg: metadata.id_token_signed_response_alg ?? 'ES256',
      at: deps.clock.now(),
    });
    const reply = await deps.outbound.request({
      method: 'POST',
      url: client.logoutUri,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ logout_token: token }).toString(),
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_ANSWER_BYTES,
    });
    if (reply.status === 200 || reply.status === 204) return 'confirmed';
    const seconds = Number(reply.headers.get('retry-after'));
    const retryAfterMs = seconds > 0 ? Math.min(LONGEST_WAIT_MS, seconds * 1000) : undefined;
    return { error: `status ${reply.status}`, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  } catch (error) {
    return { error: error instanceof Problem ? error.code : 'internal' };
  }
}
