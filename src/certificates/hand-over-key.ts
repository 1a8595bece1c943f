/**
 * How a recovered key leaves, once: its holder takes it at their own page, under a password they set there, or it goes out in an
 * envelope for a key that both operators saw.
 */
import type { Approval } from '#access/approval.ts';
import { findApproval } from '#access/find-approvals.ts';
import { type Staff, staffActor } from '#access/staff.ts';
import { takeApproved } from '#access/take-approved.ts';
import { recordEvent } from '#audit/record-event.ts';
import { encodePfx } from '#crypto/pfx.ts';
import { importPrivateKey } from '#crypto/suite.ts';
import { Problem } from '#problem.ts';
import type { EnrolDeps } from './enrolment.ts';
import { requireStrongPassword } from './export-pkcs12.ts';
import { type ArchiveDeps, archivePlace, type KeyEnvelope, sealKeyFor } from './issue-pair.ts';
import { findIssued } from './issue-requested.ts';
import {
  fingerprintOf,
  type KeyRecovery,
  listKeyRecoveries,
  payloadOf,
  RECOVERY_KIND,
  requireOperator,
  tellHolder,
} from './recover-key.ts';
import type { RenewingParty } from './renew-certificate.ts';
import { requireOwnHeld } from './take-encryption-certificate.ts';

/**
 * Carries out what a second operator allowed, once: the key, sealed for the recipient. Throws Problem `not-allowed`,
 * `key-recovery-not-found` (also for one that its holder takes), `certificate-key-not-archived`, and those of `takeApproved`.
 */
export async function recoverKey(deps: ArchiveDeps, input: { id: string; by: Staff }): Promise<KeyEnvelope & { serialHex: string }> {
  const by = staffActor(await requireOperator(deps, input.by));
  const approval = await findApproval(deps, input.id);
  const payload = approval?.kind === RECOVERY_KIND ? payloadOf(approval) : undefined;
  if (!approval || !payload?.recipientSpki) throw new Problem('key-recovery-not-found');
  const recipientSpki = new Uint8Array(Buffer.from(payload.recipientSpki, 'base64'));
  const { serialHex } = payload;
  const envelope = await handOver(deps, approval, by, async (pkcs8) => {
    const { suite, publicKey } = importPrivateKey(pkcs8);
    return sealKeyFor(recipientSpki, { suite, pkcs8, spki: publicKey.spki });
  });
  return { ...envelope, serialHex };
}

/** The recovery that waits for its holder at the page of this signing certificate. */
export async function findRecoveryToTake(deps: Pick<ArchiveDeps, 'db' | 'clock'>, signingSerial: string): Promise<KeyRecovery | undefined> {
  const archived = await deps.db.archivedKey.findUnique({ where: { signingSerial } });
  const found = archived ? await listKeyRecoveries(deps, { serialHex: archived.serialHex, limit: 20 }) : [];
  return found.find(({ status, delivery }) => status === 'approved' && delivery === 'holder');
}

/**
 * The holder takes the recovered key, once, as PKCS#12 under a password of their own. Throws Problem `certificate-not-found`,
 * `key-recovery-not-found`, `pfx-password-too-weak`, those that prove the party, and those of `takeApproved`.
 * @param input.serialHex of the signing certificate, which may have ended since.
 */
export async function takeRecoveredKey(
  deps: EnrolDeps & ArchiveDeps,
  input: { serialHex: string; by: RenewingParty; password: string },
): Promise<{ serialHex: string; pfx: Uint8Array }> {
  const { actor } = await requireOwnHeld(deps, input);
  const { password } = input;
  requireStrongPassword(password);
  const found = await findRecoveryToTake(deps, input.serialHex);
  const approval = found && (await findApproval(deps, found.id));
  if (!approval) throw new Problem('key-recovery-not-found');
  const { serialHex } = found;
  const { chain } = await findIssued(deps, serialHex);
  const pfx = await handOver(deps, approval, actor, (pkcs8) =>
    encodePfx({ pkcs8, chain: chain.map(({ der }) => der), password, friendlyName: `encryption-${serialHex.slice(-8)}` }),
  );
  return { serialHex, pfx };
}

/** Packed before the transaction ends: when that fails, the approval is not used up. */
function handOver<T>(deps: ArchiveDeps, approval: Approval, by: string, pack: (pkcs8: Uint8Array) => Promise<T>): Promise<T> {
  const at = deps.clock.now();
  const { serialHex, grounds, recipientSpki } = payloadOf(approval);
  const subject = `certificate:${serialHex}`;
  return deps.db.$transaction(async (tx) => {
    const archived = await tx.archivedKey.findUnique({ where: { serialHex } });
    if (!archived) throw new Problem('certificate-key-not-archived');
    // The payload goes in as it stands in the row: changed since, it is not what was approved.
    const taking = { id: approval.id, kind: RECOVERY_KIND, subject, payload: approval.payload, by, at };
    const { requestedBy, decidedBy } = await takeApproved(tx, taking);
    await tx.archivedKey.update({ where: { serialHex }, data: { recoveries: { increment: 1 }, lastRecovery: at } });
    const recipient = recipientSpki ? fingerprintOf(recipientSpki) : 'holder';
    const detail = { grounds, recipient, requestedBy, decidedBy: decidedBy ?? null, approval: approval.id };
    await recordEvent(tx, { kind: 'key-recovered', actor: by, subject, detail, at });
    await tellHolder(tx, serialHex, 'key-recovered', at);
    const pkcs8 = deps.fields.open(archivePlace(serialHex), archived.sealedKey);
    try {
      return await pack(pkcs8);
    } finally {
      pkcs8.fill(0);
    }
  });
}
