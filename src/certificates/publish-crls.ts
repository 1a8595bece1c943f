/**
 * Revocation lists (RFC 5280 §5): each authority's complete list, and beside it a delta with what changed since the oldest complete
 * list that still holds. Numbered in the database, stored before they are signed, and published again even if nothing changed,
 * because a list that ran out tells a verifier nothing.
 */
import { recordEvent } from '#audit/record-event.ts';
import { keyIdentifier } from '#pki/build-certificate.ts';
import { encodeTbsCrl } from '#pki/encode-crl.ts';
import type { Transaction } from '#storage/database.ts';
import { type Authority, isRoot, listAuthorities, requireAuthority } from './authorities.ts';
import { type CertificateDeps, deltaCrlUrl, wholeSeconds } from './certificate-deps.ts';
import { type CrlFacts, type CrlScope, findCrlFacts, type PublishedCrl } from './find-crl.ts';
import { findDueParts, partScope, partUrl } from './publish-parts.ts';
import { readChanges, readRevoked } from './revoked-entries.ts';
import { finishList, keepList } from './store-crl.ts';

const DAY_MS = 86_400_000;
/** A root's list changes almost never and its key is used rarely; an issuing authority's must be fresh. */
const LIFE_DAYS = { root: 30, issuing: 7 } as const;
const DELTA_LIFE_MS = DAY_MS;
/** Beyond this a revocation is published by the delta alone; the complete list follows at its own time. */
const LARGE_LIST_ENTRIES = 20_000;
/** First half of a 64-bit advisory lock: the CRLs of one issuer are made one after another. */
const CRL_LOCK_SPACE = 0x43524c;
/** A million entries take some seconds to read. */
const TRANSACTION = { timeout: 120_000, maxWait: 60_000 };

/** New lists of every authority. */
export async function publishCrls(deps: CertificateDeps): Promise<PublishedCrl[]> {
  const published: PublishedCrl[] = [];
  for (const authority of await publishingAuthorities(deps)) {
    published.push(await publishCrl(deps, authority.keyName));
    for (let part = 0; part < authority.crlPartitions; part++) published.push(await publishPart(deps, authority, part));
  }
  return published;
}

/** New lists only where the last one is missing, past half its life, or older than a revocation or release. */
export async function publishDueCrls(deps: CertificateDeps): Promise<PublishedCrl[]> {
  const published = await Promise.all(
    (await publishingAuthorities(deps)).map(async (authority): Promise<PublishedCrl[]> => {
      const due = await findDue(deps, authority);
      const parts = await publishDueParts(deps, authority);
      if (due === 'none') return parts;
      return [due === 'delta' ? await publishDelta(deps, authority.keyName) : await publishCrl(deps, authority.keyName), ...parts];
    }),
  );
  return published.flat();
}

/** After a revocation or a release: the list of the part it is in, and the delta alone where the complete list is large. */
export async function publishChange(deps: CertificateDeps, keyName: string): Promise<PublishedCrl> {
  await publishDueParts(deps, await requireAuthority(deps, keyName));
  const last = await findCrlFacts(deps, keyName, 'complete');
  return last && last.entries > LARGE_LIST_ENTRIES ? publishDelta(deps, keyName) : publishCrl(deps, keyName);
}

/** After many revocations: each authority's lists once. One that fails keeps none of the others from being published; then it throws. */
export async function publishChanges(deps: CertificateDeps, keyNames: Iterable<string>): Promise<void> {
  const failures: unknown[] = [];
  for (const keyName of keyNames) await publishChange(deps, keyName).catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}

/** New lists of those parts that need one. */
export async function publishDueParts(deps: CertificateDeps, authority: Authority): Promise<PublishedCrl[]> {
  const published: PublishedCrl[] = [];
  for (const part of await findDueParts(deps, authority)) published.push(await publishPart(deps, authority, part));
  return published;
}

async function publishPart(deps: CertificateDeps, authority: Authority, part: number): Promise<PublishedCrl> {
  const stored = await store(deps, authority, async (tx, number, thisUpdate) => {
    const entries = await readRevoked(tx, authority.keyName, part);
    const nextUpdate = new Date(thisUpdate.getTime() + LIFE_DAYS.issuing * DAY_MS);
    const placeUrl = partUrl(deps, authority, part);
    return [
      await storeList(tx, authority, { scope: partScope(part), number, thisUpdate, nextUpdate, entries, total: entries.count, placeUrl }),
    ];
  });
  const [list] = await signLists(deps, authority, stored);
  return list as PublishedCrl;
}

/** Those whose key is at hand: the list of an offline root is made where its key is. */
async function publishingAuthorities(deps: CertificateDeps): Promise<Authority[]> {
  return (await listAuthorities(deps)).filter(({ state }) => state !== 'offline');
}

async function findDue(deps: CertificateDeps, authority: Authority): Promise<CrlScope | 'none'> {
  const { keyName } = authority;
  const [complete, delta] = await Promise.all([findCrlFacts(deps, keyName, 'complete'), findCrlFacts(deps, keyName, 'delta')]);
  if (!complete || isPastHalf(complete, deps.clock.now())) return 'complete';
  const newest = delta && delta.number > complete.number ? delta : complete;
  if (await hasChanged(deps, newest)) return complete.entries > LARGE_LIST_ENTRIES ? 'delta' : 'complete';
  const wantsDelta = !isRoot(authority) && (!delta || isPastHalf(delta, deps.clock.now()));
  return wantsDelta ? 'delta' : 'none';
}

function isPastHalf({ thisUpdate, nextUpdate }: CrlFacts, now: Date): boolean {
  return now.getTime() >= (thisUpdate.getTime() + nextUpdate.getTime()) / 2;
}

async function hasChanged({ db }: CertificateDeps, { issuerKey, thisUpdate, total }: CrlFacts): Promise<boolean> {
  const [answer] = await db.$queryRaw<{ total: number; since: boolean }[]>`
    SELECT count(*)::int AS total, coalesce(max(greatest(revoked_at, final_at)) > ${thisUpdate}, false)
      OR EXISTS (SELECT 1 FROM certificate_release WHERE issuer_key = ${issuerKey} AND released_at > ${thisUpdate}) AS since
    FROM issued_certificate WHERE issuer_key = ${issuerKey} AND revoked_at IS NOT NULL`;
  return answer === undefined || answer.total !== total || answer.since;
}

/**
 * A new complete list of one authority, and its delta under the same number; `lifeDays` for a root whose key is seldom at hand.
 * Throws Problem `authority-missing`.
 */
export async function publishCrl(deps: CertificateDeps, keyName: string, lifeDays?: number): Promise<PublishedCrl> {
  const authority = await requireAuthority(deps, keyName);
  const lifeMs = (lifeDays ?? LIFE_DAYS[isRoot(authority) ? 'root' : 'issuing']) * DAY_MS;
  const stored = await store(deps, authority, async (tx, number, thisUpdate) => {
    const entries = await readRevoked(tx, keyName);
    const nextUpdate = new Date(thisUpdate.getTime() + lifeMs);
    const complete = await storeList(tx, authority, {
      scope: 'complete',
      number,
      thisUpdate,
      nextUpdate,
      entries,
      total: entries.count,
      // A root's key is brought out too seldom for deltas.
      ...(isRoot(authority) ? {} : { freshestUrl: deltaCrlUrl(deps.publicOrigin, keyName) }),
    });
    return isRoot(authority) ? [complete] : [complete, await storeDelta(tx, authority, { number, thisUpdate, total: entries.count })];
  });
  const [complete] = await signLists(deps, authority, stored);
  return complete as PublishedCrl;
}

/** A new delta list alone. Throws Problem `authority-missing`. */
export async function publishDelta(deps: CertificateDeps, keyName: string): Promise<PublishedCrl> {
  const authority = await requireAuthority(deps, keyName);
  const stored = await store(deps, authority, async (tx, number, thisUpdate) => {
    const total = await tx.issuedCertificate.count({ where: { issuerKey: keyName, revokedAt: { not: null } } });
    return [await storeDelta(tx, authority, { number, thisUpdate, total })];
  });
  const [delta] = await signLists(deps, authority, stored);
  return delta as PublishedCrl;
}

interface StoredList extends PublishedCrl {
  scope: CrlScope;
  tbs: Uint8Array;
}

type MakeLists = (tx: Transaction, number: bigint, thisUpdate: Date) => Promise<StoredList[]>;

/**
 * One number for the lists of one moment. It never goes back (§5.2.3), and not below the time in seconds: a database restored from
 * a backup does not give a number again that verifiers have seen.
 */
function store(deps: CertificateDeps, { keyName }: Authority, make: MakeLists): Promise<StoredList[]> {
  const thisUpdate = wholeSeconds(deps.clock.now());
  return deps.db.$transaction(async (tx) => {
    await tx.$queryRaw`SELECT 1 FROM pg_advisory_xact_lock(${CRL_LOCK_SPACE}::int, hashtext(${keyName}))`;
    const last = await tx.revocationList.aggregate({ where: { issuerKey: keyName }, _max: { number: true } });
    const next = (last._max.number ?? 0n) + 1n;
    const floor = BigInt(Math.floor(thisUpdate.getTime() / 1000));
    const lists = await make(tx, next > floor ? next : floor, thisUpdate);
    for (const { number, scope } of lists) {
      await recordEvent(tx, {
        kind: 'crl-published',
        actor: 'system:authority',
        subject: `crl:${keyName}`,
        detail: { number: String(number), scope },
        at: deps.clock.now(),
      });
    }
    return lists;
  }, TRANSACTION);
}

/** What changed since the oldest complete list that still holds: whoever has that one or a later one needs no other. */
async function storeDelta(
  tx: Transaction,
  authority: Authority,
  { number, thisUpdate, total }: { number: bigint; thisUpdate: Date; total: number },
): Promise<StoredList> {
  const base = await tx.revocationList.findFirst({
    // Not one whose signing was interrupted: nobody has it. This moment's own is signed before its delta.
    where: {
      issuerKey: authority.keyName,
      scope: 'complete',
      nextUpdate: { gt: thisUpdate },
      OR: [{ digest: { not: null } }, { der: { not: null } }, { number }],
    },
    orderBy: { number: 'asc' },
    select: { number: true, thisUpdate: true },
  });
  const entries = await readChanges(tx, authority.keyName, base?.thisUpdate ?? thisUpdate);
  const nextUpdate = new Date(thisUpdate.getTime() + DELTA_LIFE_MS);
  return storeList(tx, authority, { scope: 'delta', number, thisUpdate, nextUpdate, entries, total, base: base?.number ?? number });
}

interface NewList {
  scope: CrlScope;
  number: bigint;
  thisUpdate: Date;
  nextUpdate: Date;
  entries: Awaited<ReturnType<typeof readRevoked>>;
  total: number;
  base?: bigint;
  freshestUrl?: string;
  /** Where a list for a part of the certificates is: it says so itself. */
  placeUrl?: string;
}

async function storeList(tx: Transaction, { keyName, suite, certificate }: Authority, list: NewList): Promise<StoredList> {
  const { scope, number, thisUpdate, nextUpdate, entries, total, base } = list;
  const tbs = encodeTbsCrl({
    suite,
    issuer: certificate.subject.der,
    issuerKeyIdentifier: certificate.ski ?? keyIdentifier(certificate.spki),
    number,
    thisUpdate,
    nextUpdate,
    entries,
    expiredKeptSince: certificate.notBefore,
    ...(base === undefined ? {} : { base }),
    ...(list.freshestUrl ? { freshestUrl: list.freshestUrl } : {}),
    ...(list.placeUrl ? { distributionPoint: { url: list.placeUrl } } : {}),
  });
  const facts = { issuerKey: keyName, scope, number, thisUpdate, nextUpdate };
  await keepList(tx, { ...facts, entries: entries.count, total, ...(base === undefined ? {} : { base }) }, tbs);
  return { ...facts, tbs };
}

/** Signed outside the transaction, after what is to be signed was stored. */
async function signLists(deps: CertificateDeps, { suite }: Authority, lists: StoredList[]): Promise<PublishedCrl[]> {
  const published: PublishedCrl[] = [];
  // One after another, each let go when it is done: a list may be large.
  for (let list = lists.shift(); list; list = lists.shift()) {
    const { tbs, scope, ...facts } = list;
    const signature = await deps.keys.sign(facts.issuerKey, 'crl', tbs);
    await finishList(deps, { ...facts, scope }, { tbs, suite, signature });
    published.push(facts);
  }
  return published;
}
