/**
 * The one dispatcher of log-outs. Whoever ends a session (an app, the portal, the person for all devices, an operator) comes
 * here, and in one transaction the session is marked as ended, the grants go, and a delivery is written for each app that took
 * part. Only afterwards is anything sent (`deliver-logouts.ts`), so neither a crash nor an app that is down loses a log-out.
 */
import { recordEvent } from '#audit/record-event.ts';
import { Prisma, type Transaction } from '#storage/database.ts';
import { revokeGrants } from './grants.ts';
import type { OidcDeps } from './oidc-deps.ts';

type Deps = Pick<OidcDeps, 'db' | 'clock'>;

/** Who asked: `app`, `portal`, `device` (one of the list), `everywhere`, `consent-withdrawn`, `operator` … for the report and the audit. */
export type LogoutReason = 'app' | 'portal' | 'device' | 'everywhere' | 'consent-withdrawn' | 'left-app' | 'operator';

interface Participant {
  sessionUid: string;
  clientId: string;
  sid: string;
  persistsLogout: boolean;
}

/**
 * Ends one session. Undefined when nobody was signed in there; ending it again answers the first log-out.
 * With `offlineToo` what apps were given to use without the person there goes as well: the device is out of the person's hands.
 */
export async function endSession(
  { db, clock }: Deps,
  { uid, reason, by, offlineToo = false }: { uid: string; reason: LogoutReason; by: string; offlineToo?: boolean },
): Promise<{ logoutId: string; personId: string } | undefined> {
  const at = clock.now();
  return db.$transaction(async (tx) => {
    const [session] = await lockSessions(tx, Prisma.sql`uid = ${uid}`);
    if (!session) return undefined;
    const personId = session.personId;
    if (session.endedAt) return session.logoutId && personId ? { logoutId: session.logoutId, personId } : undefined;
    if (!personId) {
      await tx.oidcSession.delete({ where: { uid } });
      return undefined;
    }
    const participants = await leaveSessions(tx, [uid], at);
    const logoutId = await writeLogout(tx, { personId, reason, at, participants, everySession: false });
    await tx.oidcSession.update({ where: { uid }, data: { endedAt: at, logoutId } });
    const going = participants.filter((p) => !p.persistsLogout);
    await revokeGrants(
      tx,
      offlineToo ? Prisma.sql`session_uid = ${uid}` : Prisma.sql`session_uid = ${uid} AND client_id IN (${listOf(going)})`,
    );
    // What remains is offline access: it outlives the session and belongs to none.
    await tx.oidcGrant.updateMany({ where: { sessionUid: uid }, data: { sessionUid: null } });
    await recordEvent(tx, {
      kind: 'session-ended',
      actor: by,
      subject: `person:${personId}`,
      detail: { reason, apps: participants.length },
      at,
    });
    return { logoutId, personId };
  });
}

/**
 * Ends every session of a person on every device, and offline access too: for "log out everywhere", a lost phone, a blocked account.
 * Logout tokens then carry no `sid`, which tells the app that all its sessions of this person are meant.
 * With `exceptUid` that one session stays, with its apps; the tokens then name the sessions that ended.
 */
export async function endEverySession(
  { db, clock }: Deps,
  {
    personId,
    reason = 'everywhere',
    by,
    exceptUid,
  }: { personId: string; reason?: LogoutReason; by: string; exceptUid?: string | undefined },
): Promise<{ logoutId: string }> {
  const at = clock.now();
  return db.$transaction(async (tx) => {
    const open = await lockSessions(tx, Prisma.sql`person_id = ${personId} AND ended_at IS NULL`);
    const uids = open.map(({ uid }) => uid).filter((uid) => uid !== exceptUid);
    const participants = await leaveSessions(tx, uids, at);
    const offline = await tx.oidcGrant.findMany({
      where: { personId, sessionUid: null },
      distinct: ['clientId'],
      select: { clientId: true, sid: true },
    });
    const apps = [...participants, ...offline.map(({ clientId, sid }) => ({ sessionUid: '', clientId, sid, persistsLogout: true }))];
    const logoutId = await writeLogout(tx, { personId, reason, at, participants: apps, everySession: exceptUid === undefined });
    await tx.oidcSession.updateMany({ where: { uid: { in: uids } }, data: { endedAt: at, logoutId, idHash: null } });
    await revokeGrants(tx, Prisma.sql`person_id = ${personId} AND session_uid IS DISTINCT FROM ${exceptUid ?? ''}`);
    const detail = { reason, sessions: uids.length, apps: apps.length };
    await recordEvent(tx, { kind: 'every-session-ended', actor: by, subject: `person:${personId}`, detail, at });
    return { logoutId };
  });
}

/** Ends what one device of the person's list is signed in to, offline access of its apps too. Answers how many sessions that were. */
export async function endDeviceSessions(deps: Deps, input: { personId: string; portalSessionId: string; by: string }): Promise<number> {
  const { personId, portalSessionId, by } = input;
  const sessions = await deps.db.oidcSession.findMany({ where: { personId, portalSessionId, endedAt: null }, select: { uid: true } });
  for (const { uid } of sessions) await endSession(deps, { uid, reason: 'device', by, offlineToo: true });
  return sessions.length;
}

/** One app leaves its sessions of this person (or the one session of `sid`); the others stay signed in. */
export async function endParticipation(
  { db, clock }: Deps,
  input: { personId: string; clientId: string; sid?: string; reason: LogoutReason; by: string },
): Promise<{ logoutId: string } | undefined> {
  const { personId, clientId, sid, reason, by } = input;
  const at = clock.now();
  return db.$transaction(async (tx) => {
    const participants = await tx.oidcParticipation.findMany({
      where: { personId, clientId, leftAt: null, ...(sid === undefined ? {} : { sid }) },
    });
    if (participants.length === 0) return undefined;
    await tx.oidcParticipation.updateMany({ where: { sid: { in: participants.map((p) => p.sid) } }, data: { leftAt: at } });
    for (const { sessionUid, persistsLogout } of participants) {
      if (persistsLogout) await tx.oidcGrant.updateMany({ where: { sessionUid, clientId }, data: { sessionUid: null } });
      else await revokeGrants(tx, Prisma.sql`session_uid = ${sessionUid} AND client_id = ${clientId}`);
    }
    const logoutId = await writeLogout(tx, { personId, reason, at, participants, everySession: sid === undefined });
    await recordEvent(tx, { kind: 'app-left', actor: by, subject: `client:${clientId}`, detail: { reason }, at });
    return { logoutId };
  });
}

interface LockedSession {
  uid: string;
  personId: string | null;
  endedAt: Date | null;
  logoutId: string | null;
}

/** In order of uid, so that two log-outs of one person at once wait for each other instead of locking each other out. */
async function lockSessions(tx: Transaction, where: Prisma.Sql): Promise<LockedSession[]> {
  return tx.$queryRaw<LockedSession[]>`
    SELECT uid, person_id AS "personId", ended_at AS "endedAt", logout_id::text AS "logoutId"
    FROM oidc_session WHERE ${where} ORDER BY uid FOR UPDATE`;
}

async function leaveSessions(tx: Transaction, uids: readonly string[], at: Date): Promise<Participant[]> {
  if (uids.length === 0) return [];
  return tx.$queryRaw<Participant[]>`
    UPDATE oidc_participation SET left_at = ${at} WHERE session_uid IN (${Prisma.join(uids)}) AND left_at IS NULL
    RETURNING session_uid AS "sessionUid", client_id AS "clientId", sid, persists_logout AS "persistsLogout"`;
}

async function writeLogout(
  tx: Transaction,
  logout: { personId: string; reason: LogoutReason; at: Date; participants: readonly Participant[]; everySession: boolean },
): Promise<string> {
  const { personId, reason, at, participants, everySession } = logout;
  const { id } = await tx.oidcLogout.create({ data: { personId, reason, at } });
  const ids = [...new Set(participants.map((p) => p.clientId))];
  const clients = await tx.oidcClient.findMany({ where: { id: { in: ids } }, select: { id: true, logoutUri: true, logoutWithSid: true } });
  const deliveries = clients.flatMap((client) => {
    const own = participants.filter((p) => p.clientId === client.id);
    const common = { logoutId: id, clientId: client.id, personId, dueAt: at, createdAt: at };
    if (!client.logoutUri) return [{ ...common, state: 'not-offered', settledAt: at }];
    // An app that insists on a session id gets one token for each of its sessions; all others one token for all.
    if (everySession && !client.logoutWithSid) return [{ ...common, state: 'pending' }];
    return own.map(({ sid }) => ({ ...common, sid, state: 'pending' }));
  });
  await tx.oidcLogoutDelivery.createMany({ data: deliveries });
  return id;
}

function listOf(participants: readonly Participant[]): Prisma.Sql {
  return participants.length === 0 ? Prisma.sql`NULL` : Prisma.join(participants.map((p) => p.clientId));
}
