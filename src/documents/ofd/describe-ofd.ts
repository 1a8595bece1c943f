/** What an OFD file holds, as facts for a person or a program: documents, pages, metadata, attachments, fonts, signatures. Nothing is verified. */
import type { XmlElement } from '#documents/xml/read-xml.ts';
import { parseBox } from './box.ts';
import type { OfdDocument, OfdPackage } from './ofd-package.ts';
import { directoryOf } from './package-path.ts';
import { readSignatureDescription } from './signature-description.ts';
import { readSignatureList } from './signature-list.ts';

export interface OfdAttachment {
  name: string;
  format: string;
  /** Entry in the package; null when the path leads nowhere. */
  entry: string | null;
  bytes: number | null;
}

export interface OfdDocumentDescription {
  index: number;
  docId: string | null;
  title: string | null;
  author: string | null;
  creator: string | null;
  creationDate: string | null;
  /** CustomDatas, where licences keep the elements of GB/T 36903. */
  customDatas: { name: string; value: string }[];
  pages: { id: string; widthMm: number; heightMm: number; entry: string | null }[];
  templates: number;
  fonts: { name: string; embedded: boolean }[];
  attachments: OfdAttachment[];
  /** Types of data index (CustomTags). */
  tags: string[];
  signatures: { id: string; type: string; provider: string; method: string | null; signedAt: string | null; stamps: number }[];
}

export interface OfdDescription {
  version: string | null;
  docType: string | null;
  entries: number;
  /** Inflated, all entries together. */
  inflatedBytes: number;
  encrypted: boolean;
  warnings: string[];
  documents: OfdDocumentDescription[];
}

/** Throws ZipError or XmlError for what cannot be read safely. */
export function describeOfd(ofd: OfdPackage): OfdDescription {
  const entries = [...ofd.archive.entries.values()];
  return {
    version: ofd.rootXml.attribute('Version') ?? null,
    docType: ofd.rootXml.attribute('DocType') ?? null,
    entries: entries.length,
    inflatedBytes: entries.reduce((sum, { size }) => sum + size, 0),
    encrypted: ofd.archive.has('Encryptions.xml'),
    warnings: [...ofd.archive.warnings],
    documents: ofd.documents.map((document) => describeDocument(ofd, document)),
  };
}

/** The attachments a document names. Throws ZipError or XmlError. */
export function attachmentsOf(ofd: OfdPackage, document: OfdDocument): OfdAttachment[] {
  if (!document.root) return [];
  const folder = directoryOf(document.root);
  const list = ofd.find(ofd.tree(document.root).textOf('Attachments'), folder);
  if (!list) return [];
  return ofd
    .tree(list)
    .childrenOf('Attachment')
    .map((attachment) => {
      const entry = ofd.find(attachment.textOf('FileLoc'), directoryOf(list), folder);
      return {
        name: attachment.attribute('Name') ?? '',
        format: attachment.attribute('Format') ?? '',
        entry: entry ?? null,
        bytes: entry === undefined ? null : (ofd.archive.entries.get(entry)?.size ?? null),
      };
    });
}

function describeDocument(ofd: OfdPackage, document: OfdDocument): OfdDocumentDescription {
  const info = document.body.child('DocInfo');
  const root = document.root ? ofd.tree(document.root) : undefined;
  const folder = document.root ? directoryOf(document.root) : '';
  const common = root?.child('CommonData');
  const tagIndex = ofd.find(root?.textOf('CustomTags'), folder);
  return {
    index: document.index,
    docId: document.docId ?? null,
    title: info?.textOf('Title') ?? null,
    author: info?.textOf('Author') ?? null,
    creator: info?.textOf('Creator') ?? null,
    creationDate: info?.textOf('CreationDate') ?? null,
    customDatas: document.customDatas.map(([name, value]) => ({ name, value })),
    pages: (root?.child('Pages')?.childrenOf('Page') ?? []).map((page) => describePage(ofd, page, folder, common)),
    templates: common?.childrenOf('TemplatePage').length ?? 0,
    fonts: [...(common?.childrenOf('PublicRes') ?? []), ...(common?.childrenOf('DocumentRes') ?? [])].flatMap(({ text }) =>
      fontsOf(ofd, ofd.find(text, folder)),
    ),
    attachments: attachmentsOf(ofd, document),
    tags: tagIndex
      ? ofd
          .tree(tagIndex)
          .childrenOf('CustomTag')
          .map((tag) => tag.attribute('TypeID') ?? '')
      : [],
    signatures: (readSignatureList(ofd, document)?.signatures ?? []).map(({ id, type, entry }) => {
      const described = entry ? readSignatureDescription(ofd, entry, folder) : undefined;
      return {
        id,
        type,
        provider: described?.provider ?? '',
        method: described?.signatureMethod ?? null,
        signedAt: described?.signatureDateTime ?? null,
        stamps: described?.stamps.length ?? 0,
      };
    }),
  };
}

/** The page's own area wins over the document's (GB/T 33190 §7.5); zero when neither says. */
function describePage(ofd: OfdPackage, page: XmlElement, folder: string, common: XmlElement | undefined) {
  const entry = ofd.find(page.attribute('BaseLoc'), folder);
  const own = entry ? ofd.tree(entry).child('Area') : undefined;
  const box = [own, common?.child('PageArea')].map((area) => parseBox(area?.textOf('PhysicalBox'))).find((found) => found);
  return { id: page.attribute('ID') ?? '', widthMm: box?.widthMm ?? 0, heightMm: box?.heightMm ?? 0, entry: entry ?? null };
}

function fontsOf(ofd: OfdPackage, entry: string | undefined): { name: string; embedded: boolean }[] {
  const fonts = entry ? ofd.tree(entry).childrenOf('Fonts') : [];
  return fonts
    .flatMap((list) => list.childrenOf('Font'))
    .map((font) => ({ name: font.attribute('FontName') ?? '', embedded: font.textOf('FontFile') !== undefined }));
}
