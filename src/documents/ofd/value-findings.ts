/** What judging one signature value gathers, whatever its form. */
import { digest } from '#crypto/suite.ts';
import { digestOfOid } from '#crypto/verify-signature.ts';
import { describeSigner } from '#documents/describe-signer.ts';
import type { ChainJudgement } from '#documents/judge-chain.ts';
import type { SealPicture } from '#documents/ses/seal.ts';
import type { SealReport, SignatureForm, SignatureReport, SignerReport, Verdict, VerifyOptions } from '#documents/verdict.ts';
import { worstVerdict } from '#documents/verdict.ts';
import type { Certificate } from '#pki/certificate.ts';
import { OFFICIAL_PROFILES, profileOf } from '#pki/profiles.ts';

/** A signer's clock may be this far ahead of ours. */
export const MAX_CLOCK_SKEW_MS = 5 * 60_000;

export interface ValueContext {
  /** Entry name of Signature.xml. */
  entry: string;
  /** Bytes of Signature.xml: what the value is over. */
  description: Uint8Array;
  /** SignatureDateTime, already read. */
  statedAt: Date | undefined;
  sealFile: { bytes: Uint8Array; isProtected: boolean } | 'missing' | undefined;
  options: VerifyOptions;
}

export class ValueFindings {
  readonly kind: SignatureReport['kind'];
  /** Undefined when the value is of no known form. */
  readonly form: SignatureForm | undefined;
  readonly reasons = new Set<string>();
  readonly #verdicts: Verdict[] = [];
  suite: string | undefined;
  signer: SignerReport | undefined;
  /** DER of the signer's certificate. */
  certificate: Uint8Array | undefined;
  seal: SealReport | undefined;
  picture: SealPicture | undefined;
  claimedAt: Date | undefined;
  provenAt: Date | undefined;
  /** Sealed by a seal or document signer under an official anchor. */
  official = false;

  constructor(kind: SignatureReport['kind'], form?: SignatureForm) {
    this.kind = kind;
    this.form = form;
  }

  get verdict(): Verdict {
    return worstVerdict(...this.#verdicts);
  }

  note(...reasons: readonly string[]): void {
    for (const reason of reasons) this.reasons.add(reason);
  }

  fail(verdict: Verdict, ...reasons: readonly string[]): void {
    this.#verdicts.push(verdict);
    this.note(...reasons);
  }

  /**
   * The signer's chain. Under an anchor, our own certificates sign only what their profile is for.
   * True when the certificate is of a kind that makes a document official, and officially trusted.
   */
  judgeSigner(certificate: Certificate, chain: ChainJudgement): boolean {
    this.signer = describeSigner(certificate, chain.anchored);
    this.certificate = certificate.der;
    this.note(...chain.reasons);
    if (chain.verdict !== 'genuine') this.fail(chain.verdict);
    const profile = chain.anchored ? profileOf(certificate) : undefined;
    if (profile === undefined) return false;
    if (OFFICIAL_PROFILES.includes(profile)) return chain.official;
    if (profile !== 'person') this.fail('not-valid', 'signer-wrong-profile');
    return false;
  }

  /** Steps 12 and 13 of verification: the time of signing against the certificate and against now. */
  judgeTime(certificate: Certificate, { options }: ValueContext): void {
    const signedAt = this.provenAt ?? this.claimedAt;
    if (!signedAt) {
      this.note('signing-time-unknown');
      return;
    }
    if (signedAt.getTime() > options.at.getTime() + MAX_CLOCK_SKEW_MS) this.fail('not-valid', 'signed-in-the-future');
    if (signedAt < certificate.notBefore) this.fail('not-valid', 'signer-not-yet-valid');
    if (signedAt > certificate.notAfter) this.fail('not-valid', 'signer-expired');
  }
}

/** A certificate without key usage may do anything; otherwise one of the two signing bits must be set. */
export function canSign(certificate: Certificate): boolean {
  const { keyUsage } = certificate;
  return keyUsage === undefined || keyUsage.has('digital-signature') || keyUsage.has('non-repudiation');
}

/** @param algorithm OID or name of the digest, as certificate digests in a seal give it. */
export function isDigestOf(algorithm: string, value: Uint8Array, data: Uint8Array): boolean {
  const text = algorithm.trim();
  const name = /^sm3$/i.test(text) ? 'sm3' : /^sha-?256$/i.test(text) ? 'sha256' : digestOfOid(text);
  if (!name || name === 'sha1') return false;
  return Buffer.compare(digest(name, data), value) === 0;
}
