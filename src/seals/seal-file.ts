/** Seals one file of a bulk job: looks at its bytes for what it is, works out the places, puts the seal on. Stores nothing. */
import { ZipError } from '#documents/container/zip-error.ts';
import { describeOfd } from '#documents/ofd/describe-ofd.ts';
import { openOfd } from '#documents/ofd/ofd-package.ts';
import { pageSizesOf } from '#documents/pdf/page-sizes.ts';
import { type PageSize, placeSeal, type SealPlaceRule } from '#documents/seal-place.ts';
import { sniffFormat } from '#documents/verify-document.ts';
import { XmlError } from '#documents/xml/decode-text.ts';
import { Problem } from '#problem.ts';
import { putSealOnOfd, putSealOnPdf } from './put-seal.ts';
import type { UsableSeal } from './require-usable-seal.ts';
import type { SealDeps } from './seal-view.ts';

export type SealableFormat = 'ofd' | 'pdf';

/** Throws Problem `unsupported-media-type` for anything that is neither OFD nor PDF. */
export function formatOf(bytes: Uint8Array): SealableFormat {
  const format = sniffFormat(bytes);
  if (format !== 'ofd' && format !== 'pdf') throw new Problem('unsupported-media-type');
  return format;
}

/** Throws what `placeSeal`, `sealOfd` and `signPdf` throw: Problems below 500 say what is wrong with this file. */
export async function sealFile(deps: SealDeps, seal: UsableSeal, bytes: Uint8Array, rule: SealPlaceRule): Promise<Uint8Array> {
  const signedAt = deps.clock.now();
  if (formatOf(bytes) === 'ofd') {
    return putSealOnOfd(deps, seal, bytes, { stamps: placeSeal(ofdPages(bytes), seal, rule), signedAt, lock: false });
  }
  const { picturePng: png, widthMm, heightMm } = seal;
  const fieldName = `Seal-${seal.esId}-${signedAt.getTime()}`;
  if (rule.page === 'seam') {
    const seam = { png, widthMm, heightMm, ...(rule.yMm === undefined ? {} : { yMm: Math.max(0, rule.yMm - heightMm / 2) }) };
    return putSealOnPdf(deps, seal, bytes, { seam, signedAt, fieldName });
  }
  const [first, ...others] = placeSeal(pageSizesOf(bytes), seal, rule).map((place) => ({ ...place, png }));
  return putSealOnPdf(deps, seal, bytes, { ...(first ? { stamp: first } : {}), furtherStamps: others, signedAt, fieldName });
}

function ofdPages(bytes: Uint8Array): PageSize[] {
  try {
    const ofd = openOfd(bytes);
    if (ofd.archive.has('Encryptions.xml'))
      throw new Problem('ofd-not-sealable', { detail: 'The file is encrypted.', detailZh: '文件已加密。' });
    return describeOfd(ofd).documents[0]?.pages ?? [];
  } catch (error) {
    if (error instanceof ZipError || error instanceof XmlError) throw new Problem('ofd-not-readable', { cause: error });
    throw error;
  }
}
