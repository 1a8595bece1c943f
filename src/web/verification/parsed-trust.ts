/** This installation's trust as objects, parsed once for each reading of it. */
import { withListed } from '#certificates/trust-list-anchors.ts';
import { digest } from '#crypto/suite.ts';
import { parseCertificate } from '#pki/certificate.ts';
import { type Crl, parseCrl } from '#pki/crl.ts';
import type { TrustBytes } from './worker-messages.ts';

type ParsedTrust = ReturnType<typeof withListed> & { crls: Crl[] };
const parsed = new WeakMap<TrustBytes, ParsedTrust>();
/** By the digest of its bytes: each task brings the lists again, a large one takes a second to parse, and few change from task to task. */
let lists = new Map<string, Crl>();

export function parsedTrust(trust: TrustBytes): ParsedTrust {
  const known = parsed.get(trust);
  if (known) return known;
  const parseAll = (ders: readonly Uint8Array[]) => ders.map((der) => parseCertificate(der));
  const own = { anchors: parseAll(trust.anchors), intermediates: parseAll(trust.intermediates) };
  const listed = trust.listed.map(({ anchor, extra, ...rest }) => ({ anchor: parseCertificate(anchor), extra: parseAll(extra), ...rest }));
  const made = { ...withListed(own, listed), crls: parseLists(trust.crls) };
  parsed.set(trust, made);
  return made;
}

/** What the last trust did not have is forgotten. */
function parseLists(ders: readonly Uint8Array[]): Crl[] {
  const known = lists;
  lists = new Map();
  return ders.map((der) => {
    const key = Buffer.from(digest('sha256', der)).toString('hex');
    const crl = known.get(key) ?? lists.get(key) ?? parseCrl(der);
    lists.set(key, crl);
    return crl;
  });
}
