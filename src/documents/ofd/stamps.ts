/** Where seals are drawn on the pages, and with which picture (GB/T 33190 §18.2.3). For drawing: nothing here is verified. */
import { DerError } from '#crypto/der.ts';
import { ZipError } from '#documents/container/zip-error.ts';
import { parseSeal } from '#documents/ses/read-seal.ts';
import { parseSesSignature } from '#documents/ses/read-signature.ts';
import type { SealPicture } from '#documents/ses/seal.ts';
import { XmlError } from '#documents/xml/decode-text.ts';
import type { Box } from './box.ts';
import { type OfdPackage, openOfd } from './ofd-package.ts';
import { directoryOf } from './package-path.ts';
import { readSignatureDescription, type SignatureDescription } from './signature-description.ts';
import { readSignatureList } from './signature-list.ts';

export interface Stamp {
  signatureIndex: number;
  documentIndex: number;
  pageIndex: number;
  /** On the page, millimetres. The picture fills it. */
  boundary: Box;
  /** Visible part, relative to the boundary's top left corner. */
  clip?: Box;
  picture: SealPicture;
}

const MAX_STAMPS = 2000;

/** Stamps in drawing order. Signatures that cannot be read give none. Throws ZipError or XmlError when the package cannot be opened. */
export function stampsOf(ofd: Uint8Array | OfdPackage): Stamp[] {
  const opened = ofd instanceof Uint8Array ? openOfd(ofd) : ofd;
  const stamps: Stamp[] = [];
  let signatureIndex = 0;
  for (const document of opened.documents) {
    const list = readSignatureList(opened, document);
    const directory = document.root ? directoryOf(document.root) : '';
    const pageIds = document.root ? pageIdsOf(opened, document.root) : [];
    for (const listed of list?.signatures ?? []) {
      const index = signatureIndex++;
      const found = listed.entry ? readPicture(opened, listed.entry, directory) : undefined;
      for (const { pageRef, boundary, clip } of found?.description.stamps ?? []) {
        const pageIndex = pageIds.indexOf(pageRef);
        if (!found || pageIndex < 0 || stamps.length >= MAX_STAMPS) continue;
        stamps.push({
          signatureIndex: index,
          documentIndex: document.index,
          pageIndex,
          boundary,
          ...(clip ? { clip } : {}),
          picture: found.picture,
        });
      }
    }
  }
  return stamps;
}

function pageIdsOf(ofd: OfdPackage, root: string): string[] {
  return (ofd.tree(root).child('Pages')?.childrenOf('Page') ?? []).map((page) => page.attribute('ID') ?? '');
}

function readPicture(
  ofd: OfdPackage,
  entry: string,
  documentDirectory: string,
): { description: SignatureDescription; picture: SealPicture } | undefined {
  try {
    const description = readSignatureDescription(ofd, entry, documentDirectory);
    if (description.stamps.length === 0) return undefined;
    const value = description.valueEntry ? pictureOfValue(ofd.read(description.valueEntry)) : undefined;
    const picture = value ?? (description.sealEntry ? parseSeal(ofd.read(description.sealEntry)).picture : undefined);
    return picture ? { description, picture } : undefined;
  } catch (error) {
    if (error instanceof DerError || error instanceof ZipError || error instanceof XmlError) return undefined;
    throw error;
  }
}

function pictureOfValue(value: Uint8Array): SealPicture | undefined {
  try {
    return parseSesSignature(value).toSign.seal.picture;
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return undefined;
  }
}
