/** Signs heads over the issuance log, and keeps every one that was ever given out. */
import { z } from 'zod';
import { rootOf } from '#pki/merkle-tree.ts';
import { encodeTreeHead } from '#pki/tree-head.ts';
import { type Database, isUniqueViolation, type Transaction } from '#storage/database.ts';
import type { CertificateDeps } from './certificate-deps.ts';
import { type HeadDocument, type HeadSignature, headDocument, type LogKey } from './log-head.ts';
import { logSize, readFrontier, sequenceLog } from './log-sequence.ts';
import { certifyRecordKeys, recordSigners } from './log-signer.ts';

/** A head is signed anew after this even if nothing was logged: a reader sees that the log lives. */
export const HEAD_REFRESH_MS = 3_600_000;

const BATCHES_PER_HEAD = 3;

type Deps = Pick<CertificateDeps, 'db' | 'clock' | 'keys'>;

/** One round of the log's job: places for what waits, and a head over them. Answers how many certificates were logged. */
export async function publishLog(deps: Deps): Promise<number> {
  // A head soon, also while many wait: the rest has its turn at once.
  const { logged } = await sequenceLog(deps, { maxBatches: BATCHES_PER_HEAD });
  await signDueHead(deps);
  return logged;
}

/** At start: the log's keys with their certificates, all earlier certificates in the log, and a head over them. */
export async function prepareLog(deps: CertificateDeps): Promise<void> {
  await certifyRecordKeys(deps, 'issuance-log');
  while ((await publishLog(deps)) > 0);
}

/** Signs the tree as it is, when it has grown or its head is an hour old. Undefined when neither. Throws what the key store throws. */
export async function signDueHead(deps: Deps): Promise<HeadDocument | undefined> {
  const [size, last] = await Promise.all([logSize(deps.db), newestHead(deps.db)]);
  const now = deps.clock.now().getTime();
  if (last && Number(last.treeSize) >= size && now - last.at.getTime() < HEAD_REFRESH_MS) return undefined;
  const rootHash = rootOf(await readFrontier(deps.db, size));
  // §3.5: a later head has a later time, whatever the clock did.
  const head = { size, at: new Date(Math.max(now, last ? last.at.getTime() + 1 : 0)), rootHash };
  const message = encodeTreeHead(head);
  const signatures = await Promise.all(
    (await recordSigners(deps, 'issuance-log')).map(async ({ key, suite, purpose }) => ({
      name: key.name,
      suite,
      spki: key.spki,
      signature: await deps.keys.sign(key.name, purpose, message),
    })),
  );
  try {
    await deps.db.logHead.create({
      data: { treeSize: BigInt(size), at: head.at, rootHash: Uint8Array.from(rootHash), signatures: signatures.map(stored) },
    });
  } catch (error) {
    // Another process signed the same tree in the same millisecond: both heads are true.
    if (!isUniqueViolation(error)) throw error;
  }
  return headDocument(head, signatures);
}

const signaturesShape = z.array(
  z.object({ name: z.string(), suite: z.enum(['es256', 'sm2-sm3']), spki: z.base64(), signature: z.base64() }),
);

function stored({ name, suite, spki, signature }: HeadSignature) {
  return { name, suite, spki: Buffer.from(spki).toString('base64'), signature: Buffer.from(signature).toString('base64') };
}

export interface StoredHead {
  treeSize: bigint;
  at: Date;
  rootHash: Uint8Array;
  signatures: unknown;
}

/** A stored row as the document that was given out. Throws when the row is not one that we wrote. */
export function documentOf({ treeSize, at, rootHash, signatures }: StoredHead): { document: HeadDocument; keys: LogKey[] } {
  const read = signaturesShape.parse(signatures).map(({ spki, signature, ...rest }) => ({
    ...rest,
    spki: Uint8Array.from(Buffer.from(spki, 'base64')),
    signature: Uint8Array.from(Buffer.from(signature, 'base64')),
  }));
  return { document: headDocument({ size: Number(treeSize), at, rootHash }, read), keys: read };
}

function newestHead(db: Database | Transaction): Promise<StoredHead | null> {
  return db.logHead.findFirst({ orderBy: [{ treeSize: 'desc' }, { at: 'desc' }] });
}

/** The head in force, with the keys that signed it. */
export async function latestHead({ db }: { db: Database }): Promise<{ document: HeadDocument; keys: LogKey[] } | undefined> {
  const row = await newestHead(db);
  return row ? documentOf(row) : undefined;
}
