/**
 * How lists come to be: a number and the bytes to be signed are stored first, then they are signed. A complete list and its delta are of
 * one moment and have one number; a delta has the place of its complete list, octet for octet (RFC 5280 §5.2.4).
 */
import { recordEvent } from '#audit/record-event.ts';
import { keyIdentifier } from '#pki/build-certificate.ts';
import { type CrlEntries, encodeTbsCrl } from '#pki/encode-crl.ts';
import type { Transaction } from '#storage/database.ts';
import { type Authority, isRoot } from './authorities.ts';
import { type CertificateDeps, crlUrl, deltaCrlUrl, wholeSeconds } from './certificate-deps.ts';
import { type CompleteScope, type CrlScope, deltaScope, type PublishedCrl } from './find-crl.ts';
import { partScope } from './publish-parts.ts';
import { readChanges, readRevoked } from './revoked-entries.ts';
import { finishList, keepList } from './store-crl.ts';

const DAY_MS = 86_400_000;
const DELTA_LIFE_MS = DAY_MS;
/** First half of a 64-bit advisory lock: the CRLs of one issuer are made one after another. */
const CRL_LOCK_SPACE = 0x43524c;
/** A million entries take some seconds to read. */
const TRANSACTION = { timeout: 120_000, maxWait: 60_000 };

/** Which certificates lists are about: one part of them, or all. */
interface About {
  part: number | undefined;
}

/** A complete list and, but for a root, its delta. Answers the complete list. */
export async function makeComplete(
  deps: CertificateDeps,
  authority: Authority,
  about: About & { lifeDays: number },
): Promise<PublishedCrl> {
  const { part, lifeDays } = about;
  const { keyName } = authority;
  const stored = await store(deps, authority, async (tx, number, thisUpdate) => {
    const entries = await readRevoked(tx, keyName, part);
    const total = entries.count;
    const complete = await storeList(tx, authority, {
      scope: completeScope(about),
      number,
      thisUpdate,
      nextUpdate: new Date(thisUpdate.getTime() + lifeDays * DAY_MS),
      entries,
      total,
      // A root's key is brought out too seldom for deltas.
      ...(isRoot(authority) ? {} : { freshestUrl: deltaCrlUrl(deps.publicOrigin, keyName, part) }),
      ...placeOf(deps, authority, about),
    });
    return isRoot(authority) ? [complete] : [complete, await storeDelta(deps, tx, authority, { part, number, thisUpdate, total })];
  });
  const [complete] = await signLists(deps, authority, stored);
  return complete as PublishedCrl;
}

/** A delta alone. */
export async function makeDelta(deps: CertificateDeps, authority: Authority, { part }: About): Promise<PublishedCrl> {
  const which = { issuerKey: authority.keyName, revokedAt: { not: null }, ...(part === undefined ? {} : { crlPartition: part }) };
  const stored = await store(deps, authority, async (tx, number, thisUpdate) => {
    const total = await tx.issuedCertificate.count({ where: which });
    return [await storeDelta(deps, tx, authority, { part, number, thisUpdate, total })];
  });
  const [delta] = await signLists(deps, authority, stored);
  return delta as PublishedCrl;
}

function completeScope({ part }: About): CompleteScope {
  return part === undefined ? 'complete' : partScope(part);
}

/** A list for a part of the certificates, complete or delta, says where the part's complete list is. */
function placeOf({ publicOrigin }: CertificateDeps, { keyName }: Authority, { part }: About): { placeUrl?: string } {
  return part === undefined ? {} : { placeUrl: crlUrl(publicOrigin, keyName, part) };
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
  deps: CertificateDeps,
  tx: Transaction,
  authority: Authority,
  { part, number, thisUpdate, total }: About & { number: bigint; thisUpdate: Date; total: number },
): Promise<StoredList> {
  const { keyName } = authority;
  const scope = completeScope({ part });
  const base = await tx.revocationList.findFirst({
    // Not one whose signing was interrupted: nobody has it. This moment's own is signed before its delta.
    where: {
      issuerKey: keyName,
      scope,
      nextUpdate: { gt: thisUpdate },
      OR: [{ digest: { not: null } }, { der: { not: null } }, { number }],
    },
    orderBy: { number: 'asc' },
    select: { number: true, thisUpdate: true },
  });
  return storeList(tx, authority, {
    scope: deltaScope(scope),
    number,
    thisUpdate,
    nextUpdate: new Date(thisUpdate.getTime() + DELTA_LIFE_MS),
    entries: await readChanges(tx, keyName, base?.thisUpdate ?? thisUpdate, part),
    total,
    base: base?.number ?? number,
    ...placeOf(deps, authority, { part }),
  });
}

interface NewList {
  scope: CrlScope;
  number: bigint;
  thisUpdate: Date;
  nextUpdate: Date;
  entries: CrlEntries;
  total: number;
  base?: bigint;
  freshestUrl?: string;
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
