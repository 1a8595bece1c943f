/** One act on one OFD file, in a process of its own: prints the peak of its memory and what was found. `make-…` writes the file first. */
import { readFileSync, statSync } from 'node:fs';
import { BytesInFile } from '#documents/container/byte-source.ts';
import { sealOfd } from '#documents/ofd/seal-ofd.ts';
import { sealOfdFile } from '#documents/ofd/seal-ofd-file.ts';
import { verifyOfd } from '#documents/ofd/verify-ofd.ts';
import { PROVIDER, SealingTown, SIGNED_AT } from '#test/fakes/sample-ofd.ts';
import { writeLargeOfd, writeReferencesOfd } from './large-ofd.ts';

const [act, path = '', out = ''] = process.argv.slice(2);
const town = new SealingTown();
const sealing = async () => ({
  seal: await town.seal(),
  signerCertificate: town.signer.certificate.der,
  signedAt: SIGNED_AT,
  stamps: [{ pageIndex: 0, xMm: 140, yMm: 220, widthMm: 42, heightMm: 42 }],
  provider: PROVIDER,
  lock: true,
  sign: town.signer.sign,
});
let found = '';
if (act === 'make-pages') writeLargeOfd(path, { pages: 200, pictureBytes: 512 * 1024 });
else if (act === 'make-references') writeReferencesOfd(path, { signatures: 99, references: 3000 });
else if (act === 'seal-file') await sealOfdFile(path, out, await sealing());
else if (act === 'seal-memory') found = `${(await sealOfd(readFileSync(path), await sealing())).length}`;
else if (act === 'verify-file') {
  const source = new BytesInFile(path);
  found = JSON.stringify(summary(verifyOfd(source, town.options).report));
  source.close();
} else found = JSON.stringify(summary(verifyOfd(readFileSync(path), town.options).report));

function summary({ verdict, reasons, signatures }: ReturnType<typeof verifyOfd>['report']) {
  return { verdict, reasons, signatures: signatures.length, first: signatures[0] };
}

console.log(
  JSON.stringify({
    act,
    found,
    fileMiB: statSync(path).size / 2 ** 20,
    peakMiB: process.resourceUsage().maxRSS / 1024,
    seconds: performance.now() / 1000,
  }),
);
