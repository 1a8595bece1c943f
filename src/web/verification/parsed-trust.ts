/** This installation's trust as objects, parsed once for each reading of it. */
import { withListed } from '#certificates/trust-list-anchors.ts';
import { parseCertificate } from '#pki/certificate.ts';
import { type Crl, parseCrl } from '#pki/crl.ts';
import type { TrustBytes } from './worker-messages.ts';

type ParsedTrust = ReturnType<typeof withListed> & { crls: Crl[] };
const parsed = new WeakMap<TrustBytes, ParsedTrust>();

export function parsedTrust(trust: TrustBytes): ParsedTrust {
  const known = parsed.get(trust);
  if (known) return known;
  const parseAll = (ders: readonly Uint8Array[]) => ders.map((der) => parseCertificate(der));
  const own = { anchors: parseAll(trust.anchors), intermediates: parseAll(trust.intermediates) };
  const listed = trust.listed.map(({ anchor, extra, ...rest }) => ({ anchor: parseCertificate(anchor), extra: parseAll(extra), ...rest }));
  const made = { ...withListed(own, listed), crls: trust.crls.map((der) => parseCrl(der)) };
  parsed.set(trust, made);
  return made;
}
