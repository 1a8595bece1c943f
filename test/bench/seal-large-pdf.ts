/**
 * Seals one PDF of 100 MiB to B-LTA, or verifies the one it sealed before (`verify PATH`), and prints the process's peak memory.
 * With `seal PATH` the sealed file is kept there.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { validationDataFrom } from '#documents/pdf/collect-validation-data.ts';
import { signPdf } from '#documents/pdf/sign-pdf.ts';
import { verifyPdf } from '#documents/pdf/verify-pdf.ts';
import { DocumentAuthority } from '#test/fakes/document-authority.ts';
import { buildPdf } from '#test/fakes/sample-pdf.ts';
import { timestampAuthority } from '#test/fakes/timestamp-authority.ts';

const MIB = 1024 * 1024;
const at = new Date();
const authority = new DocumentAuthority({ suite: 'es256' });
const signer = authority.issue('document-signer');
const crls = [authority.crl([], new Date(at.getTime() - 60_000), new Date(at.getTime() + 86_400_000))];

/** Written straight into one buffer: the maker must not be what needs the memory. */
function largePdf(bytes: number): Uint8Array {
  const small = Buffer.from(
    buildPdf([
      '<</Type/Catalog/Pages 2 0 R>>',
      '<</Type/Pages/Kids[3 0 R]/Count 1>>',
      '<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>',
      `<</Length ${bytes}>>\nstream\nHERE\nendstream`,
    ]),
  ).toString('latin1');
  const [head = '', tail = ''] = small.split('HERE');
  const xref = /startxref\n(\d+)/.exec(tail)?.[1] ?? '0';
  const end = tail.replace(`startxref\n${xref}`, `startxref\n${Number(xref) - 4 + bytes}`);
  const file = Buffer.alloc(head.length + bytes + end.length, 0x51);
  file.write(head, 0, 'latin1');
  file.write(end, head.length + bytes, 'latin1');
  return file;
}

const [act = 'seal', path] = process.argv.slice(2);
const file = act === 'verify' ? readFileSync(path ?? '') : largePdf(100 * MIB);
if (act === 'verify') {
  // By an authority it does not know: what is read and digested is the same.
  const { report } = verifyPdf(file, { anchors: [], at: new Date() });
  if (report.signatures.length !== 2) throw new Error('the signatures were not found');
} else {
  const sealed = await signPdf(file, {
    certificates: [signer.certificate.der],
    suite: 'es256',
    signedAt: at,
    fieldName: 'Seal',
    sign: signer.sign,
    timestamp: timestampAuthority(authority.issue('timestamp'), () => at),
    validationData: validationDataFrom({ anchors: [authority.root.certificate], crls, now: () => at }),
    archive: true,
  });
  if (path) writeFileSync(path, sealed);
}
console.log(JSON.stringify({ fileMiB: file.length / MIB, peakMiB: process.resourceUsage().maxRSS / 1024 }));
