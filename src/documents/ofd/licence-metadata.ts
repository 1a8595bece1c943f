/** Licence metadata that OFD files carry as CustomDatas (GB/T 36903 names as real producers write them). */
import { DATA_DIGEST_NAME } from '#documents/page/document-metadata.ts';
import { type OfdPackage, openOfd } from './ofd-package.ts';

export interface LicenceMetadata {
  /** 电子证照标识 (GB/T 36904). */
  identifier?: string;
  /** `sha256:…` of the licence's canonical data, where the producer wrote it (ours does). */
  dataDigest?: string;
  customDatas: ReadonlyMap<string, string>;
}

const IDENTIFIER_NAMES = ['证照标识', '电子证照标识', 'ZZBS', 'certificate_identifier'];

/** From the first document that has an identifier. Throws ZipError or XmlError when given bytes that cannot be opened. */
export function licenceMetadataOf(ofd: Uint8Array | OfdPackage): LicenceMetadata {
  const opened = ofd instanceof Uint8Array ? openOfd(ofd) : ofd;
  const customDatas = new Map<string, string>();
  for (const document of opened.documents) {
    for (const [name, value] of document.customDatas) if (name && !customDatas.has(name)) customDatas.set(name, value);
  }
  const identifier = IDENTIFIER_NAMES.map((name) => customDatas.get(name)).find((value) => value);
  const dataDigest = customDatas.get(DATA_DIGEST_NAME);
  return {
    ...(identifier ? { identifier } : {}),
    ...(dataDigest && /^sha256:[0-9a-f]{64}$/.test(dataDigest) ? { dataDigest } : {}),
    customDatas,
  };
}
