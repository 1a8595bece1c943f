/**
 * Verifying an OFD file: every signature of every document in it, and what is outside all of them (GB/T 33190 §18,
 * GB/T 38540 §6.3 and §7.3, GM/T 0099 §7.2). The rules are upheld for any bytes: a verdict with reasons, never an exception.
 */
import type { ByteSource } from '#documents/container/byte-source.ts';
import { ZipError } from '#documents/container/zip-error.ts';
import { combineVerdicts, refusedFile, type Verdict, type Verification, type VerifyOptions, worstVerdict } from '#documents/verdict.ts';
import { XmlError } from '#documents/xml/decode-text.ts';
import { EntryDigests } from './check-references.ts';
import { fillCoverage } from './coverage.ts';
import { type JudgedSignature, judgeSignature } from './judge-signature.ts';
import { licenceMetadataOf } from './licence-metadata.ts';
import { type OfdPackage, openOfd } from './ofd-package.ts';
import { directoryOf } from './package-path.ts';
import { reachableFiles } from './reachable-files.ts';
import { readSignatureList, type SignatureList } from './signature-list.ts';
import { stepsOf } from './signature-steps.ts';

/** `official` needs one official seal that covers, alone or with other official ones, all that is shown. */
export function verifyOfd(bytes: Uint8Array | ByteSource, options: VerifyOptions): Verification {
  try {
    const ofd = openOfd(bytes, options.limits);
    if (ofd.index.twinsOf('Encryptions.xml').length > 0) return refusedFile('ofd', 'unsupported', 'encrypted-package');
    return verify(ofd, options);
  } catch (error) {
    if (error instanceof ZipError) return refusedFile('ofd', error.unsupported ? 'unsupported' : 'malformed', error.reason);
    if (error instanceof XmlError) return refusedFile('ofd', 'malformed', error.reason);
    throw error;
  }
}

function verify(ofd: OfdPackage, options: VerifyOptions): Verification {
  const reach = reachableFiles(ofd);
  const reasons = new Set<string>(ofd.archive.warnings);
  const own: Verdict[] = [];
  const lists = readLists(ofd, own, reasons);
  const signatures = judgeAll(ofd, lists, options, own, reasons);
  const covered = fillCoverage(ofd, reach, lists, signatures);
  for (const reason of covered.reasons) reasons.add(reason);
  if (signatures.length > 0) own.push(covered.verdict);
  if (reach.missing.length > 0) reasons.add('linked-file-missing');
  const report = combineVerdicts({
    format: 'ofd',
    own: worstVerdict(...own),
    reasons: [...reasons],
    signatures: signatures.map(({ report }) => ({ ...report, steps: stepsOf(report) })),
    official: covered.official,
  });
  if (!covered.protects.has('OFD.xml')) return { report };
  const { identifier, dataDigest } = licenceMetadataOf(ofd);
  return {
    report,
    ...(identifier ? { licenceIdentifier: identifier } : {}),
    ...(dataDigest ? { licenceDataDigest: dataDigest } : {}),
  };
}

/** The lists of all documents, each file once. A pointer to a missing list is no "unsigned". */
function readLists(ofd: OfdPackage, own: Verdict[], reasons: Set<string>): SignatureList[] {
  const lists = new Map<string, SignatureList>();
  for (const document of ofd.documents) {
    if (document.signaturesLoc && !document.signatures) {
      own.push('malformed');
      reasons.add('signature-list-missing');
    }
    const list = readSignatureList(ofd, document);
    if (!list) continue;
    if (list.signatures.length === 0) reasons.add('signature-list-empty');
    if (!lists.has(list.entry)) lists.set(list.entry, list);
  }
  return [...lists.values()];
}

function judgeAll(
  ofd: OfdPackage,
  lists: readonly SignatureList[],
  options: VerifyOptions,
  own: Verdict[],
  reasons: Set<string>,
): JudgedSignature[] {
  const listed = lists.flatMap((list) => list.signatures);
  if (listed.length > ofd.limits.maxSignatures) {
    own.push('malformed');
    reasons.add('too-many-signatures');
    return [];
  }
  const entries = listed.map(({ entry }) => entry).filter((entry) => entry !== undefined);
  if (new Set(entries).size !== entries.length) {
    own.push('malformed');
    reasons.add('signature-listed-twice');
  }
  const digests = new EntryDigests(ofd);
  const judged = listed.map((one, index) => {
    const root = ofd.documents[one.documentIndex]?.root;
    return judgeSignature(ofd, one, index, root ? directoryOf(root) : '', digests, options);
  });
  judgeBases(judged);
  return judged;
}

/** GM/T 0099: a signature that stands on a base signature holds only when the base does. */
function judgeBases(judged: readonly JudgedSignature[]): void {
  for (const { listed, report } of judged) {
    if (listed.relative === undefined) continue;
    const base = judged.find((other) => other.listed.id === listed.relative && other.listed.documentIndex === listed.documentIndex);
    if (!base || base.listed === listed) {
      report.verdict = worstVerdict(report.verdict, 'malformed');
      report.reasons.push('base-signature-missing');
    } else if (base.report.verdict !== 'genuine') report.reasons.push('base-signature-not-genuine');
  }
}
