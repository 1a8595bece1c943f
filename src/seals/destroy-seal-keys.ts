/**
 * When a seal has ended for good, so do its private keys: nobody can then put it on anything, whatever becomes of the key store. Not
 * before its certificates are revoked, and some hours after its end, so that no file that was just being sealed is cut off. What was
 * sealed before stays genuine: for that the certificates are enough.
 */
import { recordEvent } from '#audit/record-event.ts';
import { certificateStatus } from '#certificates/find-certificates.ts';
import { Problem } from '#problem.ts';
import type { SealDeps, SealRow } from './seal-view.ts';

const HOUR_MS = 3_600_000;
/** After the revocation: the longest work with a seal, a bulk job's file, holds it for minutes. */
const GRACE_MS = 4 * HOUR_MS;
/** A seal whose certificates ran out is of no use to anybody; who has to look into something still finds it whole for a while. */
const EXPIRED_GRACE_MS = 30 * 24 * HOUR_MS;
const ENDED = ['destroyed', 'replaced', 'cancelled'];
const BATCH = 50;
/** Not the pictures and files. */
const COLUMNS = {
  id: true,
  esId: true,
  keyName: true,
  pdfKeyName: true,
  certificateSerial: true,
  pdfCertificateSerial: true,
  validTo: true,
} as const;
type EndedSeal = Pick<SealRow, keyof typeof COLUMNS>;

/**
 * Answers for how many seals it did. What the key store lets go only a few a day of waits for the next time. Throws what the key store
 * throws otherwise, `signing-refused` where the signer's policy does not allow it.
 */
export async function destroySealKeys(deps: SealDeps): Promise<number> {
  const now = deps.clock.now();
  const rows = await deps.db.seal.findMany({
    where: {
      keysDestroyedAt: null,
      esId: { not: null },
      OR: [
        { status: { in: ENDED }, revokedAt: { lte: new Date(now.getTime() - GRACE_MS) } },
        { validTo: { lte: new Date(now.getTime() - EXPIRED_GRACE_MS) } },
      ],
    },
    select: COLUMNS,
    orderBy: { statusSince: 'asc' },
    take: BATCH,
  });
  let done = 0;
  for (const row of rows) {
    if ((await isAtWork(deps, row, now)) || !(await areCertificatesOver(deps, row, now))) continue;
    try {
      await destroyKeysOf(deps, row);
    } catch (error) {
      if (error instanceof Problem && error.code === 'signing-too-fast') return done;
      throw error;
    }
    done += 1;
  }
  return done;
}

/** Somebody holds a file of a job with this seal just now. */
async function isAtWork({ db }: SealDeps, { id }: EndedSeal, now: Date): Promise<boolean> {
  return (await db.sealJobFile.count({ where: { status: 'waiting', claimedUntil: { gt: now }, job: { sealId: id } } })) > 0;
}

/** Each is revoked for good or has run out; one that was never issued has nothing to prove. */
async function areCertificatesOver(deps: SealDeps, row: EndedSeal, now: Date): Promise<boolean> {
  if (row.validTo !== null && row.validTo <= now) return true;
  const serials = [row.certificateSerial, row.pdfCertificateSerial].filter((serial) => serial !== null);
  const answers = await Promise.all(serials.map((serial) => certificateStatus(deps, serial)));
  return answers.every(({ status }) => status === 'revoked');
}

/** Done again it goes on where it was cut off. */
async function destroyKeysOf({ db, clock, keys }: SealDeps, row: EndedSeal): Promise<void> {
  const { id, esId } = row;
  // By their names too: making may have been cut off between a key and its row.
  const names = new Set([`seal-${esId}-sm2`, `seal-${esId}-p256`, row.keyName, row.pdfKeyName].filter((name) => name !== null));
  const gone: string[] = [];
  for (const name of names) {
    const key = await keys.find(name);
    if (!key) continue;
    if (!key.retired) await keys.retire(name);
    gone.push(name);
  }
  const at = clock.now();
  await db.$transaction(async (tx) => {
    const { count } = await tx.seal.updateMany({ where: { id, keysDestroyedAt: null }, data: { keysDestroyedAt: at } });
    if (count === 0) return;
    const detail = { keys: gone };
    await recordEvent(tx, { kind: 'seal-keys-destroyed', actor: 'system:seals', subject: `seal:${id}`, detail, at });
  });
}
