/**
 * The CMS of a PDF signature: is it over these bytes, by this certificate, and does the certificate bind itself to it
 * (EN 319 142-1 §6.3, ISO 32000-2 §12.8.3.3; GM/T 0010 for the Chinese forms).
 */
import { type CmsSigner, parseSignedData, type SignedData, singleAttribute } from '#crypto/cms.ts';
import { findSignerCertificate, judgeSigningCertificate, verifySigner } from '#crypto/cms-verify.ts';
import { context, DerError, TAG } from '#crypto/der.ts';
import { OID } from '#crypto/oids.ts';
import { digest, UnsupportedKeyError } from '#crypto/suite.ts';
import { readCertificates } from '#documents/judge-time-stamp.ts';
import { type Verdict, worstVerdict } from '#documents/verdict.ts';
import { Certificate } from '#pki/certificate.ts';
import { normaliseBer } from './normalise-ber.ts';
import { isZeroAfter } from './signature-dictionary.ts';

export interface CmsJudgement {
  readonly verdict: Verdict;
  readonly reasons: readonly string[];
  readonly suite?: string;
  readonly certificate?: Certificate;
  /** Certificates that came along, the signer's among them. */
  readonly certificates: readonly Certificate[];
  readonly crls: readonly Uint8Array[];
  /** OCSPResponses of Adobe's revocation archive, a signed attribute. */
  readonly ocspResponses: readonly Uint8Array[];
  readonly signingTime?: Date;
  /** What a signature timestamp is over. */
  readonly signature?: Uint8Array;
  readonly timeStamp?: Uint8Array;
}

/** How a SubFilter puts the document's digest into the CMS. */
export type CmsLayout = 'detached' | 'sha1-inside' | 'sm3-inside';

export interface CmsInput {
  /** /Contents with its padding. */
  contents: Uint8Array;
  signedBytes: Uint8Array;
  layout: CmsLayout;
  /** ETSI.CAdES.detached: signing-certificate must be there. */
  isPades: boolean;
  /** Certificates of the document's own store, tried when the CMS lacks the signer's. */
  furtherCertificates: readonly Uint8Array[];
}

const NOTHING = { certificates: [], crls: [], ocspResponses: [] };
/** adbe-revocationInfoArchival (ISO 32000-2 §12.8.3.3.2). */
const REVOCATION_ARCHIVE = '1.2.840.113583.1.1.8';
const MAX_ARCHIVED = 32;

/** Never throws for anything in the bytes. */
export function judgeCms(input: CmsInput): CmsJudgement {
  try {
    return judge(input);
  } catch (error) {
    if (error instanceof DerError) return { ...NOTHING, verdict: 'malformed', reasons: ['cms-unreadable'] };
    throw error;
  }
}

function judge(input: CmsInput): CmsJudgement {
  const { der, length, wasBer } = normaliseBer(input.contents);
  const signedData = parseSignedData(der);
  const reasons: string[] = wasBer ? ['cms-not-der'] : [];
  if (!isZeroAfter(input.contents, wasBer ? length : signedData.length))
    return { ...NOTHING, verdict: 'malformed', reasons: ['contents-padding-not-zero'] };
  const [signer] = signedData.signers;
  if (!signer) return { ...NOTHING, verdict: 'malformed', reasons: ['no-signer'] };
  if (signedData.signers.length > 1) return { ...NOTHING, verdict: 'unsupported', reasons: ['several-signers'] };

  const layout = contentOf(signedData, input);
  if (!layout.content) return { ...NOTHING, verdict: layout.verdict, reasons: [layout.reason] };
  const all = [...signedData.certificates, ...input.furtherCertificates];
  const leafDer = findSignerCertificate({ ...signedData, certificates: all }, signer);
  if (!leafDer) return { ...NOTHING, verdict: 'unsupported', reasons: ['signer-certificate-missing'] };
  const certificate = new Certificate(leafDer);
  const check = verifySigner(signedData, signer, certificate.spki, layout.content);
  const verdicts: Verdict[] = [];
  const fail = (verdict: Verdict, reason: string) => {
    verdicts.push(verdict);
    reasons.push(reason);
  };
  if (check.unsupported) fail('unsupported', check.unsupported);
  else if (check.malformed) fail('malformed', check.malformed);
  else if (!check.digestMatches) fail('altered', 'digest-mismatch');
  else if (!check.signatureGood) fail(signer.signedAttributesBytes ? 'not-valid' : 'altered', 'signature-mismatch');
  if (check.attributesReordered && check.signatureGood) reasons.push('attributes-not-der');
  judgeBinding(signer, leafDer, input.isPades, fail);
  if (signer.digest === 'sha1') fail('not-valid', 'weak-digest');
  const archive = archiveOf(signer);
  return {
    verdict: worstVerdict(...verdicts),
    reasons,
    ...suiteOf(certificate),
    certificate,
    certificates: readCertificates(signedData.certificates),
    crls: [...signedData.crls, ...archive.crls],
    ocspResponses: archive.ocspResponses,
    ...timesOf(signer, reasons),
    signature: signer.signature,
  };
}

/** What the signer's digest must be over, after checking that an encapsulated digest is the document's. */
function contentOf(signedData: SignedData, { layout, signedBytes }: CmsInput): { content?: Uint8Array; verdict: Verdict; reason: string } {
  const inside = signedData.content;
  if (layout === 'detached') {
    if (inside && inside.length > 0) return { verdict: 'malformed', reason: 'content-encapsulated' };
    return { content: signedBytes, verdict: 'genuine', reason: '' };
  }
  if (!inside) {
    if (layout === 'sm3-inside') return { content: signedBytes, verdict: 'genuine', reason: '' };
    return { verdict: 'malformed', reason: 'content-missing' };
  }
  const expected = digest(layout === 'sha1-inside' ? 'sha1' : 'sm3', signedBytes);
  if (Buffer.compare(expected, inside) !== 0) return { verdict: 'altered', reason: 'digest-mismatch' };
  return { content: inside, verdict: 'genuine', reason: '' };
}

/** RFC 5035: the signer binds himself to one certificate, so that another one of the same key cannot stand in for it. */
function judgeBinding(signer: CmsSigner, leaf: Uint8Array, isPades: boolean, fail: (verdict: Verdict, reason: string) => void): void {
  const binding = judgeSigningCertificate(signer, leaf);
  if (binding === 'differs' || binding === 'double') fail('not-valid', `signing-certificate-${binding}`);
  else if (binding === 'absent' && isPades) fail('not-valid', 'signing-certificate-missing');
}

function suiteOf(certificate: Certificate): { suite?: string } {
  try {
    return { suite: certificate.publicKey().label };
  } catch (error) {
    if (error instanceof UnsupportedKeyError) return {};
    throw error;
  }
}

function timesOf(signer: CmsSigner, reasons: string[]): { signingTime?: Date; timeStamp?: Uint8Array } {
  const found: { signingTime?: Date; timeStamp?: Uint8Array } = {};
  try {
    const time = singleAttribute(signer.signedAttributes, OID.signingTime)?.asTime();
    if (time) found.signingTime = time;
    const stamp = signer.unsignedAttributes.find(({ oid }) => oid === OID.timeStampToken)?.values[0];
    if (stamp) found.timeStamp = stamp.bytes;
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    reasons.push('attributes-unreadable');
  }
  return found;
}

/** Revocation data that the signer put under his signature; empty when there is none that can be read. */
function archiveOf(signer: CmsSigner): { crls: Uint8Array[]; ocspResponses: Uint8Array[] } {
  try {
    const parts = signer.signedAttributes.find(({ oid }) => oid === REVOCATION_ARCHIVE)?.values[0]?.expect(TAG.sequence);
    const list = (tag: number) => (parts?.find(context(tag))?.inner().children ?? []).slice(0, MAX_ARCHIVED).map(({ bytes }) => bytes);
    return { crls: list(0), ocspResponses: list(1) };
  } catch (error) {
    if (error instanceof DerError) return { crls: [], ocspResponses: [] };
    throw error;
  }
}
