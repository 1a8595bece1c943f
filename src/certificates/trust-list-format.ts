/**
 * The trust list as others read it: JWS in the general JSON form (RFC 7515 §7.2.1), signed in both suites over the same payload.
 * A program that knows no SM2 takes the ES256 signature; the certificate chain of each key stands in its unprotected `x5c`.
 */
import { z } from 'zod';
import { PURPOSES } from '#pki/judge-purpose.ts';

/** `typ` of the protected header. */
export const TRUST_LIST_TYPE = 'tongren-trust-list+jwt';

const time = z.iso.datetime();
const attribute = z.strictObject({ oid: z.string().regex(/^[0-2](\.\d{1,39}){1,30}$/), value: z.string().min(1).max(200) });

export const nameSubtreeShape = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.enum(['dns', 'email', 'uri', 'ip']), value: z.string().max(253) }),
  z.strictObject({ kind: z.literal('directory'), attributes: z.array(attribute).min(1).max(20) }),
]);

/** Where certificates carry a person's number. GB/T 20518 leaves it open between CAs, so each entry says it. */
const numberPlace = z.discriminatedUnion('in', [
  /** Extension identifyCode of GM/T 0015: a CHOICE, of which only residenterCardNumber names a citizen. */
  z.strictObject({ in: z.literal('identify-code') }),
  /** Another extension that holds one string, or an attribute of the subject. What stands before the number is exactly `prefix`. */
  z.strictObject({ in: z.enum(['extension', 'subject']), oid: attribute.shape.oid, prefix: z.string().max(40).optional() }),
]);

export const signInShape = z.strictObject({
  number: numberPlace,
  /** How far a sign-in counts: 3 alone and beside nothing else, 4 as one of two factors, 5 like a key that hardware keeps. */
  level: z.union([z.literal(3), z.literal(4), z.literal(5)]),
});
export type ListedSignIn = z.infer<typeof signInShape>;

/** `AnchorConstraints` of `#pki/anchor-constraints.ts` in JSON: dates as text. */
export const constraintsShape = z.strictObject({
  /** DNS, mail and address spaces and distinguished-name subtrees that may be certified; absent: any. */
  permittedNames: z.array(nameSubtreeShape).max(50).optional(),
  excludedNames: z.array(nameSubtreeShape).max(50).optional(),
  /** What certificates under this authority count for. Never absent: an authority is taken for something. */
  purposes: z.array(z.enum(PURPOSES).exclude(['any'])).min(1),
  /** Policy OIDs of which a path must be valid for one. */
  policies: z.array(attribute.shape.oid).min(1).max(20).optional(),
  maxPathLength: z.int().min(0).max(10).optional(),
  /** Certificates issued after this do not count. */
  issuedUntil: time.optional(),
  /** People sign in with certificates under this authority. Absent: they do not, whatever the purposes say. */
  signIn: signInShape.optional(),
});
export type ListedConstraints = z.infer<typeof constraintsShape>;

export const LISTED_STATES = ['active', 'suspended', 'expired'] as const;

export const listedEntryShape = z.strictObject({
  id: z.uuid(),
  name: z.strictObject({ zh: z.string().max(200), en: z.string().max(200) }),
  /** Only an active entry is an anchor, and only from `validFrom` until `validUntil`. */
  state: z.enum(LISTED_STATES),
  /** A document sealed under it may count as official. */
  official: z.boolean(),
  /** Base64 DER: the anchor first, then certificates that help to build paths and are trusted for nothing. */
  certificates: z.array(z.base64().max(20_000)).min(1).max(10),
  /** SHA-256 of the anchor, lower-case hexadecimal. */
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
  /** Algorithm of the anchor's key: `sm2-sm3`, `es256`, `rs256` … */
  suite: z.string().max(40),
  constraints: constraintsShape,
  validFrom: time,
  validUntil: time,
  importedBy: z.string().max(100),
  importedAt: time,
  approvedBy: z.string().max(100),
  approvedAt: time,
});
export type ListedEntry = z.infer<typeof listedEntryShape>;

export const trustListShape = z.strictObject({
  format: z.literal('tongren-trust-list'),
  version: z.literal(1),
  /** Origin of the installation that keeps the list. */
  issuer: z.string().min(1).max(300),
  /** Grows by one with every change; a reader refuses one lower than it has seen. */
  sequence: z.int().min(0),
  issuedAt: time,
  /** A list read after this is out of date. */
  nextUpdate: time,
  entries: z.array(listedEntryShape).max(1_000),
});
export type TrustList = z.infer<typeof trustListShape>;

export const signedListShape = z.strictObject({
  payload: z.string().max(8_000_000),
  signatures: z
    .array(
      z.strictObject({
        protected: z.string().max(1_000),
        header: z.strictObject({ x5c: z.array(z.base64().max(20_000)).min(1).max(10) }),
        signature: z.string().max(500),
      }),
    )
    .min(1)
    .max(10),
});
export type SignedTrustList = z.infer<typeof signedListShape>;
