/**
 * What verifying a file says. The words are a contract with the outside: a failed verification is a verdict with
 * reasons, never an exception. Reasons are stable codes in kebab-case; sentences for people are made elsewhere.
 */
import type { AnchorConstraints } from '#pki/anchor-constraints.ts';
import type { Certificate } from '#pki/certificate.ts';
import type { Crl } from '#pki/crl.ts';
import type { BasicOcspResponse } from '#pki/ocsp-response.ts';
import type { Indication, SubIndication } from './indication.ts';

/** Worst first. A file's verdict is the worst of its own and of its signatures'. */
export const VERDICTS = [
  /** Cannot be read safely, or its signature parts contradict each other in form. */
  'malformed',
  /** Readable, but a signature is of a kind we cannot judge. */
  'unsupported',
  /** Signed bytes changed, a protected file missing, or a change after signing that is not allowed. */
  'altered',
  /** Bytes intact, but signature or seal was not valid. */
  'not-valid',
  /** Valid, but something a reader would show is outside every signature. */
  'partly-covered',
  /** All good, but a needed chain ends in no trust anchor. */
  'untrusted-signer',
  'unsigned',
  'genuine',
] as const;

export type Verdict = (typeof VERDICTS)[number];

export type FileFormat = 'ofd' | 'pdf' | 'seal' | 'unknown';

export type SignatureForm =
  | 'ses-v1'
  | 'ses-v4'
  | 'ses-v5'
  | 'gbt35275'
  | 'bare'
  | 'pades-b'
  | 'pades-t'
  | 'pades-lt'
  | 'pades-lta'
  | 'cms'
  | 'rfc3161';

export interface SignerReport {
  /** The subject's distinguished name. */
  subject: string;
  organisation: string;
  uscc: string;
  /** Name of our certificate profile, or '' when its policy is not one of ours. */
  profile: string;
  /** Serial number in hexadecimal. */
  serial: string;
  issuer: string;
}

export interface SealReport {
  id: string;
  name: string;
  /** The seal's type number as text: code tables differ between platforms. */
  kind: string;
  /** RFC 3339, UTC. */
  validFrom: string;
  validTo: string;
}

/** What is looked at for one signature of an OFD file, in this order. */
export const STEP_NAMES = [
  'container',
  'references',
  'coverage',
  'signature-value',
  'seal-structure',
  'maker-signature',
  'signer-in-seal',
  'validity',
  'chain',
  'revocation',
  'timestamp',
] as const;

export type StepName = (typeof STEP_NAMES)[number];

export interface SignatureStep {
  step: StepName;
  /** `not-checked`: there was nothing to look at, or something before it stood in the way. */
  result: 'passed' | 'failed' | 'not-checked';
  /** Those of the signature's reasons that decided it. */
  reasons: string[];
}

export interface SignatureReport {
  index: number;
  kind: 'seal' | 'signature' | 'timestamp';
  /** Absent when the value is of no known form. */
  form?: SignatureForm;
  /** Absent when it could not be learnt. */
  suite?: string;
  verdict: Verdict;
  signer?: SignerReport;
  seal?: SealReport;
  /** RFC 3339 in UTC; `proven` only by a timestamp that verifies. */
  time: { claimed: string | null; proven: string | null };
  coverage: 'whole-file' | 'whole-revision' | 'partial';
  /** What a reader would show and this signature does not protect. */
  uncovered: string[];
  changesAfter: string[];
  reasons: string[];
  /** In the words of EN 319 102-1; PDF only. */
  indication?: Indication;
  subIndication?: SubIndication;
  /** OFD only. */
  steps?: SignatureStep[];
}

export interface LicenceReport {
  identifier: string;
  type: string;
  status: string;
  asOf: string;
  source: string;
}

/** The JSON of `tongren verify --json`; `file` and `licence` are filled in by whoever knows them. */
export interface FileVerdict {
  file?: { name: string; bytes: number; sha256: string };
  format: FileFormat;
  verdict: Verdict;
  /** Genuine, and sealed by a seal or document-signer certificate under an official anchor. */
  official: boolean;
  reasons: string[];
  signatures: SignatureReport[];
  licence?: LicenceReport;
}

/** A verdict with what the caller needs to look further; only `report` is printed. */
export interface Verification {
  report: FileVerdict;
  /** The licence identifier in metadata that a signature of this file protects. */
  licenceIdentifier?: string;
  /** `sha256:…` of the licence's canonical data, from the same protected metadata. */
  licenceDataDigest?: string;
}

/** Budgets for hostile input. Whatever goes beyond them is `malformed`. */
export interface Limits {
  /** Bytes of the file itself. */
  maxFileBytes: number;
  /** Files inside a package, objects inside a PDF. */
  maxEntries: number;
  /** Inflated bytes, all entries or streams together. */
  maxInflatedBytes: number;
  /** Inflated bytes of one entry or stream. */
  maxEntryBytes: number;
  /** Inflated ÷ compressed of one entry, above a floor of one mebibyte. */
  maxRatio: number;
  maxXmlNodes: number;
  maxXmlDepth: number;
  maxSignatures: number;
}

export const DEFAULT_LIMITS: Limits = {
  maxFileBytes: 200 * 1024 * 1024,
  maxEntries: 20_000,
  maxInflatedBytes: 256 * 1024 * 1024,
  maxEntryBytes: 64 * 1024 * 1024,
  maxRatio: 200,
  maxXmlNodes: 1_000_000,
  maxXmlDepth: 128,
  maxSignatures: 100,
};

export interface VerifyOptions {
  anchors: readonly Certificate[];
  /** Anchors of this installation and of trust-list entries marked official. Each must also be among `anchors`. */
  officialAnchors?: readonly Certificate[];
  /** What an anchor of the trust list is taken for, by its fingerprint; an anchor without an entry here has no limits of ours. */
  constraints?: ReadonlyMap<string, AnchorConstraints>;
  /** The moment for which the question is asked. */
  at: Date;
  intermediates?: readonly Certificate[];
  crls?: readonly Crl[];
  ocspResponses?: readonly BasicOcspResponse[];
  /** Turns "revocation unknown" into `not-valid`. */
  requireRevocation?: boolean;
  /** Nothing here fetches anything; kept so that callers may pass their own options on. */
  offline?: boolean;
  limits?: Partial<Limits>;
}

/** The worst of the given verdicts; `genuine` for none. */
export function worstVerdict(...verdicts: readonly Verdict[]): Verdict {
  let worst = VERDICTS.length - 1;
  for (const verdict of verdicts) worst = Math.min(worst, VERDICTS.indexOf(verdict));
  return VERDICTS[worst] ?? 'genuine';
}

/** Whether `a` is worse than `b`. */
export function isWorse(a: Verdict, b: Verdict): boolean {
  return VERDICTS.indexOf(a) < VERDICTS.indexOf(b);
}

/**
 * The file's report from its own verdict and its signatures. A file without any signature is `unsigned` unless it is worse.
 * @param official whether the signatures satisfy the rule for `official`; it only counts when the verdict is `genuine`.
 */
export function combineVerdicts(input: {
  format: FileFormat;
  own?: Verdict;
  reasons?: readonly string[];
  signatures: readonly SignatureReport[];
  official?: boolean;
}): FileVerdict {
  const { format, own = 'genuine', signatures } = input;
  const base: Verdict = signatures.length === 0 ? 'unsigned' : 'genuine';
  const verdict = worstVerdict(base, own, ...signatures.map((signature) => signature.verdict));
  return {
    format,
    verdict,
    official: verdict === 'genuine' && input.official === true,
    reasons: unique(input.reasons ?? []),
    signatures: [...signatures],
  };
}

/** The report of a file that could not be read: one reason says why. */
export function refusedFile(format: FileFormat, verdict: 'malformed' | 'unsupported', ...reasons: readonly string[]): Verification {
  return { report: { format, verdict, official: false, reasons: unique(reasons), signatures: [] } };
}

function unique(reasons: readonly string[]): string[] {
  return [...new Set(reasons)];
}
