/** Certificates of other authorities that people added to their accounts, to sign in with. A sign-in judges each anew. */
import { recordEvent } from '#audit/record-event.ts';
import type { Certificate } from '#pki/certificate.ts';
import { nameToString } from '#pki/name.ts';
import { Problem } from '#problem.ts';
import { isUniqueViolation, type Transaction } from '#storage/database.ts';
import type { ForeignCertificateDeps, ForeignHolder } from './judge-foreign-certificate.ts';
import { signInAnchorsOf } from './trust-list-anchors.ts';
import { readTrustEntries } from './trust-list-publish.ts';

/** A person has few; the bound keeps the page short. */
const MAX_PER_PERSON = 10;

type Deps = Pick<ForeignCertificateDeps, 'db' | 'clock'>;

export interface ForeignCertificateView {
  id: string;
  issuer: string;
  serialHex: string;
  fingerprint: string;
  notBefore: Date;
  notAfter: Date;
  linkedAt: Date;
  lastUsedAt: Date | undefined;
  /** Entry of the trust list it was added under; undefined once that is gone. */
  authority: { zh: string; en: string } | undefined;
  /** `unrecognised`: its authority is not in the trust list for signing in any more, for good or for now. */
  state: 'usable' | 'expired' | 'unrecognised';
}

/** Throws Problem `foreign-certificate-linked`, also when it is another's account, and `certificate-limit`. */
export async function addForeignCertificate(
  { db, clock }: Deps,
  { personId, certificate, holder }: { personId: string; certificate: Certificate; holder: ForeignHolder },
): Promise<void> {
  const at = clock.now();
  const { fingerprint, serialHex, notBefore, notAfter } = certificate;
  const { trustEntryId } = holder;
  try {
    await db.$transaction(async (tx) => {
      // One at a time for a person, so that the bound holds.
      await tx.$queryRaw`SELECT "id" FROM "person" WHERE "id" = ${personId}::uuid FOR UPDATE`;
      if ((await tx.foreignCertificate.count({ where: { personId } })) >= MAX_PER_PERSON) throw new Problem('certificate-limit');
      const issuer = nameToString(certificate.issuer);
      await tx.foreignCertificate.create({
        data: { personId, fingerprint, serialHex, issuer, notBefore, notAfter, trustEntryId, linkedAt: at },
      });
      const subject = `foreign-certificate:${fingerprint}`;
      await recordEvent(tx, { kind: 'foreign-certificate-added', actor: `person:${personId}`, subject, at, detail: { trustEntryId } });
    });
  } catch (error) {
    throw isUniqueViolation(error) ? new Problem('foreign-certificate-linked', { cause: error }) : error;
  }
}

/** Whose account it was added to. */
export async function findForeignCertificateOwner({ db }: Pick<Deps, 'db'>, fingerprint: string): Promise<string | undefined> {
  return (await db.foreignCertificate.findUnique({ where: { fingerprint }, select: { personId: true } }))?.personId;
}

/** @param trustEntryId under which it was taken now: an authority may have been removed and taken in anew. */
export async function noteForeignCertificateUse(
  { clock }: Pick<Deps, 'clock'>,
  tx: Transaction,
  { fingerprint, trustEntryId }: { fingerprint: string; trustEntryId: string },
): Promise<void> {
  await tx.foreignCertificate.updateMany({ where: { fingerprint }, data: { lastUsedAt: clock.now(), trustEntryId } });
}

/** Newest first. */
export async function listForeignCertificates(deps: Deps, personId: string): Promise<ForeignCertificateView[]> {
  const at = deps.clock.now();
  const rows = await deps.db.foreignCertificate.findMany({ where: { personId }, orderBy: { linkedAt: 'desc' }, take: MAX_PER_PERSON });
  if (rows.length === 0) return [];
  const list = await readTrustEntries(deps);
  const usable = new Set(signInAnchorsOf(list, at).map(({ id }) => id));
  return rows.map(({ personId: _personId, trustEntryId, lastUsedAt, ...row }) => ({
    ...row,
    lastUsedAt: lastUsedAt ?? undefined,
    authority: list.entries.find(({ id }) => id === trustEntryId)?.name,
    state: row.notAfter < at ? 'expired' : usable.has(trustEntryId) ? 'usable' : 'unrecognised',
  }));
}

/** Throws Problem `foreign-certificate-not-found`, also for another's. */
export async function removeForeignCertificate({ db, clock }: Deps, { id, personId }: { id: string; personId: string }): Promise<void> {
  const row = await db.foreignCertificate.findUnique({ where: { id } });
  await db.$transaction(async (tx) => {
    const { count } = await tx.foreignCertificate.deleteMany({ where: { id, personId } });
    if (count === 0 || !row) throw new Problem('foreign-certificate-not-found');
    const subject = `foreign-certificate:${row.fingerprint}`;
    await recordEvent(tx, { kind: 'foreign-certificate-removed', actor: `person:${personId}`, subject, at: clock.now() });
  });
}
