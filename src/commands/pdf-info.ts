/** `tongren pdf info`: what a PDF is made of. Whether its signatures are good is for `tongren verify`. */
import { readFile } from 'node:fs/promises';
import { describePdf, type PdfFacts } from '#documents/pdf/describe-pdf.ts';
import { PdfError } from '#documents/pdf/pdf-values.ts';

const EXIT = { done: 0, unreadable: 2 } as const;

export async function showPdfInfo(path: string, { json }: { json?: boolean }): Promise<number> {
  try {
    const facts = describePdf(await readFile(path));
    console.log(json ? JSON.stringify(facts, null, 2) : asText(facts));
    return EXIT.done;
  } catch (error) {
    if (!(error instanceof PdfError) && (error as NodeJS.ErrnoException).code === undefined) throw error;
    console.error(`${path} cannot be read as PDF (${(error as Error).message}). / 无法作为 PDF 读取。`);
    return EXIT.unreadable;
  }
}

function asText({ version, encrypted, pdfA, revisions, pages, fields, signatures, validationData }: PdfFacts): string {
  const sizes = pages.sizes.map(({ widthMm, heightMm, count }) => `${count} × ${widthMm}×${heightMm} mm`).join(', ');
  const { certificates, crls, ocspResponses } = validationData;
  return [
    `PDF ${version}${pdfA ? `, PDF/A-${pdfA}` : ''}${encrypted ? ', encrypted / 已加密' : ''}`,
    `pages / 页: ${pages.count} (${sizes})`,
    `revisions / 版本: ${revisions.map(({ bytes, crossReference }) => `${bytes} (${crossReference})`).join(', ')}`,
    ...fields.map(({ name, type, signed }) => `field / 域: ${name} (${type}${signed ? ', signed / 已签' : ''})`),
    ...signatures.map(
      ({ field, subFilter, coverage, certification, current, contentsBytes }) =>
        `signature / 签名: ${field} ${subFilter}, ${coverage}, ${contentsBytes} bytes${certification ? `, DocMDP ${certification}` : ''}${current ? '' : ', removed / 已移除'}`,
    ),
    `validation data / 验证数据: ${certificates} certificates, ${crls} CRLs, ${ocspResponses} OCSP`,
  ].join('\n');
}
