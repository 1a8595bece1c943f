/**
 * `tongren …`: each command parses its words here or beside here, calls one function of `commands/`, and exits as CONTRACT says:
 * 0 good, 1 another verdict, 2 malformed or unreadable input, 3 wrong use.
 */
import { Command, CommanderError, Option } from 'commander';
import { asJson, atTime, collect, collectOid, parseHours } from './commands/command-options.ts';
import { registerAuthorityCommands } from './commands/register-authority-commands.ts';
import { registerDocumentCommands } from './commands/register-document-commands.ts';
import { registerRecordCommands } from './commands/register-record-commands.ts';

const EXIT_WRONG_USE = 3;

const program = new Command('tongren')
  .description('Unified identity and e-licence trust service / 统一身份与电子证照可信服务')
  .version('0.1.0')
  .exitOverride()
  .showHelpAfterError('(--help shows how / 使用 --help 查看用法)');

program
  .command('start')
  .description('run the service; settings come from the environment')
  .option('--tls', 'serve https with a certificate of the development CA')
  .action(async (options: { tls?: boolean }) => {
    const { startService } = await import('./main.ts');
    await startService(options);
  });

program
  .command('verify')
  .description('who sealed an OFD, PDF or seal file, when, whether it was changed, and whether the licence is in force')
  .argument('<files...>', 'the file; of two or more it is also said whether they show one licence')
  .option('--trust <pem>', 'further trust anchors (PEM); may be given several times', collect, [])
  .addOption(atTime())
  .option('--offline', 'fetch nothing and ask no database')
  .option('--require-revocation', 'revocation that cannot be learnt makes the verdict not-valid')
  .addOption(asJson())
  .action(async (files: string[], options) => {
    const { verifyFiles } = await import('./commands/verify.ts');
    process.exitCode = await verifyFiles(files, options);
  });

program
  .command('verify-code')
  .description('read a licence code: its digits, or its short number when online')
  .argument('<digits>', 'digits of the code, or - to read them from standard input')
  .option('--offline', 'judge by keys and status list alone')
  .option('--keys <file>', 'code-keys.json of the issuer')
  .option('--status <file>', 'status-list.json of the issuer')
  .addOption(atTime())
  .addOption(asJson())
  .action(async (digits: string, options) => {
    const { verifyCode } = await import('./commands/verify-code.ts');
    process.exitCode = await verifyCode(digits, options);
  });

program
  .command('verify-certificate')
  .description('is there a valid path from a certificate to a trusted authority, and if not, what is wrong with which certificate')
  .argument('<file>', 'the certificate, PEM or DER; others in the file help to build the path')
  .option('--intermediates <file>', 'further certificates for the path, trusted for nothing; may be given several times', collect, [])
  .option('--trust <file>', 'trust anchors; may be given several times; without it, those of this installation', collect, [])
  .option('--crl <file>', 'revocation lists, complete or delta; may be given several times', collect, [])
  .option('--ocsp <file>', 'OCSP response; may be given several times', collect, [])
  .addOption(atTime())
  .addOption(
    new Option('--purpose <name>', 'what the certificate is to be used for').choices([
      'any',
      'seal',
      'document-signing',
      'code-signing',
      'timestamp',
      'ocsp',
      'server',
      'client',
      'email',
      'ca',
    ]),
  )
  .option('--host <name>', 'host name, IP address or mailbox that the certificate must name')
  .option('--policy <oid>', 'acceptable certificate policy; may be given several times', collectOid, [])
  .option('--explicit-policy', 'the path must be valid for an acceptable policy (the default with --policy)')
  .option('--no-explicit-policy', 'it need not, unless an authority on the path requires it')
  .option('--inhibit-policy-mapping', 'policies of one authority do not stand for those of another')
  .option('--inhibit-any-policy', 'anyPolicy stands for no policy')
  .addOption(
    new Option(
      '--rules <name>',
      'what certificates must keep to: path validation alone, every MUST of RFC 5280, or those of web servers',
    ).choices(['path', 'rfc5280', 'tls']),
  )
  .option(
    '--require-revocation',
    'not knowing whether a certificate was revoked refuses (with --crl or --ocsp the default for the leaf, and where an issuer has a list)',
  )
  .option('--no-require-revocation', 'not knowing is told and does not refuse')
  .option('--max-age <hours>', 'revocation lists and answers older than this say nothing good', parseHours)
  .option('--accept-weak', 'SHA-1, DSA and short RSA keys count: for old archives only')
  .addOption(asJson())
  .action(async (file: string, { maxAge, ...options }) => {
    const { verifyCertificate } = await import('./commands/verify-certificate.ts');
    process.exitCode = verifyCertificate(file, { ...options, ...(maxAge === undefined ? {} : { maxAgeHours: maxAge }) });
  });

registerDocumentCommands(program);
registerAuthorityCommands(program);
registerRecordCommands(program);

program
  .command('tour')
  .description('walk the journeys on a temporary instance and leave their files')
  .requiredOption('--out <dir>', 'folder for the files')
  .action(async (options: { out: string }) => {
    const { runTour } = await import('./commands/tour.ts');
    process.exitCode = await runTour(options);
  });

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : EXIT_WRONG_USE;
}
