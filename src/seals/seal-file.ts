/** Seals one file of a bulk job: looks at its bytes for what it is, works out the places, puts the seal on. Stores nothing. */
import { type ByteSource, bytesInMemory } from '#documents/container/byte-source.ts';
import { ZipError } from '#documents/container/zip-error.ts';
import { describeOfd } from '#documents/ofd/describe-ofd.ts';
import { openOfd } from '#documents/ofd/ofd-package.ts';
import { pageSizesOf } from '#documents/pdf/page-sizes.ts';
import { type PageSize, placeSeal, type SealPlaceRule } from '#documents/seal-place.ts';
import { XmlError } from '#documents/xml/decode-text.ts';
import { Problem } from '#problem.ts';
import { requireFormat } from './job-files.ts';
import { putSealOnOfdTo, putSealOnPdf } from './put-seal.ts';
import type { UsableSeal } from './require-usable-seal.ts';
import type { SealDeps } from './seal-view.ts';

/** Up to this size a file is read once and held; a larger OFD is read where it is needed. */
export const HELD_BYTES = 8 * 1024 * 1024;

/**
 * Hands the sealed file over in parts, an OFD without ever holding it.
 * Throws what `placeSeal`, `sealOfd` and `signPdf` throw: Problems below 500 say what is wrong with this file.
 */
export async function sealFile(
  deps: SealDeps,
  seal: UsableSeal,
  file: ByteSource,
  rule: SealPlaceRule,
  take: (part: Uint8Array) => void,
): Promise<void> {
  const signedAt = deps.clock.now();
  const format = requireFormat(file);
  const source = format === 'pdf' || file.length <= HELD_BYTES ? bytesInMemory(file.read(0, file.length)) : file;
  if (format === 'ofd') {
    await putSealOnOfdTo(deps, seal, source, { stamps: placeSeal(ofdPages(source), seal, rule), signedAt, lock: false }, take);
    return;
  }
  take(await sealPdf(deps, seal, source.read(0, source.length), rule, signedAt));
}

function sealPdf(deps: SealDeps, seal: UsableSeal, pdf: Uint8Array, rule: SealPlaceRule, signedAt: Date): Promise<Uint8Array> {
  const { picturePng: png, widthMm, heightMm } = seal;
  const fieldName = `Seal-${seal.esId}-${signedAt.getTime()}`;
  if (rule.page === 'seam') {
    const seam = { png, widthMm, heightMm, ...(rule.yMm === undefined ? {} : { yMm: Math.max(0, rule.yMm - heightMm / 2) }) };
    return putSealOnPdf(deps, seal, pdf, { seam, signedAt, fieldName });
  }
  const [first, ...others] = placeSeal(pageSizesOf(pdf), seal, rule).map((place) => ({ ...place, png }));
  return putSealOnPdf(deps, seal, pdf, { ...(first ? { stamp: first } : {}), furtherStamps: others, signedAt, fieldName });
}

function ofdPages(source: ByteSource): PageSize[] {
  try {
    const ofd = openOfd(source);
    if (ofd.archive.has('Encryptions.xml'))
      throw new Problem('ofd-not-sealable', { detail: 'The file is encrypted.', detailZh: '文件已加密。' });
    return describeOfd(ofd).documents[0]?.pages ?? [];
  } catch (error) {
    if (error instanceof ZipError || error instanceof XmlError) throw new Problem('ofd-not-readable', { cause: error });
    throw error;
  }
}
