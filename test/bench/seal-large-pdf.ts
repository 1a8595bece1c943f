/** Seals one PDF of 100 MiB to B-LTA and prints the process's peak memory. */
import { validationDataFrom } from '#documents/pdf/collect-validation-data.ts';
import { signPdf } from '#documents/pdf/sign-pdf.ts';
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

const file = largePdf(100 * MIB);
await signPdf(file, {
  certificates: [signer.certificate.der],
  suite: 'es256',
  signedAt: at,
  fieldName: 'Seal',
  sign: signer.sign,
  timestamp: timestampAuthority(authority.issue('timestamp'), () => at),
  validationData: validationDataFrom({ anchors: [authority.root.certificate], crls, now: () => at }),
  archive: true,
});
console.log(JSON.stringify({ fileMiB: file.length / MIB, peakMiB: process.resourceUsage().maxRSS / 1024 }));
