/**
 * Checks the issuance log in the database from end to end: each entry against its certificate, each stored hash against those below
 * it, each head ever signed against the tree, and the certificates issued against the log. A log that was written anew in everything,
 * heads included, is only shown by a head that was kept elsewhere.
 */
import { EMPTY_TREE, type Frontier, growTree, inclusionRanges, isIncluded, rootOf } from '#pki/merkle-tree.ts';
import type { Database, Transaction } from '#storage/database.ts';
import { leafHashOf } from './log-entry.ts';
import { type LogKey, readHead } from './log-head.ts';
import { readRanges } from './log-nodes.ts';
import { documentOf } from './log-publish.ts';
import { type LogFault, type LogVerdict, MAX_FAULTS } from './log-verdict.ts';
import { treeChecker } from './log-verify-tree.ts';

const BATCH = 2_000;
const TIMEOUT_MS = 30 * 60_000;
/** A worker that was down for a while is no fault of the log's. */
const LATE_SECONDS = 600;

export interface VerifyLogOptions {
  /** Keys that may have signed heads, known from elsewhere. Without them those stored with the heads are taken. */
  trustedKeys?: readonly LogKey[];
  /** A head that was kept elsewhere. */
  keptHead?: unknown;
  /** DER of a certificate that should be in the log. */
  certificate?: Uint8Array;
}

/** One consistent look at the tables, whatever is written meanwhile. */
export async function verifyLogInDatabase({ db }: { db: Database }, options: VerifyLogOptions = {}): Promise<LogVerdict> {
  return db.$transaction((tx) => walk(tx, options), { isolationLevel: 'RepeatableRead', timeout: TIMEOUT_MS, maxWait: 30_000 });
}

interface KnownHead {
  size: number;
  at: Date;
  rootHash: Uint8Array;
}

async function walk(tx: Transaction, options: VerifyLogOptions): Promise<LogVerdict> {
  const faults: LogFault[] = [];
  const heads = await readHeads(tx, options, faults);
  const changed = new Set<number>();
  const checker = treeChecker((index) => changed.has(index));
  let tree: Frontier | undefined = EMPTY_TREE;
  let next = 0;
  for (;;) {
    const rows = await nextEntries(tx, next);
    const leaves: Uint8Array[] = [];
    for (const row of rows) {
      const index = Number(row.index);
      for (; next < index && faults.length < MAX_FAULTS; next++) faults.push({ kind: 'removed', index: next });
      // Behind a gap no root can be computed: the gap itself is the fault that is told.
      if (next !== index) tree = undefined;
      if (leaves.length + (tree?.size ?? 0) !== index) tree = undefined;
      judgeEntry(row, index, changed, faults);
      checker.addLeaf(index, row.leafHash);
      leaves.push(row.leafHash);
      next = index + 1;
    }
    await checkNodes(tx, checker, next - leaves.length, next);
    tree = tree && growPastHeads(tree, leaves, heads, faults);
    if (rows.length < BATCH || faults.length >= MAX_FAULTS) break;
  }
  faults.push(...checker.faults());
  const [cut] = heads.filter(({ size }) => size > next);
  if (cut && faults.length < MAX_FAULTS) faults.push({ kind: 'cut-off', index: next, size: cut.size });
  const { waiting, late, unlogged } = await findOutside(tx);
  faults.push(...unlogged, ...late);
  const newest = heads.filter(({ kept }) => !kept).at(-1);
  const place = options.certificate ? await findCertificate(tx, options.certificate, newest, faults) : undefined;
  return {
    intact: faults.length === 0,
    entries: next,
    ...(newest ? { head: { size: newest.size, at: newest.at.toISOString() } } : {}),
    keysProven: options.trustedKeys !== undefined,
    waiting,
    ...(place === undefined ? {} : { certificate: { index: place } }),
    faults: faults.slice(0, MAX_FAULTS),
  };
}

interface EntryRow {
  index: bigint;
  leafHash: Uint8Array;
  serialHex: string;
  der: Uint8Array | null;
  known: boolean;
}

function nextEntries(tx: Transaction, from: number): Promise<EntryRow[]> {
  return tx.$queryRaw<EntryRow[]>`
    SELECT e."entry_index" AS "index", e."leaf_hash" AS "leafHash", e."serial_hex" AS "serialHex", c."der", c."id" IS NOT NULL AS "known"
    FROM "issuance_log_entry" e LEFT JOIN "issued_certificate" c ON c."serial_hex" = e."serial_hex"
    WHERE e."entry_index" >= ${from} ORDER BY e."entry_index" LIMIT ${BATCH}`;
}

function judgeEntry({ der, known, leafHash, serialHex }: EntryRow, index: number, changed: Set<number>, faults: LogFault[]): void {
  if (!der) {
    faults.push({ kind: known ? 'removed' : 'extra', index, serial: serialHex });
    return;
  }
  if (Buffer.compare(hashOf(der), leafHash) === 0) return;
  changed.add(index);
  faults.push({ kind: 'changed', index, serial: serialHex });
}

function hashOf(der: Uint8Array): Uint8Array {
  try {
    return leafHashOf(der);
  } catch {
    // What is no certificate any more has no leaf hash.
    return new Uint8Array();
  }
}

/** The stored nodes that leaves `begin` to `end` complete, lowest level first within each. */
async function checkNodes(tx: Transaction, checker: ReturnType<typeof treeChecker>, begin: number, end: number): Promise<void> {
  const levels: { level: number; from: number; to: number }[] = [];
  for (let level = 1, width = 2; width <= end; level++, width *= 2) {
    const [from, to] = [Math.floor(begin / width), Math.floor(end / width)];
    if (from < to) levels.push({ level, from, to });
  }
  if (levels.length === 0) return;
  const rows = await tx.logNode.findMany({
    where: { OR: levels.map(({ level, from, to }) => ({ level, index: { gte: BigInt(from), lt: BigInt(to) } })) },
  });
  const stored = new Map(rows.map(({ level, index, hash }) => [`${level}/${index}`, hash]));
  for (const { level, from, to } of levels) {
    for (let index = from; index < to; index++) checker.addNode(level, index, stored.get(`${level}/${index}`));
  }
}

/** Grows the tree, stopping at the size of each head to compare roots. */
function growPastHeads(tree: Frontier, leaves: readonly Uint8Array[], heads: readonly KnownHead[], faults: LogFault[]): Frontier {
  let grown = tree;
  const end = tree.size + leaves.length;
  for (const { size, rootHash } of heads.filter((head) => head.size >= tree.size && head.size <= end)) {
    grown = growTree(grown, leaves.slice(grown.size - tree.size, size - tree.size)).tree;
    const told = faults.some((fault) => fault.kind === 'forked' && fault.size === size);
    if (!told && Buffer.compare(rootOf(grown), rootHash) !== 0 && faults.length < MAX_FAULTS) faults.push({ kind: 'forked', size });
  }
  return growTree(grown, leaves.slice(grown.size - tree.size)).tree;
}

/** All heads, smallest first. */
async function readHeads(tx: Transaction, options: VerifyLogOptions, faults: LogFault[]): Promise<(KnownHead & { kept: boolean })[]> {
  const rows = await tx.logHead.findMany({ orderBy: [{ treeSize: 'asc' }, { at: 'asc' }] });
  const documents: { document: unknown; keys: readonly LogKey[]; kept: boolean }[] = rows.map((row) => ({
    ...documentIn(row),
    kept: false,
  }));
  const ownKeys = documents.at(-1)?.keys ?? [];
  if (options.keptHead !== undefined) documents.push({ document: options.keptHead, keys: ownKeys, kept: true });
  const heads: (KnownHead & { kept: boolean })[] = [];
  for (const [at, { document, keys, kept }] of documents.entries()) {
    const head = readHead(document, options.trustedKeys ?? keys);
    if (typeof head !== 'string') heads.push({ ...head, kept });
    else if (faults.length < MAX_FAULTS) {
      const size = kept ? undefined : Number(rows[at]?.treeSize);
      faults.push({ kind: `head-${head}`, ...(size === undefined ? {} : { size }) });
    }
  }
  return heads.sort((a, b) => a.size - b.size || a.at.getTime() - b.at.getTime());
}

function documentIn(row: Parameters<typeof documentOf>[0]): { document: unknown; keys: readonly LogKey[] } {
  try {
    return documentOf(row);
  } catch {
    return { document: undefined, keys: [] };
  }
}

/** What was issued and is not in the log. */
async function findOutside(tx: Transaction): Promise<{ waiting: number; unlogged: LogFault[]; late: LogFault[] }> {
  const unlogged = await tx.$queryRaw<{ serial: string }[]>`
    SELECT c."serial_hex" AS "serial" FROM "issued_certificate" c
    WHERE c."der" IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM "issuance_log_entry" e WHERE e."serial_hex" = c."serial_hex")
      AND NOT EXISTS (SELECT 1 FROM "issuance_log_pending" p WHERE p."serial_hex" = c."serial_hex")
    ORDER BY c."issued_at" LIMIT ${MAX_FAULTS}`;
  const late = await tx.$queryRaw<{ serial: string }[]>`
    SELECT "serial_hex" AS "serial" FROM "issuance_log_pending"
    WHERE "since" < now() - make_interval(secs => ${LATE_SECONDS}) ORDER BY "since" LIMIT ${MAX_FAULTS}`;
  return {
    waiting: await tx.logPending.count(),
    unlogged: unlogged.map(({ serial }) => ({ kind: 'unlogged', serial })),
    late: late.map(({ serial }) => ({ kind: 'late', serial })),
  };
}

/** Its place, when the newest head proves that it is there. */
async function findCertificate(
  tx: Transaction,
  der: Uint8Array,
  head: KnownHead | undefined,
  faults: LogFault[],
): Promise<number | undefined> {
  const leaf = hashOf(der);
  const entry = await tx.logEntry.findUnique({ where: { leafHash: Uint8Array.from(leaf) } });
  const index = Number(entry?.index ?? Number.NaN);
  if (!entry || !head || index >= head.size) {
    faults.push({ kind: 'not-logged' });
    return undefined;
  }
  const path = await readRanges(tx, inclusionRanges(index, head.size)).catch(() => undefined);
  if (path && isIncluded({ leaf, index, size: head.size, path, root: head.rootHash })) return index;
  faults.push({ kind: 'proof-wrong', index });
  return undefined;
}
