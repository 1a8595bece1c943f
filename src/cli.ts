/**
 * `tongren …`: each command parses its words here, calls one function of `commands/`, and exits as CONTRACT says:
 * 0 good, 1 another verdict, 2 malformed or unreadable input, 3 wrong use.
 */
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';

const EXIT_WRONG_USE = 3;

const program = new Command('tongren')
  .description('Unified identity and e-licence trust service / 统一身份与电子证照可信服务')
  .version('0.1.0')
  .exitOverride()
  .showHelpAfterError('(--help shows how / 使用 --help 查看用法)');

const asJson = () => new Option('--json', 'print JSON for programs');
const atTime = () => new Option('--at <time>', 'judge as of this time (RFC 3339) instead of now').argParser(parseTime);

const pageNumber = () => new Option('--page <number>', 'only this page, from 1').argParser(parsePage);

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
  .option('--policy <oid>', 'acceptable certificate policy; may be given several times', collect, [])
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

const audit = program.command('audit').description('the audit trail');
audit
  .command('verify')
  .description('find a changed, removed, swapped or cut-off audit row')
  .option('--checkpoint <file>', 'a checkpoint exported earlier; proves that nothing before it was cut off or rewritten')
  .addOption(asJson())
  .action(async (options) => {
    const { verifyAudit } = await import('./commands/verify-audit.ts');
    process.exitCode = await verifyAudit(options);
  });
audit
  .command('export')
  .description('write the newest signed checkpoint, to be kept elsewhere')
  .requiredOption('--out <file>', 'where to write it')
  .action(async (options) => {
    const { exportAuditCheckpoint } = await import('./commands/verify-audit.ts');
    process.exitCode = await exportAuditCheckpoint(options);
  });

program
  .command('seal')
  .description('put a seal on every OFD and PDF file of a folder, through the API of a running service; run again it goes on where it was')
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
    const { sealFolder } = await import('./commands/seal.ts');
    process.exitCode = await sealFolder(batch, options);
  });

const pdf = program.command('pdf').description('look into a PDF file, and keep its signatures provable');
pdf
  .command('info')
  .description('revisions, pages, fields, signatures and validation data; nothing is verified')
  .argument('<file>', 'the PDF file')
  .addOption(asJson())
  .action(async (file: string, options) => {
    const { showPdfInfo } = await import('./commands/pdf-info.ts');
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
    const { extendFile } = await import('./commands/pdf-extend.ts');
    process.exitCode = await extendFile(file, options);
  });

const log = program
  .command('log')
  .description('the issuance log: every certificate of ours, in a Merkle tree with signed heads (RFC 6962)');
log
  .command('verify')
  .description('find a changed, removed, reordered, extra or unlogged certificate, a forked head or a cut tail')
  .option('--url <origin>', 'ask this installation over HTTP, as anybody can')
  .option('--database', 'check the database of this installation; the default')
  .option('--head <file>', 'a head exported earlier: the log must still begin with what it saw')
  .option('--certificate <file>', 'this certificate (PEM or DER) must be in the log')
  .option('--trust <pem>', 'with --url: root of that installation; may be given several times', collect, [])
  .addOption(asJson())
  .action(async (options) => {
    const { verifyLog } = await import('./commands/verify-log.ts');
    process.exitCode = await verifyLog(options);
  });
log
  .command('head')
  .description('write the newest signed head, to be kept elsewhere')
  .requiredOption('--out <file>', 'where to write it')
  .option('--url <origin>', 'of this installation, over HTTP')
  .action(async (options) => {
    const { exportLogHead } = await import('./commands/verify-log.ts');
    process.exitCode = await exportLogHead(options);
  });

const trust = program.command('trust').description('the trust list: authorities of others that this installation takes, and for what');
trust
  .command('list')
  .description('the newest signed edition')
  .addOption(asJson())
  .action(async (options) => {
    const { listTrust } = await import('./commands/trust.ts');
    process.exitCode = await listTrust(options);
  });
trust
  .command('export')
  .description('write it for another program')
  .requiredOption('--out <file>', 'where to write it')
  .addOption(new Option('--format <format>', 'the signed list, or its anchors as PEM').choices(['json', 'pem']).default('json'))
  .action(async (options) => {
    const { exportTrust } = await import('./commands/trust.ts');
    process.exitCode = await exportTrust(options);
  });
trust
  .command('check')
  .description('judge a signed trust list: its form, signatures, keys and dates')
  .argument('<file>', 'the list, as /trust/list.json gives it')
  .option('--trust <pem>', 'root of the installation that signed it; may be given several times', collect, [])
  .addOption(atTime())
  .addOption(asJson())
  .action(async (file: string, options) => {
    const { checkTrust } = await import('./commands/trust.ts');
    process.exitCode = await checkTrust(file, options);
  });

const ca = program.command('ca').description('the certificate authorities: key ceremonies, successors, lists of the roots');
const rootFile = () => new Option('--root <file>', 'file with an offline root key; once for each suite').argParser(collect).default([]);
const share = () => new Option('--share <share>', 'a share, or a file with one; as many as the threshold').argParser(collect).default([]);
const shareCount = () => new Option('--shares <number>', 'how many shares to make').argParser(parseCount).makeOptionMandatory();
const threshold = () => new Option('--threshold <number>', 'how many of them restore the keys').argParser(parseCount).makeOptionMandatory();
const suite = () => new Option('--suite <suite>', 'suite of the authority').choices(['sm2-sm3', 'es256']).makeOptionMandatory();
ca.command('init')
  .description('key ceremony: offline roots in both suites, an authority for each area, shares and transcript; before the first start')
  .requiredOption('--out <dir>', 'folder for key files, shares and transcript; take it off this machine afterwards')
  .addOption(shareCount())
  .addOption(threshold())
  .option('--organisation <name>', 'name of the authority in its certificates')
  .option('--province <name>', 'province in its certificates')
  .option('--locality <name>', 'city in its certificates')
  .option('--participant <name>', 'who stood by; may be given several times', collect, [])
  .addOption(asJson())
  .action(async (options) => {
    const { initialiseCa } = await import('./commands/ca.ts');
    process.exitCode = await initialiseCa(options);
  });
ca.command('list')
  .description('authorities, their state, and what must be seen to soon')
  .addOption(asJson())
  .action(async (options) => {
    const { listCa } = await import('./commands/ca.ts');
    process.exitCode = await listCa(options);
  });
ca.command('rotate')
  .description('a new authority for an area; the one before keeps up its lists and issues no more')
  .addOption(
    new Option('--area <area>', 'what it issues for')
      .choices(['persons', 'organisations', 'seals', 'devices', 'services'])
      .makeOptionMandatory(),
  )
  .addOption(suite())
  .option('--compromised', 'the key of the one before is in wrong hands: revoke it and everything it issued')
  .addOption(rootFile())
  .addOption(share())
  .addOption(asJson())
  .action(async (options) => {
    const { rotateAuthority } = await import('./commands/ca.ts');
    process.exitCode = await rotateAuthority(options);
  });
ca.command('revoke')
  .description('revoke an issuing authority, and with it everything it issued')
  .argument('<key>', 'name of its key, as `ca list` shows it')
  .addOption(
    new Option('--reason <reason>', 'why').choices(['ca-compromise', 'cessation-of-operation', 'superseded']).default('ca-compromise'),
  )
  .addOption(rootFile())
  .addOption(share())
  .addOption(asJson())
  .action(async (keyName: string, options) => {
    const { revokeCa } = await import('./commands/ca.ts');
    process.exitCode = await revokeCa({ ...options, keyName });
  });
ca.command('root-crl')
  .description('make the revocation lists of the roots anew, before they end')
  .addOption(rootFile())
  .addOption(share())
  .addOption(asJson())
  .action(async (options) => {
    const { renewRootCrls } = await import('./commands/ca.ts');
    process.exitCode = await renewRootCrls(options);
  });
ca.command('restore-test')
  .description('drill: prove that the shares bring the root keys back; changes nothing')
  .addOption(rootFile())
  .addOption(share())
  .addOption(asJson())
  .action(async (options) => {
    const { testRestore } = await import('./commands/ca.ts');
    process.exitCode = await testRestore(options);
  });
ca.command('reshare')
  .description('the same root keys under a new set of shares; destroy the old files and shares afterwards')
  .requiredOption('--out <dir>', 'folder for the new key files and shares')
  .addOption(shareCount())
  .addOption(threshold())
  .addOption(rootFile())
  .addOption(share())
  .addOption(asJson())
  .action(async (options) => {
    const { reshareRoots } = await import('./commands/ca.ts');
    process.exitCode = await reshareRoots(options);
  });

const keys = program.command('keys').description('signing keys of every kind, and their successors; authorities rotate by `ca rotate`');
keys
  .command('list')
  .description('kind, name, suite and state of each')
  .addOption(asJson())
  .action(async (options) => {
    const { listKeys } = await import('./commands/keys.ts');
    process.exitCode = await listKeys(options);
  });
keys
  .command('rotate')
  .description('make the next key of a kind; running processes follow within a minute, old signatures stay verifiable')
  .addArgument(
    new Argument('<kind>', 'what it signs').choices([
      'ocsp',
      'timestamp',
      'log',
      'trust-list',
      'audit',
      'status-list',
      'receipt',
      'seal-maker',
      'code',
      'token',
    ]),
  )
  .addOption(new Option('--suite <suite>', 'where a kind comes in both').choices(['sm2-sm3', 'es256']).default('es256'))
  .option('--compromised', 'the old key is in wrong hands: revoke its certificates at once')
  .addOption(asJson())
  .action(async (kind: string, options) => {
    const { rotateKey } = await import('./commands/keys.ts');
    process.exitCode = await rotateKey(kind, options);
  });

const ofd = program.command('ofd').description('look into an OFD file; nothing is verified');
ofd
  .command('info')
  .description('documents, pages, metadata, attachments, fonts, signatures')
  .argument('<file>', 'the OFD file')
  .addOption(asJson())
  .action(async (file: string, options) => {
    const { describeOfdFile } = await import('./commands/ofd.ts');
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
    const { printOfdText } = await import('./commands/ofd.ts');
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
    const { renderOfdFile } = await import('./commands/ofd.ts');
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
    const { extractFromOfd } = await import('./commands/ofd.ts');
    process.exitCode = await extractFromOfd(file, options);
  });

const signerLog = program.command('signer-log').description('the log of the signer');
signerLog
  .command('verify')
  .description('find a changed, removed, exchanged or cut-off line in the signer’s log')
  .argument('[files...]', 'its files, or their folder; default: the one in the data folder')
  .option('--head <file>', 'signed heads kept elsewhere, one on each line; may be given several times', collect, [])
  .option('--noted', 'compare with the heads that the audit trail noted as well')
  .option('--key <pem>', 'public key that signs the heads; default: the one this installation knows')
  .addOption(asJson())
  .action(async (files: string[], options) => {
    const { verifySignerLogFiles } = await import('./commands/signer-log.ts');
    process.exitCode = await verifySignerLogFiles(files, options);
  });

program
  .command('tour')
  .description('walk the journeys on a temporary instance and leave their files')
  .requiredOption('--out <dir>', 'folder for the files')
  .action(async (options: { out: string }) => {
    const { runTour } = await import('./commands/tour.ts');
    process.exitCode = await runTour(options);
  });

function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

function parseCount(text: string): number {
  if (!/^[1-9]\d?$/.test(text)) throw new InvalidArgumentError('not a number from 1 to 99.');
  return Number(text);
}

function parsePage(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('not a page number.');
  return Number(text);
}

function parseDpi(text: string): number {
  const dpi = Number(text);
  if (!(dpi >= 18 && dpi <= 1200)) throw new InvalidArgumentError('not between 18 and 1200.');
  return dpi;
}

function parseHours(text: string): number {
  const hours = Number(text);
  if (!(hours > 0)) throw new InvalidArgumentError('not a number of hours above 0.');
  return hours;
}

function parseTime(text: string): Date {
  const time = new Date(text);
  if (Number.isNaN(time.getTime()) || !/^\d{4}-\d\d-\d\d/.test(text))
    throw new InvalidArgumentError('not a time like 2026-06-01T08:00:00Z.');
  return time;
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : EXIT_WRONG_USE;
}
