/** One signature of a package: its description, the files it covers, and its value. */
import { DerError, parseDer, TAG } from '#crypto/der.ts';
import { ZipError } from '#documents/container/zip-error.ts';
import { normaliseBer } from '#documents/pdf/normalise-ber.ts';
import { isAmongSigners } from '#documents/ses/is-among-signers.ts';
import { describeSeal, judgeSeal } from '#documents/ses/judge-seal.ts';
import { parseSigningTime } from '#documents/ses/parse-signing-time.ts';
import { parseSeal } from '#documents/ses/read-seal.ts';
import type { SealPicture } from '#documents/ses/seal.ts';
import { type SignatureReport, type Verdict, type VerifyOptions, worstVerdict } from '#documents/verdict.ts';
import { XmlError } from '#documents/xml/decode-text.ts';
import { checkReferences, type EntryDigests, type ReferenceCheck } from './check-references.ts';
import { judgeCmsValue } from './judge-cms-value.ts';
import { judgeSesValue } from './judge-ses-value.ts';
import type { OfdPackage } from './ofd-package.ts';
import { readSignatureDescription, type SignatureDescription } from './signature-description.ts';
import type { ListedSignature } from './signature-list.ts';
import { type ValueContext, ValueFindings } from './value-findings.ts';

export interface JudgedSignature {
  listed: ListedSignature;
  report: SignatureReport;
  /** Entries it names. */
  claims: ReadonlySet<string>;
  /** Entries this signature protects; empty when it is not intact. */
  protects: ReadonlySet<string>;
  /** Signature.xml, the value, the seal file. */
  files: ReadonlySet<string>;
  /** Files that some reader might take for one of them instead. */
  rivals: ReadonlySet<string>;
  picture: SealPicture | undefined;
  official: boolean;
}

/** Never throws for anything in the package. Coverage is filled in later, when all signatures are known. */
export function judgeSignature(
  ofd: OfdPackage,
  listed: ListedSignature,
  index: number,
  documentDirectory: string,
  digests: EntryDigests,
  options: VerifyOptions,
): JudgedSignature {
  try {
    return judge(ofd, listed, index, documentDirectory, digests, options);
  } catch (error) {
    if (error instanceof ZipError) return broken(listed, index, error.unsupported ? 'unsupported' : 'malformed', error.reason);
    if (error instanceof XmlError) return broken(listed, index, 'malformed', error.reason);
    throw error;
  }
}

function judge(
  ofd: OfdPackage,
  listed: ListedSignature,
  index: number,
  documentDirectory: string,
  digests: EntryDigests,
  options: VerifyOptions,
): JudgedSignature {
  if (!listed.entry) return broken(listed, index, 'malformed', 'signature-file-missing');
  const description = readSignatureDescription(ofd, listed.entry, documentDirectory);
  const files = new Set([listed.entry, description.valueEntry, description.sealEntry].filter((name) => name !== undefined));
  const rivals = rivalsOf(ofd, description, files);
  if (!description.valueEntry) return { ...broken(listed, index, 'malformed', 'signed-value-missing'), files };
  const references = checkReferences(ofd, description, digests);
  const context: ValueContext = {
    entry: listed.entry,
    description: ofd.read(listed.entry),
    statedAt: parseSigningTime(description.signatureDateTime ?? '')?.time,
    sealFile: sealFileOf(ofd, description, references),
    options,
  };
  const findings = judgeValue(ofd.read(description.valueEntry), context);
  findings.note(...description.warnings, ...references.warnings);
  judgeReferences(references, description, findings);
  if (findings.kind === 'signature') judgeLooseSeal(ofd, description, findings, options);
  const expected = listed.type === 'Sign' ? 'signature' : 'seal';
  if (findings.kind !== expected) findings.note('type-differs-from-value');
  return {
    listed,
    report: reportOf(index, findings, references),
    claims: references.claims,
    protects: findings.verdict === 'malformed' || findings.verdict === 'altered' ? new Set() : references.protects,
    files,
    rivals,
    picture: findings.picture,
    official: findings.official && findings.verdict === 'genuine',
  };
}

function rivalsOf(ofd: OfdPackage, description: SignatureDescription, files: ReadonlySet<string>): Set<string> {
  const places = [...description.candidates, ...[...files].flatMap((entry) => ofd.index.twinsOf(entry))];
  return new Set(places.filter((entry) => !files.has(entry)));
}

/** What the value is decides, not the Type in the list (which is wrong in real files). */
function judgeValue(value: Uint8Array, context: ValueContext): ValueFindings {
  try {
    const { der, length, wasBer } = normaliseBer(value);
    const outer = parseDer(der).expect(TAG.sequence);
    const first = outer.at(0);
    if (wasBer && length !== value.length) return unreadable('malformed', 'signed-value-trailing-bytes');
    if (first.tag === TAG.oid) return judgeCmsValue(der, context);
    // A seal signature is signed as it stands: in another encoding it is none.
    if (wasBer) return unreadable('malformed', 'signed-value-unreadable');
    if (first.tag === TAG.sequence) return judgeSesValue(value, context);
    if (first.tag === TAG.integer && outer.children.length === 2) return bareValue(context);
    return unreadable('malformed', 'signed-value-unreadable');
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    // Raw r‖s, or an RSA value: nothing inside says who signed.
    if ([64, 128, 256, 384, 512].includes(value.length)) return bareValue(context);
    return unreadable('malformed', 'signed-value-unreadable');
  }
}

/**
 * A seal beside a value that holds none: readers may draw it, so it must be as good as one that was signed. Otherwise any
 * certificate could put the picture of any seal on a page.
 */
function judgeLooseSeal(ofd: OfdPackage, description: SignatureDescription, findings: ValueFindings, options: VerifyOptions): void {
  if (!description.sealEntry) return;
  findings.note('seal-outside-value');
  try {
    const seal = parseSeal(ofd.read(description.sealEntry));
    findings.seal = describeSeal(seal);
    findings.picture = seal.picture;
    const { provenAt, claimedAt, certificate } = findings;
    const judged = judgeSeal(seal, { usedAt: provenAt ?? claimedAt ?? options.at, provenAt, options });
    findings.fail(judged.verdict, ...judged.reasons);
    findings.official &&= judged.official;
    if (certificate && !isAmongSigners(seal, certificate)) findings.fail('not-valid', 'signer-not-in-seal');
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    findings.fail('malformed', 'seal-unreadable');
  }
}

/** A value without any certificate: it can only be judged with a key from elsewhere. */
function bareValue(context: ValueContext): ValueFindings {
  const findings = new ValueFindings('signature', 'bare');
  findings.claimedAt = context.statedAt;
  findings.fail('unsupported', 'no-certificate');
  return findings;
}

function unreadable(verdict: Verdict, reason: string): ValueFindings {
  const findings = new ValueFindings('signature');
  findings.fail(verdict, reason);
  return findings;
}

function judgeReferences(references: ReferenceCheck, description: SignatureDescription, findings: ValueFindings): void {
  if (references.unsupported) findings.fail('unsupported', 'check-method-unsupported');
  if (references.contradictory) findings.fail('malformed', 'references-contradict');
  if (references.changed.length > 0) findings.fail('altered', 'digest-mismatch');
  if (references.missing.length > 0) findings.fail('altered', 'protected-file-missing');
  if (references.weak) findings.fail('not-valid', 'weak-digest');
  if (description.references.length === 0) findings.note('no-references');
}

function sealFileOf(ofd: OfdPackage, description: SignatureDescription, references: ReferenceCheck): ValueContext['sealFile'] {
  if (description.sealLoc === undefined) return undefined;
  if (!description.sealEntry) return 'missing';
  return { bytes: ofd.read(description.sealEntry), isProtected: references.protects.has(description.sealEntry) };
}

function reportOf(index: number, findings: ValueFindings, references: ReferenceCheck): SignatureReport {
  const { suite, signer, seal, claimedAt, provenAt } = findings;
  return {
    index,
    kind: findings.kind,
    ...(findings.form ? { form: findings.form } : {}),
    ...(suite ? { suite } : {}),
    verdict: findings.verdict,
    ...(signer ? { signer } : {}),
    ...(seal ? { seal } : {}),
    time: { claimed: claimedAt?.toISOString() ?? null, proven: provenAt?.toISOString() ?? null },
    coverage: 'partial',
    uncovered: [],
    changesAfter: [
      ...references.changed.map((entry) => `changed: /${entry}`),
      ...references.missing.map((path) => `missing: ${path}`),
    ].slice(0, 200),
    reasons: [...findings.reasons],
  };
}

function broken(listed: ListedSignature, index: number, verdict: Verdict, reason: string): JudgedSignature {
  return {
    listed,
    report: {
      index,
      kind: listed.type === 'Sign' ? 'signature' : 'seal',
      verdict: worstVerdict(verdict),
      time: { claimed: null, proven: null },
      coverage: 'partial',
      uncovered: [],
      changesAfter: [],
      reasons: [reason],
    },
    claims: new Set(),
    protects: new Set(),
    files: new Set(listed.entry ? [listed.entry] : []),
    rivals: new Set(),
    picture: undefined,
    official: false,
  };
}
