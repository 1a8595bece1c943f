/**
 * Browser sessions of the portal. A token of 256 random bits goes to the browser; only its SHA-256 is kept. A session dies of
 * 30 idle minutes or after 12 hours, whichever comes first (GB/T 22239-2019: automatic exit on timeout).
 */
import { randomBytes, randomUUIDv7 } from 'node:crypto';
import { recordEvent } from '#audit/record-event.ts';
import { isTrustEntryInForce } from '#certificates/trust-list-publish.ts';
import type { FieldCipher } from '#crypto/field-cipher.ts';
import { requirePerson } from '#people/find-person.ts';
import type { Clock } from '#ports/clock.ts';
import { Problem } from '#problem.ts';
import type { Database } from '#storage/database.ts';
import { acrOf, mergeMethods } from './acr.ts';
import { TOKEN_PATTERN, tokenHash } from './known-devices.ts';
import type { Proof } from './proof.ts';

export const IDLE_MS = 30 * 60_000;
export const ABSOLUTE_MS = 12 * 3_600_000;
/** The idle time is pushed on at most this often, so that reading pages is not writing rows. */
const TOUCH_EVERY_MS = 60_000;

export interface Session {
  id: string;
  personId: string;
  acr: string;
  amr: string[];
  authTime: Date;
  createdAt: Date;
  lastSeenAt: Date;
  idleExpiresAt: Date;
  expiresAt: Date;
  userAgent?: string;
}

type SessionDeps = { db: Database; clock: Clock; fields: FieldCipher };
type SessionRow = NonNullable<Awaited<ReturnType<Database['browserSession']['findUnique']>>>;

const newToken = () => randomBytes(32).toString('base64url');
export const agentPlace = (id: string) => `browser-session.user-agent:${id}`;

/** A new session after a proof; never an old token again. */
export async function openSession(
  { db, clock, fields }: SessionDeps,
  input: Omit<Proof, 'at'> & { at?: Date; userAgent?: string | undefined },
): Promise<{ token: string; session: Session }> {
  const at = clock.now();
  const token = newToken();
  const id = randomUUIDv7();
  const row = await db.$transaction(async (tx) => {
    const created = await tx.browserSession.create({
      data: {
        id,
        tokenHash: tokenHash(token),
        personId: input.personId,
        acr: input.acr,
        amr: input.amr,
        authTime: input.at ?? at,
        trustEntryId: input.trustEntryId ?? null,
        createdAt: at,
        lastSeenAt: at,
        expiresAt: new Date(at.getTime() + ABSOLUTE_MS),
        userAgent: input.userAgent ? fields.seal(agentPlace(id), input.userAgent.slice(0, 256)) : null,
      },
    });
    await recordEvent(tx, {
      kind: 'session-opened',
      actor: `person:${input.personId}`,
      subject: `session:${id}`,
      at,
      detail: { acr: input.acr, amr: input.amr },
    });
    return created;
  });
  return { token, session: sessionOf(fields, row) };
}

/** The living session of a token, pushed on. Undefined for anything else, also once an authority it rests on is not recognised any more. */
export async function findSession({ db, clock, fields }: SessionDeps, token: string): Promise<Session | undefined> {
  if (!TOKEN_PATTERN.test(token)) return undefined;
  const at = clock.now();
  const row = await db.browserSession.findUnique({ where: { tokenHash: tokenHash(token) } });
  if (!row || !isAlive(row, at)) return undefined;
  if (row.trustEntryId !== null && !(await isTrustEntryInForce({ db, clock }, row.trustEntryId))) return undefined;
  if (at.getTime() - row.lastSeenAt.getTime() >= TOUCH_EVERY_MS) {
    await db.browserSession.updateMany({ where: { id: row.id, endedAt: null, lastSeenAt: { lt: at } }, data: { lastSeenAt: at } });
    row.lastSeenAt = at;
  }
  return sessionOf(fields, row);
}

/** Ends one session, by its token or by its id; the id only together with its person. Returns whether it was alive. */
export async function endSession(
  { db, clock }: Pick<SessionDeps, 'db' | 'clock'>,
  which: string | { sessionId: string; personId: string; by: string },
): Promise<boolean> {
  const at = clock.now();
  return db.$transaction(async (tx) => {
    const where = typeof which === 'string' ? { tokenHash: tokenHash(which) } : { id: which.sessionId, personId: which.personId };
    const row = await tx.browserSession.findFirst({ where: { ...where, endedAt: null } });
    if (!row) return false;
    const { count } = await tx.browserSession.updateMany({ where: { id: row.id, endedAt: null }, data: { endedAt: at } });
    if (count === 0) return false;
    const actor = typeof which === 'string' ? `person:${row.personId}` : which.by;
    await recordEvent(tx, { kind: 'session-ended', actor, subject: `session:${row.id}`, at });
    return true;
  });
}

/** Ends all sessions of a person but `except`. Returns how many. */
export async function endSessionsOf(
  { db, clock }: Pick<SessionDeps, 'db' | 'clock'>,
  input: { personId: string; except?: string | undefined; by: string },
): Promise<number> {
  const at = clock.now();
  return db.$transaction(async (tx) => {
    const { count } = await tx.browserSession.updateMany({
      where: { personId: input.personId, endedAt: null, ...(input.except === undefined ? {} : { id: { not: input.except } }) },
      data: { endedAt: at },
    });
    await recordEvent(tx, { kind: 'sessions-ended', actor: input.by, subject: `person:${input.personId}`, at, detail: { count } });
    return count;
  });
}

/**
 * The person's living sessions, last seen first; with those of `also` that nobody ended, though they died of time: from there apps are
 * signed in still.
 */
export async function listSessions({ db, clock, fields }: SessionDeps, personId: string, also: readonly string[] = []): Promise<Session[]> {
  const at = clock.now();
  const living = { expiresAt: { gt: at }, lastSeenAt: { gt: new Date(at.getTime() - IDLE_MS) } };
  const rows = await db.browserSession.findMany({
    where: { personId, endedAt: null, OR: [living, { id: { in: [...also] } }] },
    orderBy: { lastSeenAt: 'desc' },
    take: 100,
  });
  return rows.map((row) => sessionOf(fields, row));
}

/**
 * A further proof by the same person lifts the session: methods add up, what they reach together counts, and the token changes (a token seen
 * before the step is worth nothing after it). Throws Problem `not-signed-in`.
 */
export async function stepUpSession(
  deps: SessionDeps,
  input: { token: string; proof: Proof },
): Promise<{ token: string; session: Session }> {
  const { db, clock, fields } = deps;
  const session = await findSession(deps, input.token);
  if (!session || session.personId !== input.proof.personId) throw new Problem('not-signed-in');
  const { assuranceLevel } = await requirePerson(deps, session.personId);
  const token = newToken();
  const amr = mergeMethods(session.amr, input.proof.amr);
  const acr = acrOf(assuranceLevel, amr);
  const row = await db.$transaction(async (tx) => {
    const { count } = await tx.browserSession.updateMany({
      where: { tokenHash: tokenHash(input.token), endedAt: null },
      data: {
        ...{ tokenHash: tokenHash(token), acr, amr, authTime: input.proof.at, lastSeenAt: clock.now() },
        ...(input.proof.trustEntryId ? { trustEntryId: input.proof.trustEntryId } : {}),
      },
    });
    if (count === 0) throw new Problem('not-signed-in');
    await recordEvent(tx, {
      kind: 'session-stepped-up',
      actor: `person:${session.personId}`,
      subject: `session:${session.id}`,
      at: clock.now(),
      detail: { acr },
    });
    return tx.browserSession.findUniqueOrThrow({ where: { id: session.id } });
  });
  return { token, session: sessionOf(fields, row) };
}

/** Removes sessions dead for more than a week. Returns how many. */
export async function sweepSessions({ db, clock }: Pick<SessionDeps, 'db' | 'clock'>): Promise<number> {
  const before = new Date(clock.now().getTime() - 7 * 86_400_000);
  return (await db.browserSession.deleteMany({ where: { OR: [{ expiresAt: { lt: before } }, { endedAt: { lt: before } }] } })).count;
}

function isAlive(row: SessionRow, at: Date): boolean {
  return row.endedAt === null && at < row.expiresAt && at.getTime() < row.lastSeenAt.getTime() + IDLE_MS;
}

function sessionOf(fields: FieldCipher, row: SessionRow): Session {
  const { id, personId, acr, amr, authTime, createdAt, lastSeenAt, expiresAt } = row;
  return {
    ...{ id, personId, acr, amr, authTime, createdAt, lastSeenAt, expiresAt },
    idleExpiresAt: new Date(Math.min(lastSeenAt.getTime() + IDLE_MS, expiresAt.getTime())),
    ...(row.userAgent ? { userAgent: fields.openText(agentPlace(id), row.userAgent) } : {}),
  };
}
