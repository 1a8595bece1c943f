/** What the signatures of a package leave unprotected, for each of them and for all together. */
import { ZipError } from '#documents/container/zip-error.ts';
import { type Verdict, worstVerdict } from '#documents/verdict.ts';
import { XmlError } from '#documents/xml/decode-text.ts';
import type { JudgedSignature } from './judge-signature.ts';
import type { OfdPackage } from './ofd-package.ts';
import { directoryOf } from './package-path.ts';
import type { Reach } from './reachable-files.ts';
import type { SignatureList } from './signature-list.ts';

const MAX_LISTED = 200;

export interface PackageCoverage {
  verdict: Verdict;
  reasons: string[];
  /** Everything any signature protects. */
  protects: ReadonlySet<string>;
  /** Official seals protect all that is shown. */
  official: boolean;
}

/** Fills in `coverage`, `uncovered` and later signatures in each report, and judges the package as a whole. */
export function fillCoverage(
  ofd: OfdPackage,
  reach: Reach,
  lists: readonly SignatureList[],
  signatures: readonly JudgedSignature[],
): PackageCoverage {
  // Signature files are not shown; each is protected by its own value. The list cannot be, while more may be added.
  const ownFiles = new Set([...lists.map((list) => list.entry), ...signatures.flatMap((signature) => [...signature.files])]);
  // Unless a reader shows them as something else as well: a page may say that it is the description of a signature.
  const passive = [...reach.files].filter((entry) => !ownFiles.has(entry));
  const rivals = rivalsOf(ofd, lists, signatures);
  const shown = [...new Set([...passive, ...reach.drawn, ...rivals])];
  const claimedByAny = new Set<string>();
  const protectedByAny = new Set<string>();
  const protectedByOfficial = new Set<string>();
  for (const [position, signature] of signatures.entries()) {
    for (const entry of signature.claims) claimedByAny.add(entry);
    for (const entry of signature.protects) {
      protectedByAny.add(entry);
      if (signature.official) protectedByOfficial.add(entry);
    }
    fillReport(signature, shown, signatures.slice(position + 1));
    if (isRootSwitched(ofd, reach, signature.claims)) {
      signature.report.verdict = worstVerdict(signature.report.verdict, 'altered');
      signature.report.reasons.push('document-root-switched');
    }
  }
  const reasons: string[] = [];
  let verdict: Verdict = 'genuine';
  // A changed file was covered all the same: that it changed is told by the signature's own verdict, which is worse.
  // What takes the place of a signed file for some reader is not covered by whoever signs it on top, unless he is official.
  const contested = new Set([...rivals, ...omittedRivals(reach, signatures)].filter((entry) => !protectedByOfficial.has(entry)));
  const uncovered = shown.filter((entry) => !claimedByAny.has(entry) || contested.has(entry));
  if (signatures.length > 0 && uncovered.length > 0) {
    verdict = 'partly-covered';
    reasons.push('shown-but-not-signed');
  }
  if (signatures.length > 0) {
    if (lists.some((list) => !claimedByAny.has(list.entry))) reasons.push('signature-list-not-protected');
  }
  const unreached = [...ofd.archive.entries.keys()].filter((entry) => !reach.files.has(entry) && !ownFiles.has(entry));
  if (unreached.some((entry) => !claimedByAny.has(entry))) reasons.push('entries-not-linked');
  // Whoever takes a seal away by emptying the list often forgets its files.
  if (unreached.some((entry) => /(^|\/)(signature\.xml|signe?d?value\.dat|seal\.esl)$/i.test(entry)))
    reasons.push('signature-files-not-listed');
  return {
    verdict,
    reasons,
    protects: protectedByAny,
    official: shown.length > 0 && shown.every((entry) => protectedByOfficial.has(entry)),
  };
}

/** Files beside one that a signature covers, under a name that may stand for both, which that signature does not cover. */
function omittedRivals(reach: Reach, signatures: readonly JudgedSignature[]): string[] {
  return reach.rivals.flatMap((rivals) =>
    signatures.flatMap(({ claims }) => (rivals.some((entry) => claims.has(entry)) ? rivals.filter((entry) => !claims.has(entry)) : [])),
  );
}

/** Files that some reader might take for the list, for a signature or for what belongs to it, and draw a seal from. */
function rivalsOf(ofd: OfdPackage, lists: readonly SignatureList[], signatures: readonly JudgedSignature[]): string[] {
  const ofLists = [
    ...lists.flatMap(({ entry }) => ofd.index.twinsOf(entry)),
    ...ofd.documents.flatMap(({ signaturesLoc }) => (signaturesLoc ? ofd.index.candidates(signaturesLoc, ['']) : [])),
  ].filter((entry) => !lists.some((list) => list.entry === entry));
  const ofSignatures = signatures.flatMap(({ listed, files, rivals }) => {
    const list = lists.find((one) => one.signatures.includes(listed));
    const root = ofd.documents[listed.documentIndex]?.root;
    const places = ofd.index.candidates(listed.loc, [list ? directoryOf(list.entry) : '', root ? directoryOf(root) : '']);
    return [...rivals, ...places.filter((entry) => !files.has(entry))];
  });
  return [...ofLists, ...ofSignatures];
}

function fillReport(signature: JudgedSignature, shown: readonly string[], later: readonly JudgedSignature[]): void {
  const { report, claims } = signature;
  const uncovered = shown.filter((entry) => !claims.has(entry));
  report.uncovered = uncovered.slice(0, MAX_LISTED).map((entry) => `/${entry}`);
  report.changesAfter.push(...later.map(({ listed }) => `signature-added: ${listed.id}`).slice(0, MAX_LISTED));
  report.coverage = uncovered.length > 0 ? 'partial' : later.length > 0 ? 'whole-revision' : 'whole-file';
}

/**
 * The signature left OFD.xml open, covers a document, and none of the documents shown: somebody changed what OFD.xml
 * points to, and what was signed is not what a reader sees. Signing the result once more does not mend that.
 */
function isRootSwitched(ofd: OfdPackage, reach: Reach, claims: ReadonlySet<string>): boolean {
  if (claims.has('OFD.xml')) return false;
  if (ofd.documents.some(({ root }) => root === undefined || claims.has(root))) return false;
  return [...claims].some((entry) => !reach.files.has(entry) && entry.toLowerCase().endsWith('.xml') && isDocument(ofd, entry));
}

function isDocument(ofd: OfdPackage, entry: string): boolean {
  try {
    return ofd.rootName(entry) === 'Document';
  } catch (error) {
    if (error instanceof XmlError || error instanceof ZipError) return false;
    throw error;
  }
}
