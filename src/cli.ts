/**
 * `tongren …`: each command parses its words here, calls one function of `commands/`, and exits as CONTRACT says:
 * 0 good, 1 another verdict, 2 malformed or unreadable input, 3 wrong use.
 */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';

const EXIT_WRONG_USE = 3;

const program = new Command('tongren')
  .description('Unified identity and e-licence trust service / 统一身份与电子证照可信服务')
  .version('0.1.0')
  .exitOverride()
  .showHelpAfterError('(--help shows how / 使用 --help 查看用法)');

const asJson = () => new Option('--json', 'print JSON for programs');
const atTime = () => new Option('--at <time>', 'judge as of this time (RFC 3339) instead of now').argParser(parseTime);

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
  .command('tour')
  .description('walk the journeys on a temporary instance and leave their files')
  .requiredOption('--out <dir>', 'folder for the files')
  .action(async (options: { out: string }) => {
    const { runTour } = await import('./commands/tour.ts');
    process.exitCode = await runTour(options);
  });

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

function parseTime(text: string): Date {
  const time = new Date(text);
  if (Number.isNaN(time.getTime()) || !/^\d{4}-\d\d-\d\d/.test(text))
    throw new InvalidArgumentError('not a time like 2026-06-01T08:00:00Z.');
  return time;
}

for (const command of [program, ...program.commands, ...audit.commands]) command.exitOverride();

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : EXIT_WRONG_USE;
}
