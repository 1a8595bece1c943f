/**
 * One-time tokens with which a device enrols: shown once to the operator who makes one, kept as a hash. A token is bound to the
 * first key whose request is taken; with that key it may be sent again until it ends, so that a lost answer or a pending one can be had.
 */
import { createHash, randomBytes } from 'node:crypto';
import { type Staff, staffActor } from '#access/staff.ts';
import { recordEvent } from '#audit/record-event.ts';
import { isUuid } from '#people/is-uuid.ts';
import { Problem } from '#problem.ts';
import type { Transaction } from '#storage/database.ts';
import { type Device, requireDevice, requireOperator } from './devices.ts';
import type { EnrolDeps } from './enrolment.ts';

type Reading = Pick<EnrolDeps, 'db' | 'clock'>;

/** Long enough to set a device up and to wait for a second operator over a holiday. */
const TOKEN_LIFE_DAYS = 7;
const TOKEN = /^[A-Za-z0-9_-]{32}$/;

const hashOf = (token: string) => Uint8Array.from(createHash('sha256').update(token).digest());

/** For HTTP Basic: the device's id is the user name. Throws Problem `not-allowed`, `device-not-found`. */
export async function mintEnrolmentToken(
  deps: Reading,
  input: { deviceId: string; by: Staff },
): Promise<{ username: string; token: string; expiresAt: Date }> {
  const by = await requireOperator(deps, input.by);
  const device = await requireDevice(deps, input.deviceId);
  if (device.retiredAt) throw new Problem('device-not-found');
  const token = randomBytes(24).toString('base64url');
  const at = deps.clock.now();
  const expiresAt = new Date(at.getTime() + TOKEN_LIFE_DAYS * 86_400_000);
  await deps.db.$transaction(async (tx) => {
    const row = await tx.enrolmentToken.create({
      data: { deviceId: device.id, tokenHash: hashOf(token), createdBy: by.id, createdAt: at, expiresAt },
    });
    const detail = { token: row.id, expiresAt: expiresAt.toISOString() };
    await recordEvent(tx, { kind: 'enrolment-token-made', actor: staffActor(by), subject: `device:${device.id}`, at, detail });
  });
  return { username: device.id, token, expiresAt };
}

/**
 * The device whose living token this is, which no other key has used. Throws Problem `enrolment-token-refused`, alike for unknown,
 * ended, foreign and used tokens and for retired devices.
 * @param keyDigest SHA-256 of the SubjectPublicKeyInfo the device asks with.
 */
export async function findEnrolmentToken(
  deps: Reading,
  input: { username: string; token: string; keyDigest: Uint8Array<ArrayBuffer> },
): Promise<{ device: Device; tokenId: string }> {
  const isPlausible = TOKEN.test(input.token) && isUuid(input.username);
  const row = isPlausible ? await deps.db.enrolmentToken.findUnique({ where: { tokenHash: hashOf(input.token) } }) : null;
  if (!row || row.deviceId !== input.username.toLowerCase() || row.expiresAt <= deps.clock.now()) {
    throw new Problem('enrolment-token-refused');
  }
  if (row.keyDigest && !Buffer.from(row.keyDigest).equals(input.keyDigest)) throw new Problem('enrolment-token-refused');
  const device = await requireDevice(deps, row.deviceId);
  if (device.retiredAt) throw new Problem('enrolment-token-refused');
  return { device, tokenId: row.id };
}

/**
 * Binds the token to the key, in the transaction that writes the request down: a request that is refused leaves the token as it was.
 * Throws Problem `enrolment-token-refused` when another key was quicker.
 */
export async function bindEnrolmentToken(
  tx: Transaction,
  { tokenId, keyDigest, at }: { tokenId: string; keyDigest: Uint8Array<ArrayBuffer>; at: Date },
): Promise<void> {
  // The guard is in the WHERE clause: of two keys that come at once one is bound.
  const { count } = await tx.enrolmentToken.updateMany({
    where: { id: tokenId, OR: [{ usedAt: null }, { keyDigest }] },
    data: { usedAt: at, keyDigest },
  });
  if (count === 0) throw new Problem('enrolment-token-refused');
}
