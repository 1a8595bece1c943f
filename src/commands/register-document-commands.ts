/** `tongren ofd …`, `pdf …` and `seal`: looking into files, and sealing many. */
import { type Command, Option } from 'commander';
import { asJson, collect, pageNumber, parseDpi } from './command-options.ts';

export function registerDocumentCommands(program: Command): void {
  const ofd = program.command('ofd').description('look into an OFD file; nothing is verified');
  ofd
    .command('info')
    .description('documents, pages, metadata, attachments, fonts, signatures')
    .argument('<file>', 'the OFD file')
    .addOption(asJson())
    .action(async (file: string, options) => {
      const { describeOfdFile } = await import('./ofd.ts');
      process.exitCode = await describeOfdFile(file, options);
    });
  ofd
    .command('text')
    .description('the text, in reading order')
    .argument('<file>', 'the OFD file')
    .addOption(pageNumber())
    .option('--fields', 'the items of the data index instead: name and text')
    .addOption(asJson())
    .action(async (file: string, options) => {
      const { printOfdText } = await import('./ofd.ts');
      process.exitCode = await printOfdText(file, options);
    });
  ofd
    .command('render')
    .description('pages as pictures, seals included')
    .argument('<file>', 'the OFD file')
    .requiredOption('--out <file>', 'where to write; several pages get numbers before the extension')
    .addOption(pageNumber())
    .addOption(new Option('--format <format>', 'kind of picture').choices(['png', 'svg']).default('png'))
    .addOption(new Option('--dpi <number>', 'dots per inch of a PNG, 18 to 1200').argParser(parseDpi).default(150))
    .action(async (file: string, options) => {
      const { renderOfdFile } = await import('./ofd.ts');
      process.exitCode = await renderOfdFile(file, options);
    });
  ofd
    .command('extract')
    .description('list the entries, or write some of them; never overwrites a file in a folder')
    .argument('<file>', 'the OFD file')
    .option('--entry <name>', 'this entry, to --out or to standard output')
    .option('--attachments', 'the attachments, into the folder --out')
    .option('--seals', 'the pictures of the seals, into the folder --out')
    .option('--out <path>', 'file or folder to write')
    .action(async (file: string, options) => {
      const { extractFromOfd } = await import('./ofd.ts');
      process.exitCode = await extractFromOfd(file, options);
    });

  const pdf = program.command('pdf').description('look into a PDF file, and keep its signatures provable');
  pdf
    .command('info')
    .description('revisions, pages, fields, signatures and validation data; nothing is verified')
    .argument('<file>', 'the PDF file')
    .addOption(asJson())
    .action(async (file: string, options) => {
      const { showPdfInfo } = await import('./pdf-info.ts');
      process.exitCode = await showPdfInfo(file, options);
    });
  pdf
    .command('extend')
    .description('add validation data and an archive timestamp (PAdES B-T, B-LT, B-LTA), or renew them before they weaken')
    .argument('<file>', 'the signed PDF file')
    .requiredOption('--out <file>', 'where to write the extended file; may be the same file')
    .addOption(
      new Option('--level <level>', 'what to reach; lta always adds a new archive timestamp').choices(['t', 'lt', 'lta']).default('lta'),
    )
    .option('--tsa <url>', 'timestamp authority (RFC 3161); without it, this installation’s own, which must be running')
    .addOption(new Option('--digest <name>', 'digest of the timestamp; by the file’s signatures when left out').choices(['sha256', 'sm3']))
    .option('--trust <pem>', 'further trust anchors (PEM); may be given several times', collect, [])
    .addOption(asJson())
    .action(async (file: string, options) => {
      const { extendFile } = await import('./pdf-extend.ts');
      process.exitCode = await extendFile(file, options);
    });

  program
    .command('seal')
    .description(
      'put a seal on every OFD and PDF file of a folder, through the API of a running service; run again it goes on where it was',
    )
    .requiredOption('--batch <dir>', 'folder with the files')
    .requiredOption('--out <dir>', 'folder for the sealed files and errors.json')
    .requiredOption('--seal <number>', 'number or id of the seal')
    .requiredOption('--client-id <id>', 'the system registered for the organisation, with scopes seals:use and seals:read')
    .requiredOption('--client-key <file>', 'its private key: PEM (PKCS #8) or JWK')
    .option('--url <origin>', 'where the service is', 'http://localhost:3000')
    .option('--page <page>', 'first, last, all, seam (骑缝章) or a number', 'last')
    .option('--at <x,y>', 'centre of the seal in millimetres from left and top; negative from right and bottom')
    .addOption(asJson())
    .action(async ({ batch, ...options }) => {
      const { sealFolder } = await import('./seal.ts');
      process.exitCode = await sealFolder(batch, options);
    });
}
