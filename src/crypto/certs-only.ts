/** Certificates alone in a SignedData that nobody signed: the "certs-only" message (RFC 5652 §5.2, RFC 8551 §3.8), as EST answers. */
import { context } from './der.ts';
import { explicit, integer, oid, sequence, setOf, tlv } from './encode-der.ts';
import { OID } from './oids.ts';

export function encodeCertsOnly(certificates: readonly Uint8Array[]): Uint8Array {
  const content = sequence(oid(OID.data));
  const sorted = [...certificates].sort((a, b) => Buffer.compare(a, b));
  const signedData = sequence(integer(1), setOf(), content, tlv(context(0), ...sorted), setOf());
  return sequence(oid(OID.signedData), explicit(0, signedData));
}
