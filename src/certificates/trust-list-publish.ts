/** Editions of the trust list: signed when it changes and at least daily, so that a reader knows an old one. */
import { recordEvent } from '#audit/record-event.ts';
import { rawFromDerSignature } from '#crypto/suite.ts';
import { parseCertificate } from '#pki/certificate.ts';
import { parsePem } from '#pki/pem.ts';
import { Problem } from '#problem.ts';
import { isUniqueViolation, type Prisma, type Transaction } from '#storage/database.ts';
import { type CertificateDeps, wholeSeconds } from './certificate-deps.ts';
import { certifyRecordKeys, type RecordSigner, recordChain, recordSigners } from './log-signer.ts';
import { suiteOf, type TrustRow } from './trust-list-entry.ts';
import {
  constraintsShape,
  LISTED_STATES,
  type ListedEntry,
  type SignedTrustList,
  signedListShape,
  TRUST_LIST_TYPE,
  type TrustList,
  trustListShape,
} from './trust-list-format.ts';

/** How long a reader may use an edition, and when the next is made. */
export const EDITION_LIFE_MS = 7 * 86_400_000;
const RENEW_AFTER_MS = 86_400_000;
/** Key of the advisory lock under which changes get their number: the letters `trst`. */
const SEQUENCE_LOCK = 0x74727374;
const ALGORITHMS = { es256: 'ES256', 'sm2-sm3': 'SGD_SM3_SM2' } as const;

export type TrustChangeKind = 'approved' | 'suspended' | 'resumed' | 'removed' | 'expired';

/** One more change of the list, in the transaction that makes it. */
export async function recordTrustChange(
  tx: Transaction,
  input: { kind: TrustChangeKind; entryId: string; by: string; at: Date },
): Promise<void> {
  await tx.$queryRaw`SELECT pg_advisory_xact_lock(${SEQUENCE_LOCK}::bigint)::text`;
  const last = await tx.trustChange.findFirst({ orderBy: { sequence: 'desc' }, select: { sequence: true } });
  const sequence = (last?.sequence ?? 0n) + 1n;
  await tx.trustChange.create({ data: { sequence, ...input } });
  await recordEvent(tx, {
    kind: `trust-entry-${input.kind}`,
    actor: input.by,
    subject: `trust-entry:${input.entryId}`,
    detail: { sequence: String(sequence) },
    at: input.at,
  });
}

/** Keys, certificates and a first edition; for start-up. */
export async function prepareTrustList(deps: CertificateDeps): Promise<void> {
  await certifyRecordKeys(deps, 'trust-list');
  await publishTrustList(deps);
}

/**
 * Takes out entries whose time is over, and signs an edition when one is due, or with `anew` in any case: after its key changed. Answers
 * how many entries expired.
 */
export async function publishTrustList(deps: CertificateDeps, { anew = false }: { anew?: boolean } = {}): Promise<number> {
  const expired = await expireEntries(deps);
  const list = await readTrustEntries(deps);
  const last = await deps.db.trustEdition.findFirst({ orderBy: [{ sequence: 'desc' }, { issuedAt: 'desc' }] });
  const age = last ? deps.clock.now().getTime() - last.issuedAt.getTime() : Number.POSITIVE_INFINITY;
  if (!anew && last && Number(last.sequence) >= list.sequence && age < RENEW_AFTER_MS) return expired;
  const document = await signList(deps, list);
  try {
    await deps.db.trustEdition.create({
      data: {
        sequence: BigInt(list.sequence),
        issuedAt: new Date(list.issuedAt),
        nextUpdate: new Date(list.nextUpdate),
        document: document as unknown as Prisma.InputJsonObject,
      },
    });
  } catch (error) {
    // Another process signed the same edition in the same second: both are true.
    if (!isUniqueViolation(error)) throw error;
  }
  return expired;
}

/** The edition in force. Throws Problem `trust-list-missing`. */
export async function currentTrustList(deps: Pick<CertificateDeps, 'db'>): Promise<{ document: SignedTrustList; list: TrustList }> {
  const row = await deps.db.trustEdition.findFirst({ orderBy: [{ sequence: 'desc' }, { issuedAt: 'desc' }] });
  if (!row) throw new Problem('trust-list-missing');
  const document = signedListShape.parse(row.document);
  return { document, list: trustListShape.parse(JSON.parse(Buffer.from(document.payload, 'base64url').toString('utf8'))) };
}

/** The list as the store has it at this moment: what our own verification goes by, signed or not yet. */
export async function readTrustEntries(deps: Pick<CertificateDeps, 'db' | 'clock'> & { publicOrigin?: string }): Promise<TrustList> {
  const issuedAt = wholeSeconds(deps.clock.now());
  const [rows, last] = await deps.db.$transaction(
    async (tx) => [
      await tx.trustEntry.findMany({ where: { state: { in: [...LISTED_STATES] } }, orderBy: { id: 'asc' }, take: 1_000 }),
      await tx.trustChange.findFirst({ orderBy: { sequence: 'desc' }, select: { sequence: true } }),
    ],
    { isolationLevel: 'RepeatableRead' },
  );
  return {
    format: 'tongren-trust-list',
    version: 1,
    issuer: deps.publicOrigin ?? 'tongren',
    sequence: Number(last?.sequence ?? 0n),
    issuedAt: issuedAt.toISOString(),
    nextUpdate: new Date(issuedAt.getTime() + EDITION_LIFE_MS).toISOString(),
    entries: rows.map(listedEntry),
  };
}

/** Whether this entry is an anchor at this moment: active, within its dates. */
export async function isTrustEntryInForce({ db, clock }: Pick<CertificateDeps, 'db' | 'clock'>, id: string): Promise<boolean> {
  const at = clock.now();
  return (await db.trustEntry.count({ where: { id, state: 'active', validFrom: { lte: at }, validUntil: { gt: at } } })) > 0;
}

function listedEntry(row: TrustRow): ListedEntry {
  const ders = parsePem(row.certificates, 'CERTIFICATE');
  return {
    id: row.id,
    name: { zh: row.nameZh, en: row.nameEn },
    state: row.state as ListedEntry['state'],
    official: row.official,
    certificates: ders.map((der) => Buffer.from(der).toString('base64')),
    fingerprint: row.fingerprint,
    suite: suiteOf(parseCertificate(ders[0] ?? new Uint8Array())),
    constraints: constraintsShape.parse(row.constraints),
    validFrom: row.validFrom.toISOString(),
    validUntil: row.validUntil.toISOString(),
    importedBy: row.importedBy,
    importedAt: row.importedAt.toISOString(),
    approvedBy: row.approvedBy ?? '',
    approvedAt: (row.approvedAt ?? row.changedAt).toISOString(),
  };
}

async function expireEntries({ db, clock }: CertificateDeps): Promise<number> {
  const at = clock.now();
  const over = await db.trustEntry.findMany({
    where: { state: { in: ['active', 'suspended'] }, validUntil: { lte: at } },
    select: { id: true },
  });
  for (const { id } of over) {
    await db.$transaction(async (tx) => {
      const { count } = await tx.trustEntry.updateMany({
        where: { id, state: { in: ['active', 'suspended'] } },
        data: { state: 'expired', changedAt: at, approvalId: null },
      });
      if (count === 1) await recordTrustChange(tx, { kind: 'expired', entryId: id, by: 'system:trust-list', at });
    });
  }
  return over.length;
}

async function signList(deps: CertificateDeps, list: TrustList): Promise<SignedTrustList> {
  const payload = Buffer.from(JSON.stringify(list), 'utf8').toString('base64url');
  const sign = async ({ key, suite, purpose }: RecordSigner) => {
    const header = { alg: ALGORITHMS[suite], kid: key.name, typ: TRUST_LIST_TYPE };
    const encoded = Buffer.from(JSON.stringify(header), 'utf8').toString('base64url');
    const signature = await deps.keys.sign(key.name, purpose, Buffer.from(`${encoded}.${payload}`, 'latin1'));
    const chain = await recordChain(deps, key);
    return {
      protected: encoded,
      header: { x5c: chain.map(({ der }) => Buffer.from(der).toString('base64')) },
      signature: Buffer.from(rawFromDerSignature(signature)).toString('base64url'),
    };
  };
  return { payload, signatures: await Promise.all((await recordSigners(deps, 'trust-list')).map(sign)) };
}
