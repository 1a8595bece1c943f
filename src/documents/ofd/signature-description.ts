/** Signature.xml: what one signature says it covers and where its value, seal and stamps are (GB/T 33190 §18.2). */
import { XmlError } from '#documents/xml/decode-text.ts';
import { readXml, type XmlElement } from '#documents/xml/read-xml.ts';
import { type Box, parseBox } from './box.ts';
import type { OfdPackage } from './ofd-package.ts';
import { directoryOf } from './package-path.ts';

/** What decides which seal is drawn and what is signed: readers that find two of them choose differently. */
const ONCE = ['SignedInfo', 'References', 'Seal', 'SignedValue'];

export interface Reference {
  fileRef: string;
  checkValue: string;
}

export interface SignatureDescription {
  entry: string;
  provider: string;
  signatureMethod: string | undefined;
  signatureDateTime: string | undefined;
  /** Schema default: MD5. */
  checkMethod: string;
  references: readonly Reference[];
  stamps: readonly { id: string; pageRef: string; boundary: Box; clip: Box | undefined }[];
  sealLoc: string | undefined;
  sealEntry: string | undefined;
  valueLoc: string | undefined;
  valueEntry: string | undefined;
  /** Every file that some reader might take for the seal or the value. */
  candidates: readonly string[];
  warnings: readonly string[];
}

/** Throws ZipError or XmlError. */
export function readSignatureDescription(ofd: OfdPackage, entry: string, documentDirectory: string): SignatureDescription {
  const lists = new Map<XmlElement, Reference[]>();
  const tree = readXml(ofd.read(entry), ofd.pageBudget, (element, parents) => takeReference(ofd, lists, element, parents));
  const info = tree.child('SignedInfo');
  const warnings = new Set<string>();
  const references = info?.child('References');
  const seal = info?.child('Seal');
  assertOneReading(tree, seal);
  const sealLoc = seal?.textOf('BaseLoc') ?? seal?.attribute('BaseLoc');
  if (seal?.attribute('BaseLoc')) warnings.add('seal-location-as-attribute');
  const valueLoc = tree.textOf('SignedValue') ?? info?.textOf('SignedValue');
  const directories = [directoryOf(entry), documentDirectory];
  const provider = info?.child('Provider');
  return {
    entry,
    provider: provider?.attribute('ProviderName') ?? provider?.textOf('ProviderName') ?? '',
    signatureMethod: info?.textOf('SignatureMethod'),
    signatureDateTime: info?.textOf('SignatureDateTime'),
    checkMethod: references?.attribute('CheckMethod') ?? 'MD5',
    references: (references && lists.get(references)) ?? [],
    stamps: (info?.childrenOf('StampAnnot') ?? []).flatMap((item) => readStamp(item, warnings)),
    sealLoc,
    sealEntry: ofd.find(sealLoc, ...directories),
    valueLoc,
    valueEntry: ofd.find(valueLoc, ...directories),
    candidates: [sealLoc, valueLoc].flatMap((loc) => (loc === undefined ? [] : ofd.index.candidates(loc, directories))),
    warnings: [...warnings],
  };
}

function assertOneReading(tree: XmlElement, seal: XmlElement | undefined): void {
  const isTwice = ONCE.some((name) => tree.descendantsOf(name).length > 1);
  const isElsewhere = !seal && tree.descendantsOf('Seal').length > 0;
  const places = seal ? seal.descendantsOf('BaseLoc').length + (seal.attribute('BaseLoc') ? 1 : 0) : 0;
  if (isTwice || isElsewhere || places > 1) throw new XmlError('xml-element-twice');
}

/**
 * A reference becomes two short texts as soon as it ends: packages may hold hundreds of thousands, for the most part the same in
 * every signature, and a tree of them all would be larger than the file.
 */
function takeReference(ofd: OfdPackage, lists: Map<XmlElement, Reference[]>, item: XmlElement, parents: readonly XmlElement[]): boolean {
  const parent = parents.at(-1);
  if (item.name !== 'Reference' || parent?.name !== 'References' || parents.at(-2)?.name !== 'SignedInfo') return false;
  const reference = { fileRef: ofd.shared(item.attribute('FileRef') ?? ''), checkValue: ofd.shared(item.textOf('CheckValue') ?? '') };
  const list = lists.get(parent);
  if (list) list.push(reference);
  else lists.set(parent, [reference]);
  return true;
}

function readStamp(item: XmlElement, warnings: Set<string>): SignatureDescription['stamps'] {
  const boundary = parseBox(item.attribute('Boundary'));
  if (!boundary) {
    warnings.add('stamp-without-boundary');
    return [];
  }
  const clip = parseBox(item.attribute('Clip'));
  return [{ id: item.attribute('ID') ?? '', pageRef: item.attribute('PageRef') ?? '', boundary, clip }];
}
