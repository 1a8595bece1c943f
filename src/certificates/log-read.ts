/** What readers of the issuance log ask: proofs, entries, keys. Each proof costs O(log n) stored hashes. Nothing here needs the signer. */

import { parseCertificate } from '#pki/certificate.ts';
import { consistencyRanges, inclusionRanges } from '#pki/merkle-tree.ts';
import { faultyField, Problem } from '#problem.ts';
import type { Database } from '#storage/database.ts';
import type { CertificateDeps } from './certificate-deps.ts';
import { trustedCertificates } from './find-certificates.ts';
import { encodeChain, encodeLeaf, isPublished } from './log-entry.ts';
import { type LogKey, logIdOf } from './log-head.ts';
import { readRanges } from './log-nodes.ts';
import { latestHead } from './log-publish.ts';
import { MAX_MERGE_DELAY_SECONDS } from './log-sequence.ts';
import { recordChain } from './log-signer.ts';

/** Entries given at once; a reader asks again from where they end (RFC 6962 §4.6). */
export const MAX_ENTRIES = 256;

type Reading = Pick<CertificateDeps, 'db' | 'clock'>;

/** One entry as `get-entries` gives it; a withheld one has its hash alone. */
export interface LogEntryView {
  /** Base64 of the leaf hash: what the tree is built of. */
  leaf_hash: string;
  /** Base64 of MerkleTreeLeaf and of the chain above the certificate. */
  leaf_input?: string;
  extra_data?: string;
  /** The certificate is of a natural person, or may be. */
  withheld?: true;
}

/** Throws Problem `invalid-input` for sizes that no head covers. */
export async function proveConsistency({ db }: Reading, first: number, second: number): Promise<string[]> {
  await requireSize(db, second, '/second');
  if (!isCount(first) || first > second) throw outOfRange('/first');
  return toBase64(await readRanges(db, consistencyRanges(first, second)));
}

/** Throws Problem `log-entry-not-found`, or `invalid-input` for a size that no head covers. */
export async function proveByHash(
  { db }: Reading,
  leafHash: Uint8Array,
  treeSize: number,
): Promise<{ leaf_index: number; audit_path: string[] }> {
  await requireSize(db, treeSize, '/tree_size');
  const entry = await db.logEntry.findUnique({ where: { leafHash: Uint8Array.from(leafHash) } });
  if (!entry || Number(entry.index) >= treeSize) throw new Problem('log-entry-not-found');
  const index = Number(entry.index);
  return { leaf_index: index, audit_path: toBase64(await readRanges(db, inclusionRanges(index, treeSize))) };
}

/** Entries from `start` to `end`, both included, cut to MAX_ENTRIES and to the head. Throws Problem `invalid-input`. */
export async function listLogEntries({ db }: Reading, start: number, end: number): Promise<LogEntryView[]> {
  const size = await signedSize(db);
  if (!isCount(start) || start >= size) throw outOfRange('/start');
  if (!isCount(end) || end < start) throw outOfRange('/end');
  return readEntries(db, start, Math.min(end + 1, start + MAX_ENTRIES, size));
}

/** One entry with its audit path. Throws Problem `invalid-input`. */
export async function proveEntry({ db }: Reading, index: number, treeSize: number): Promise<LogEntryView & { audit_path: string[] }> {
  await requireSize(db, treeSize, '/tree_size');
  if (!isCount(index) || index >= treeSize) throw outOfRange('/leaf_index');
  const [[entry], path] = await Promise.all([readEntries(db, index, index + 1), readRanges(db, inclusionRanges(index, treeSize))]);
  return { ...(entry as LogEntryView), audit_path: toBase64(path) };
}

async function readEntries(db: Database, begin: number, end: number): Promise<LogEntryView[]> {
  const rows = await db.$queryRaw<{ leafHash: Uint8Array; der: Uint8Array | null; profile: string | null }[]>`
    SELECT e."leaf_hash" AS "leafHash", c."der", c."profile"
    FROM "issuance_log_entry" e LEFT JOIN "issued_certificate" c ON c."serial_hex" = e."serial_hex"
    WHERE e."entry_index" >= ${begin} AND e."entry_index" < ${end} ORDER BY e."entry_index"`;
  const { roots, issuing } = await trustedCertificates({ db });
  const bySubject = new Map([...roots, ...issuing].map((one) => [Buffer.from(one.subject.der).toString('hex'), one]));
  return rows.map(({ leafHash, der, profile }) => {
    const leaf_hash = base64(leafHash);
    if (!der || !profile || !isPublished(profile)) return { leaf_hash, withheld: true };
    const certificate = parseCertificate(der);
    const chain: Uint8Array[] = [];
    for (let at = certificate; !at.selfIssued && chain.length < 4; ) {
      const issuer = bySubject.get(Buffer.from(at.issuer.der).toString('hex'));
      if (!issuer) break;
      chain.push(issuer.der);
      at = issuer;
    }
    return { leaf_hash, leaf_input: base64(encodeLeaf(certificate)), extra_data: base64(encodeChain(chain)) };
  });
}

/** What a reader must know before it reads: who signs, and how late an entry may come. */
export interface LogDescription {
  description: string;
  log_id: string;
  mmd: number;
  keys: { name: string; suite: 'es256' | 'sm2-sm3'; log_id: string; key: string; certificates: string[] }[];
}

/** Undefined before the first head. */
export async function describeLog(deps: Reading): Promise<LogDescription | undefined> {
  const head = await latestHead(deps);
  if (!head) return undefined;
  const keys = await Promise.all(
    head.keys.map(async (key) => ({
      name: key.name,
      suite: key.suite,
      log_id: logIdOf(key),
      key: base64(key.spki),
      certificates: (await recordChain(deps, key)).map(({ der }) => base64(der)),
    })),
  );
  return { description: 'Tongren issuance log', log_id: head.document.log_id, mmd: MAX_MERGE_DELAY_SECONDS, keys };
}

/** Keys that signed heads of this installation; for the trust folder. */
export async function logKeys(deps: Pick<CertificateDeps, 'db'>): Promise<LogKey[]> {
  return (await latestHead(deps))?.keys ?? [];
}

async function signedSize(db: Database): Promise<number> {
  return (await latestHead({ db }))?.document.tree_size ?? 0;
}

async function requireSize(db: Database, size: number, pointer: string): Promise<void> {
  if (!isCount(size) || size > (await signedSize(db))) throw outOfRange(pointer);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function outOfRange(pointer: string): Problem {
  return faultyField(pointer, 'Lies outside the log.', '超出日志范围。');
}

function toBase64(hashes: readonly Uint8Array[]): string[] {
  return hashes.map(base64);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
