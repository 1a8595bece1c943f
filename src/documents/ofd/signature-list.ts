/** Signatures.xml: which signatures a document says it has (GB/T 33190 §18.1). */
import type { OfdDocument, OfdPackage } from './ofd-package.ts';
import { directoryOf } from './package-path.ts';

export interface ListedSignature {
  /** xs:ID in the standard; real files also write bare numbers. */
  id: string;
  /** `Seal` when left out. Informative: what the value is decides. */
  type: 'Seal' | 'Sign' | string;
  loc: string;
  /** Entry of Signature.xml; undefined when there is no such file. */
  entry: string | undefined;
  /** GM/T 0099: ID of the base signature that must hold too. */
  relative: string | undefined;
  documentIndex: number;
}

export interface SignatureList {
  entry: string;
  maxSignId: string | undefined;
  signatures: readonly ListedSignature[];
}

/** Undefined when the document has no list. Throws ZipError or XmlError. The pointer must lead to a file. */
export function readSignatureList(ofd: OfdPackage, document: OfdDocument): SignatureList | undefined {
  const { signatures: entry } = document;
  if (!entry) return undefined;
  const tree = ofd.tree(entry);
  const documentDirectory = document.root ? directoryOf(document.root) : '';
  return {
    entry,
    maxSignId: tree.textOf('MaxSignId'),
    // At any depth: some readers take every element of that name, and would draw a seal that nobody judged.
    signatures: tree.descendantsOf('Signature').map((item) => {
      const loc = item.attribute('BaseLoc') ?? '';
      return {
        id: item.attribute('ID') ?? '',
        type: item.attribute('Type') ?? 'Seal',
        loc,
        entry: ofd.find(loc, directoryOf(entry), documentDirectory),
        relative: item.attribute('Relative'),
        documentIndex: document.index,
      };
    }),
  };
}
