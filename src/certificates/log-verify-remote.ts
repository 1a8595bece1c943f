/**
 * Checks an issuance log as anybody can, over HTTP: every entry is fetched and hashed, the root computed and compared with the signed
 * head, and a head kept from before must be the beginning of the present tree.
 */
import { z } from 'zod';
import { importPublicKey, UnsupportedKeyError } from '#crypto/suite.ts';
import { type Certificate, parseCertificate } from '#pki/certificate.ts';
import { EMPTY_TREE, type Frontier, growTree, isConsistent, isIncluded, leafHash, rootOf } from '#pki/merkle-tree.ts';
import { profileOf } from '#pki/profiles.ts';
import type { TreeHead } from '#pki/tree-head.ts';
import { validatePath } from '#pki/validate-path.ts';
import { leafHashOf, readLeaf } from './log-entry.ts';
import { type LogKey, readHead } from './log-head.ts';
import { type LogFault, type LogVerdict, MAX_FAULTS } from './log-verdict.ts';

/** Answers one request below `/log/v1/`: parsed JSON, `'not-found'` for 404. Throws when there is no usable answer. */
export type AskLog = (path: string) => Promise<unknown>;

export interface VerifyRemoteOptions {
  /** Roots of the installation, from which the log's keys must be certified; empty: the keys are taken as the log names them. */
  anchors: readonly Certificate[];
  at: Date;
  keptHead?: unknown;
  certificate?: Uint8Array;
}

const PAGE = 256;
const base64 = z.base64().max(2_000_000);
const describedShape = z.object({
  keys: z
    .array(z.object({ name: z.string().max(100), suite: z.enum(['es256', 'sm2-sm3']), key: base64, certificates: z.array(base64).max(10) }))
    .min(1)
    .max(20),
});
const entriesShape = z.object({
  entries: z
    .array(z.object({ leaf_hash: base64, leaf_input: base64.optional() }))
    .min(1)
    .max(PAGE),
});
const consistencyShape = z.object({ consistency: z.array(base64).max(64) });
const inclusionShape = z.object({ leaf_index: z.int().min(0), audit_path: z.array(base64).max(64) });

/** Never throws for what the log answers. */
export async function verifyLogRemotely(ask: AskLog, options: VerifyRemoteOptions): Promise<LogVerdict> {
  const faults: LogFault[] = [];
  const verdict: LogVerdict = { intact: false, entries: 0, keysProven: false, faults };
  try {
    const described = describedShape.parse(await ask('log.json'));
    const { keys, proven } = judgeKeys(described, options);
    verdict.keysProven = proven;
    const head = readHead(await ask('get-sth'), keys);
    if (typeof head === 'string') faults.push({ kind: `head-${head}` });
    else {
      verdict.head = { size: head.size, at: head.at.toISOString() };
      verdict.entries = await judgeTree(ask, head, readKept(options, keys, faults), faults);
      const index = options.certificate ? await judgeCertificate(ask, options.certificate, head, faults) : undefined;
      if (index !== undefined) verdict.certificate = { index };
    }
  } catch (error) {
    faults.push({ kind: 'unreadable', detail: error instanceof z.ZodError ? 'an answer of another form' : (error as Error).message });
  }
  return { ...verdict, intact: faults.length === 0, faults: faults.slice(0, MAX_FAULTS) };
}

/** The keys to believe: with anchors, only those certified under one for records of ours. */
function judgeKeys({ keys }: z.infer<typeof describedShape>, { anchors, at }: VerifyRemoteOptions): { keys: LogKey[]; proven: boolean } {
  const named = keys.flatMap(({ name, suite, key, certificates }) => {
    const spki = bytes(key);
    return isOfSuite(spki, suite) ? [{ name, suite, spki, certificates }] : [];
  });
  if (anchors.length === 0) return { keys: named, proven: false };
  const proven = named.filter(({ spki, certificates }) => {
    const [leaf, ...intermediates] = certificates.map((der) => parseOr(bytes(der))).filter((one) => one !== undefined);
    if (!leaf || Buffer.compare(leaf.spki, spki) !== 0 || profileOf(leaf) !== 'service-signer') return false;
    return validatePath({ leaf, intermediates, anchors, at }).valid;
  });
  return { keys: proven, proven: proven.length > 0 };
}

function readKept({ keptHead }: VerifyRemoteOptions, keys: readonly LogKey[], faults: LogFault[]): TreeHead | undefined {
  if (keptHead === undefined) return undefined;
  const kept = readHead(keptHead, keys);
  if (typeof kept !== 'string') return kept;
  faults.push({ kind: `head-${kept}`, detail: 'the head that was kept' });
  return undefined;
}

/** Reads the whole log up to the head. Answers how many entries were read. */
async function judgeTree(ask: AskLog, head: TreeHead, kept: TreeHead | undefined, faults: LogFault[]): Promise<number> {
  if (kept && kept.size > head.size) faults.push({ kind: 'cut-off', index: head.size, size: kept.size });
  let tree: Frontier = EMPTY_TREE;
  const compareWithKept = () => {
    if (kept?.size === tree.size && Buffer.compare(rootOf(tree), kept.rootHash) !== 0) faults.push({ kind: 'forked', size: kept.size });
  };
  compareWithKept();
  while (tree.size < head.size) {
    const end = Math.min(head.size, tree.size + PAGE, kept && kept.size > tree.size ? kept.size : head.size) - 1;
    const { entries } = entriesShape.parse(await ask(`get-entries?start=${tree.size}&end=${end}`));
    if (entries.length > end - tree.size + 1) throw new Error('more entries than were asked for');
    const start = tree.size;
    tree = growTree(
      tree,
      entries.map((entry, at) => judgeEntry(entry, start + at, faults)),
    ).tree;
    compareWithKept();
  }
  if (Buffer.compare(rootOf(tree), head.rootHash) !== 0)
    faults.push({ kind: 'changed', size: head.size, detail: 'the entries do not give the root that was signed' });
  if (kept && kept.size > 0 && kept.size < head.size) await judgeConsistency(ask, kept, head, faults);
  return tree.size;
}

function judgeEntry(entry: { leaf_hash: string; leaf_input?: string | undefined }, index: number, faults: LogFault[]): Uint8Array {
  const hash = bytes(entry.leaf_hash);
  if (entry.leaf_input === undefined) return hash;
  const leaf = bytes(entry.leaf_input);
  const isRight = readLeaf(leaf) !== undefined && Buffer.compare(leafHash(leaf), hash) === 0;
  if (!isRight && faults.length < MAX_FAULTS)
    faults.push({ kind: 'changed', index, detail: 'the entry shown is not the one that was hashed' });
  return hash;
}

async function judgeConsistency(ask: AskLog, kept: TreeHead, head: TreeHead, faults: LogFault[]): Promise<void> {
  const { consistency } = consistencyShape.parse(await ask(`get-sth-consistency?first=${kept.size}&second=${head.size}`));
  const proof = { first: kept.size, firstRoot: kept.rootHash, second: head.size, secondRoot: head.rootHash, path: consistency.map(bytes) };
  const told = faults.some(({ kind }) => kind === 'forked');
  if (!told && !isConsistent(proof)) faults.push({ kind: 'proof-wrong', size: kept.size, detail: 'consistency' });
}

async function judgeCertificate(ask: AskLog, der: Uint8Array, head: TreeHead, faults: LogFault[]): Promise<number | undefined> {
  const leaf = leafHashOf(der);
  const hash = encodeURIComponent(Buffer.from(leaf).toString('base64'));
  const answer = head.size > 0 ? await ask(`get-proof-by-hash?hash=${hash}&tree_size=${head.size}`) : 'not-found';
  if (answer === 'not-found') {
    faults.push({ kind: 'not-logged' });
    return undefined;
  }
  const { leaf_index: index, audit_path } = inclusionShape.parse(answer);
  if (isIncluded({ leaf, index, size: head.size, path: audit_path.map(bytes), root: head.rootHash })) return index;
  faults.push({ kind: 'proof-wrong', index, detail: 'inclusion' });
  return undefined;
}

function isOfSuite(spki: Uint8Array, suite: string): boolean {
  try {
    return importPublicKey(spki).suite === suite;
  } catch (error) {
    if (error instanceof UnsupportedKeyError) return false;
    throw error;
  }
}

function parseOr(der: Uint8Array): Certificate | undefined {
  try {
    return parseCertificate(der);
  } catch {
    return undefined;
  }
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'base64'));
}
