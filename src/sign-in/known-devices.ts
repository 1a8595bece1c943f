/**
 * Browsers a person has signed in with before, known by a random cookie. Their tries are counted apart from everybody else's,
 * so that an outsider who keeps failing at somebody's account, or keeps asking for codes to their phone, locks out only outsiders.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '#ports/clock.ts';
import type { Database } from '#storage/database.ts';

type DeviceDeps = { db: Database; clock: Clock };

export const DEVICE_LIFE_DAYS = 180;
const DEVICES_PER_PERSON = 20;
export const TOKEN_PATTERN = /^[A-Za-z0-9_-]{43}$/;

export const tokenHash = (token: string) => Uint8Array.from(createHash('sha256').update(token).digest());

/** Returns the token for the cookie. The oldest devices of a person with very many are forgotten. */
export async function rememberDevice({ db, clock }: DeviceDeps, personId: string): Promise<string> {
  const at = clock.now();
  const token = randomBytes(32).toString('base64url');
  await db.knownDevice.create({
    data: { personId, tokenHash: tokenHash(token), createdAt: at, expiresAt: new Date(at.getTime() + DEVICE_LIFE_DAYS * 86_400_000) },
  });
  const surplus = await db.knownDevice.findMany({
    where: { personId },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    skip: DEVICES_PER_PERSON,
    select: { id: true },
  });
  if (surplus.length > 0) await db.knownDevice.deleteMany({ where: { id: { in: surplus.map(({ id }) => id) } } });
  return token;
}

/** The device when it is this person's, else undefined. */
export async function findDeviceOf(
  { db, clock }: DeviceDeps,
  personId: string | undefined,
  token: string | undefined,
): Promise<{ id: string } | undefined> {
  if (personId === undefined || token === undefined || !TOKEN_PATTERN.test(token)) return undefined;
  const device = await db.knownDevice.findUnique({ where: { tokenHash: tokenHash(token) } });
  return device && device.personId === personId && device.expiresAt > clock.now() ? { id: device.id } : undefined;
}

/** After a changed password or "sign out everywhere". */
export async function forgetDevicesOf({ db }: Pick<DeviceDeps, 'db'>, personId: string): Promise<void> {
  await db.knownDevice.deleteMany({ where: { personId } });
}
