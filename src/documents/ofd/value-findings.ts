/** What judging one signature value gathers, whatever its form. */
import { describeSigner } from '#documents/describe-signer.ts';
import { faultsOfSigner } from '#documents/faults-of-signer.ts';
import type { ChainJudgement } from '#documents/judge-chain.ts';
import type { SealPicture } from '#documents/ses/seal.ts';
import type { SealReport, SignatureForm, SignatureReport, SignerReport, Verdict, VerifyOptions } from '#documents/verdict.ts';
import { worstVerdict } from '#documents/verdict.ts';
import type { Certificate } from '#pki/certificate.ts';
import { OFFICIAL_PROFILES } from '#pki/profiles.ts';

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
   * The signer's chain, what his certificate is for, and when he signed (steps 12 and 13 of verification).
   * True when the certificate is of a kind that makes a document official, and officially trusted.
   */
  judgeSigner(certificate: Certificate, chain: ChainJudgement, now: Date): boolean {
    this.signer = describeSigner(certificate, chain.anchored);
    this.certificate = certificate.der;
    this.note(...chain.reasons);
    if (chain.verdict !== 'genuine') this.fail(chain.verdict);
    const signedAt = this.provenAt ?? this.claimedAt;
    if (!signedAt) this.note('signing-time-unknown');
    for (const fault of faultsOfSigner(certificate, this.signer.profile, signedAt, now)) this.fail('not-valid', fault);
    return chain.official && OFFICIAL_PROFILES.some((profile) => profile === this.signer?.profile);
  }
}
