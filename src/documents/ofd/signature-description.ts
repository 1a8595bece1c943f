/** Signature.xml: what one signature says it covers and where its value, seal and stamps are (GB/T 33190 §18.2). */
import type { XmlElement } from '#documents/xml/read-xml.ts';
import { type Box, parseBox } from './box.ts';
import type { OfdPackage } from './ofd-package.ts';
import { directoryOf } from './package-path.ts';

export interface SignatureDescription {
  entry: string;
  provider: string;
  signatureMethod: string | undefined;
  signatureDateTime: string | undefined;
  /** Schema default: MD5. */
  checkMethod: string;
  references: readonly { fileRef: string; checkValue: string }[];
  stamps: readonly { id: string; pageRef: string; boundary: Box; clip: Box | undefined }[];
  sealLoc: string | undefined;
  sealEntry: string | undefined;
  valueLoc: string | undefined;
  valueEntry: string | undefined;
  warnings: readonly string[];
}

/** Throws ZipError or XmlError. */
export function readSignatureDescription(ofd: OfdPackage, entry: string, documentDirectory: string): SignatureDescription {
  const tree = ofd.tree(entry);
  const info = tree.child('SignedInfo');
  const warnings = new Set<string>();
  const references = info?.child('References');
  const seal = info?.child('Seal');
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
    references: (references?.childrenOf('Reference') ?? []).map((item) => ({
      fileRef: item.attribute('FileRef') ?? '',
      checkValue: item.textOf('CheckValue') ?? '',
    })),
    stamps: (info?.childrenOf('StampAnnot') ?? []).flatMap((item) => readStamp(item, warnings)),
    sealLoc,
    sealEntry: ofd.find(sealLoc, ...directories),
    valueLoc,
    valueEntry: ofd.find(valueLoc, ...directories),
    warnings: [...warnings],
  };
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
