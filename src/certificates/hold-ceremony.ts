/**
 * The acts for which a root's key is needed: setting up, a further or succeeding authority, the root's own list. Whether the key
 * lies in the key store or comes out of the vault for the moment is the caller's; an offline root's list lasts until the next time.
 */
import { recordEvent } from '#audit/record-event.ts';
import type { RevocationReason } from '#pki/crl.ts';
import { ISSUING_AREAS, type IssuingArea } from '#pki/profiles.ts';
import { Problem } from '#problem.ts';
import { type Authority, currentAuthority, isRoot, listAuthorities, requireAuthority } from './authorities.ts';
import { AUTHORITY_SUITES, type AuthoritySuite, type CertificateDeps } from './certificate-deps.ts';
import { findCrlFacts, type PublishedCrl } from './find-crl.ts';
import { type AuthorityNaming, makeAuthority } from './make-authority.ts';
import { publishCrl, publishDueParts } from './publish-crls.ts';
import { revokeCertificate } from './revoke-certificate.ts';

/** An offline root comes out once a year; a month more, so that nobody must hurry. */
export const OFFLINE_ROOT_CRL_DAYS = 395;
/** So long before a root's list ends operators are warned. */
const WARN_DAYS = 60;
const DAY_MS = 86_400_000;

/**
 * Sets up both suites under roots whose keys `deps.keys` holds for this moment only. Idempotent: after a failure in the middle the
 * same keys go on. Throws Problem `authority-exists` when there is a root already with another key.
 */
export async function initialiseOfflineRoots(deps: CertificateDeps, naming: AuthorityNaming, by: string): Promise<Authority[]> {
  for (const suite of AUTHORITY_SUITES) {
    const before = await findRoot(deps, suite);
    const key = before && (await deps.keys.find(before.keyName));
    if (before && (!key || Buffer.compare(key.spki, before.certificate.spki) !== 0)) throw new Problem('authority-exists');
    const root = await makeAuthority(deps, { area: 'root', suite, naming, offline: true, by });
    for (const area of ISSUING_AREAS) await makeAuthority(deps, { area, suite, root, by });
    await publishCrl(deps, root.keyName, OFFLINE_ROOT_CRL_DAYS);
  }
  const authorities = await listAuthorities(deps);
  for (const { keyName } of authorities.filter((authority) => !isRoot(authority))) await publishCrl(deps, keyName);
  return authorities;
}

/** `cut-off`: something of it is stored, and not all. Then only the same root keys can go on. */
export async function ceremonyState({ db }: Pick<CertificateDeps, 'db'>): Promise<'none' | 'cut-off' | 'held'> {
  const [authorities, begun] = await Promise.all([
    listAuthorities({ db }),
    db.issuedCertificate.count({ where: { authorityKey: { startsWith: 'ca-root-' } } }),
  ]);
  if (begun === 0 && authorities.length === 0) return 'none';
  const isWhole = AUTHORITY_SUITES.every((suite) =>
    (['root', ...ISSUING_AREAS] as const).every((area) => authorities.some((one) => one.area === area && one.suite === suite)),
  );
  const lists = await db.revocationList.groupBy({ by: ['issuerKey'] });
  return isWhole && authorities.every(({ keyName }) => lists.some(({ issuerKey }) => issuerKey === keyName)) ? 'held' : 'cut-off';
}

async function findRoot(deps: CertificateDeps, suite: AuthoritySuite): Promise<Authority | undefined> {
  return (await listAuthorities(deps)).find((one) => isRoot(one) && one.suite === suite && one.state !== 'retired');
}

export interface Succession {
  area: IssuingArea;
  suite: AuthoritySuite;
  by: string;
  /** The key of the one before is in wrong hands: its certificate is revoked, and with it everything it issued. */
  compromised?: boolean;
}

/**
 * A new authority for an area, which issues from now on. The one before keeps up its lists and answers; what it issued stays good,
 * unless it was compromised. Throws Problem `authority-missing` without a root, `authority-not-current` when another was faster,
 * and what the key store throws when the root's key is not at hand.
 */
export async function succeedAuthority(
  deps: CertificateDeps,
  input: Succession,
): Promise<{ before: Authority | undefined; after: Authority }> {
  const { area, suite, by } = input;
  const root = await currentAuthority(deps, 'root', suite);
  await requireRootKey(deps, root);
  const ofArea = (await listAuthorities(deps)).filter((one) => one.area === area && one.suite === suite);
  const before = ofArea.find(({ state }) => state === 'current');
  const generation = Math.max(0, ...ofArea.map((one) => one.generation)) + 1;
  const after = await makeAuthority(deps, { area, suite, root, generation, by, ...(before ? { replaces: before } : {}) });
  await publishCrl(deps, after.keyName);
  await publishDueParts(deps, after);
  if (before && input.compromised) await revokeAuthority(deps, { keyName: before.keyName, reason: 'ca-compromise', by });
  return { before, after };
}

/** Revokes an issuing authority: at once nothing it issued is good, and it issues no more. Publishes the root's list. */
export async function revokeAuthority(
  deps: CertificateDeps,
  input: { keyName: string; reason: RevocationReason; by: string },
): Promise<PublishedCrl> {
  const authority = await requireAuthority(deps, input.keyName);
  if (isRoot(authority)) throw new Problem('authority-not-current');
  const root = await requireAuthority(deps, authority.issuerKey);
  await requireRootKey(deps, root);
  const at = deps.clock.now();
  await deps.db.certificateAuthority.updateMany({
    where: { keyName: authority.keyName, state: 'current' },
    data: { state: 'retired', retiredAt: at },
  });
  const { serialHex } = authority.certificate;
  await revokeCertificate(deps, { serialHex, reason: input.reason, by: input.by, publish: false });
  return publishRootCrl(deps, root);
}

/** Of a root that was taken offline the key store still knows the public half. */
async function requireRootKey({ keys }: CertificateDeps, { keyName }: Authority): Promise<void> {
  const key = await keys.find(keyName);
  if (!key || key.retired) throw new Problem('key-not-found');
}

/** A root's own list, as long as its key will be away. */
export async function publishRootCrl(deps: CertificateDeps, root: Authority): Promise<PublishedCrl> {
  const published = await publishCrl(deps, root.keyName, root.state === 'offline' ? OFFLINE_ROOT_CRL_DAYS : undefined);
  await deps.db.$transaction((tx) =>
    recordEvent(tx, {
      kind: 'root-used',
      actor: 'system:authority',
      subject: `crl:${root.keyName}`,
      detail: { number: String(published.number), nextUpdate: published.nextUpdate.toISOString() },
      at: deps.clock.now(),
    }),
  );
  return published;
}

export interface AuthorityWarning {
  keyName: string;
  /**
   * `crl-ends`: the list of an offline root must be made anew. `certificate-ends`: its successor is due. `crl-missing`.
   * `root-online`: in production a root's key lies in the key store, where whoever takes the service takes the root.
   */
  what: 'crl-ends' | 'crl-missing' | 'certificate-ends' | 'root-online';
  at: Date | undefined;
}

/** What an operator must see to while there is time. */
export async function authorityWarnings(
  deps: Pick<CertificateDeps, 'db' | 'clock'> & { production?: boolean },
): Promise<AuthorityWarning[]> {
  const soon = new Date(deps.clock.now().getTime() + WARN_DAYS * DAY_MS);
  const warnings: AuthorityWarning[] = [];
  for (const authority of await listAuthorities(deps)) {
    const { keyName, state, certificate } = authority;
    if (deps.production && isRoot(authority) && state === 'current') warnings.push({ keyName, what: 'root-online', at: undefined });
    const list = await findCrlFacts(deps, keyName, 'complete');
    if (!list) warnings.push({ keyName, what: 'crl-missing', at: undefined });
    else if (state === 'offline' && list.nextUpdate <= soon) warnings.push({ keyName, what: 'crl-ends', at: list.nextUpdate });
    if (state !== 'retired' && certificate.notAfter <= new Date(soon.getTime() + 365 * DAY_MS)) {
      warnings.push({ keyName, what: 'certificate-ends', at: certificate.notAfter });
    }
  }
  return warnings;
}
