/** This installation's trust as bytes for the verification threads; read again every half minute, so that a revocation is soon known. */
import { currentCrls, trustedCertificates } from '#certificates/find-certificates.ts';
import { anchorsOf } from '#certificates/trust-list-anchors.ts';
import { readTrustEntries } from '#certificates/trust-list-publish.ts';
import type { WebContext } from '#web/web-context.ts';
import type { TrustBytes } from './worker-messages.ts';

const KEPT_MS = 30_000;
const kept = new WeakMap<WebContext, { at: number; trust: Promise<TrustBytes> }>();

export function readTrust(context: WebContext): Promise<TrustBytes> {
  const now = context.clock.now().getTime();
  const last = kept.get(context);
  if (last && Math.abs(now - last.at) < KEPT_MS) return last.trust;
  const trust = read(context);
  kept.set(context, { at: now, trust });
  // A failure is not kept.
  trust.catch(() => kept.delete(context));
  return trust;
}

async function read(context: WebContext): Promise<TrustBytes> {
  const [{ roots, issuing }, crls, list] = await Promise.all([
    trustedCertificates(context),
    currentCrls(context),
    readTrustEntries(context),
  ]);
  const listed = anchorsOf(list, context.clock.now()).map(({ anchor, extra, ...rest }) => ({
    anchor: anchor.der,
    extra: extra.map(({ der }) => der),
    ...rest,
  }));
  return { anchors: roots.map(({ der }) => der), intermediates: issuing.map(({ der }) => der), crls: crls.map(({ der }) => der), listed };
}
