/**
 * Token keys. ES256 comes first and signs; an RS256 key stays listed for relying parties that know nothing else.
 * Replacing one takes three quiet steps: `rotateSigningKey` publishes the next, every process reloads, `promoteSigningKey`
 * lets it sign. A retired key stays published until no ID token of its time is shown at log-out any more.
 */
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { recordEvent } from '#audit/record-event.ts';
import { Problem } from '#problem.ts';
import type { Transaction } from '#storage/database.ts';
import type { OidcDeps } from './oidc-deps.ts';

export type TokenAlgorithm = 'ES256' | 'RS256';
export type KeyState = 'next' | 'active' | 'retired';

/** In the order in which they are published. */
export const TOKEN_ALGORITHMS: readonly TokenAlgorithm[] = ['ES256', 'RS256'];

/** ID tokens serve as hints at log-out long after they expired. */
const RETIRED_DAYS = 30;

/** Serialises making and promoting of keys across processes. */
const KEY_LOCK = 7_270_691_101n;

export interface SigningKey {
  kid: string;
  alg: TokenAlgorithm;
  state: KeyState;
  privateJwk: JWK;
  publicJwk: JWK;
}

/** A private key opens only in the row of its key. */
export const jwkPlace = (kid: string) => `oidc_signing_key.jwk:${kid}`;

type Deps = Pick<OidcDeps, 'db' | 'clock' | 'fields'>;

/** Makes the first key of each algorithm where none is active. Any number of processes may start at once. */
export async function ensureSigningKeys(deps: Deps): Promise<void> {
  const { db, clock } = deps;
  const active = await db.oidcSigningKey.findMany({ where: { state: 'active' }, select: { alg: true } });
  if (TOKEN_ALGORITHMS.every((alg) => active.some((key) => key.alg === alg))) return;
  await db.$transaction(async (tx) => {
    await lockKeys(tx);
    for (const alg of TOKEN_ALGORITHMS) {
      if (await tx.oidcSigningKey.findFirst({ where: { alg, state: 'active' }, select: { kid: true } })) continue;
      const kid = await storeNewKey(tx, deps, alg, 'active');
      await recordEvent(tx, { kind: 'token-key-made', actor: 'system:web', subject: `token-key:${kid}`, detail: { alg }, at: clock.now() });
    }
  });
}

/** Keys in publishing order: by algorithm, and within one the active before next and retired. */
export async function loadSigningKeys({ db, fields }: Pick<OidcDeps, 'db' | 'fields'>): Promise<SigningKey[]> {
  const rows = await db.oidcSigningKey.findMany({ orderBy: { createdAt: 'desc' } });
  const states: readonly KeyState[] = ['active', 'next', 'retired'];
  return rows
    .map((row) => ({
      kid: row.kid,
      alg: row.alg as TokenAlgorithm,
      state: row.state as KeyState,
      privateJwk: JSON.parse(fields.openText(jwkPlace(row.kid), row.sealedJwk)) as JWK,
      publicJwk: row.publicJwk as JWK,
    }))
    .sort((a, b) => TOKEN_ALGORITHMS.indexOf(a.alg) - TOKEN_ALGORITHMS.indexOf(b.alg) || states.indexOf(a.state) - states.indexOf(b.state));
}

/** Publishes a further key that does not sign yet. Reload every process before promoting it. */
export async function rotateSigningKey(deps: Deps, { alg, by }: { alg: TokenAlgorithm; by: string }): Promise<string> {
  return deps.db.$transaction(async (tx) => {
    await lockKeys(tx);
    const kid = await storeNewKey(tx, deps, alg, 'next');
    await recordEvent(tx, { kind: 'token-key-published', actor: by, subject: `token-key:${kid}`, detail: { alg }, at: deps.clock.now() });
    return kid;
  });
}

/** The next key signs from the next reload on; the one before is retired but stays published. Problem `signing-key-not-found`. */
export async function promoteSigningKey({ db, clock }: Deps, { kid, by }: { kid: string; by: string }): Promise<void> {
  const at = clock.now();
  await db.$transaction(async (tx) => {
    await lockKeys(tx);
    const key = await tx.oidcSigningKey.findUnique({ where: { kid } });
    if (key?.state !== 'next') throw new Problem('signing-key-not-found');
    await tx.oidcSigningKey.updateMany({ where: { alg: key.alg, state: 'active' }, data: { state: 'retired', retiredAt: at } });
    await tx.oidcSigningKey.update({ where: { kid }, data: { state: 'active', promotedAt: at } });
    await recordEvent(tx, { kind: 'token-key-promoted', actor: by, subject: `token-key:${kid}`, detail: { alg: key.alg }, at });
  });
}

/**
 * The signing key is in wrong hands: it is deleted, so that no ID token by it verifies any more once relying apps look at the
 * published keys again, and another one signs from the next reload on; one that was published already, where there is. Sessions,
 * access and refresh tokens are not signed and stay. Throws Problem `signing-key-not-found`.
 */
export async function replaceSigningKey(
  deps: Deps,
  { alg, by }: { alg: TokenAlgorithm; by: string },
): Promise<{ gone: string; kid: string }> {
  const at = deps.clock.now();
  return deps.db.$transaction(async (tx) => {
    await lockKeys(tx);
    const gone = await tx.oidcSigningKey.findFirst({ where: { alg, state: 'active' } });
    if (!gone) throw new Problem('signing-key-not-found');
    await tx.oidcSigningKey.delete({ where: { kid: gone.kid } });
    const next = await tx.oidcSigningKey.findFirst({ where: { alg, state: 'next' }, orderBy: { createdAt: 'asc' } });
    const kid = next?.kid ?? (await storeNewKey(tx, deps, alg, 'active'));
    if (next) await tx.oidcSigningKey.update({ where: { kid }, data: { state: 'active', promotedAt: at } });
    const detail = { alg, successor: kid };
    await recordEvent(tx, { kind: 'token-key-compromised', actor: by, subject: `token-key:${gone.kid}`, detail, at });
    return { gone: gone.kid, kid };
  });
}

/** Forgets keys retired long ago. Answers how many. */
export async function sweepRetiredKeys({ db, clock }: Pick<OidcDeps, 'db' | 'clock'>): Promise<number> {
  const before = new Date(clock.now().getTime() - RETIRED_DAYS * 86_400_000);
  const { count } = await db.oidcSigningKey.deleteMany({ where: { state: 'retired', retiredAt: { lt: before } } });
  return count;
}

async function storeNewKey(tx: Transaction, { clock, fields }: Deps, alg: TokenAlgorithm, state: KeyState): Promise<string> {
  const pair = await generateKeyPair(alg, { extractable: true, ...(alg === 'RS256' ? { modulusLength: 2048 } : {}) });
  const bare = await exportJWK(pair.publicKey);
  const kid = (await calculateJwkThumbprint(bare)).slice(0, 16);
  const common = { kid, alg, use: 'sig' };
  const privateJwk = { ...(await exportJWK(pair.privateKey)), ...common };
  const now = clock.now();
  await tx.oidcSigningKey.create({
    data: {
      kid,
      alg,
      state,
      publicJwk: { ...bare, ...common },
      sealedJwk: fields.seal(jwkPlace(kid), JSON.stringify(privateJwk)),
      createdAt: now,
      promotedAt: state === 'active' ? now : null,
    },
  });
  return kid;
}

async function lockKeys(tx: Transaction): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(${KEY_LOCK})`;
}
