/** `tongren audit …`, `log …`, `trust …`, `signer-log …`: records, and how anybody checks them. */
import { type Command, Option } from 'commander';
import { asJson, atTime, collect } from './command-options.ts';

export function registerRecordCommands(program: Command): void {
  const audit = program.command('audit').description('the audit trail');
  audit
    .command('verify')
    .description('find a changed, removed, swapped or cut-off audit row')
    .option('--checkpoint <file>', 'a checkpoint exported earlier; proves that nothing before it was cut off or rewritten')
    .addOption(asJson())
    .action(async (options) => {
      const { verifyAudit } = await import('./verify-audit.ts');
      process.exitCode = await verifyAudit(options);
    });
  audit
    .command('export')
    .description('write the newest signed checkpoint, to be kept elsewhere')
    .requiredOption('--out <file>', 'where to write it')
    .action(async (options) => {
      const { exportAuditCheckpoint } = await import('./verify-audit.ts');
      process.exitCode = await exportAuditCheckpoint(options);
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
      const { verifyLog } = await import('./verify-log.ts');
      process.exitCode = await verifyLog(options);
    });
  log
    .command('head')
    .description('write the newest signed head, to be kept elsewhere')
    .requiredOption('--out <file>', 'where to write it')
    .option('--url <origin>', 'of this installation, over HTTP')
    .action(async (options) => {
      const { exportLogHead } = await import('./verify-log.ts');
      process.exitCode = await exportLogHead(options);
    });

  const trust = program.command('trust').description('the trust list: authorities of others that this installation takes, and for what');
  trust
    .command('list')
    .description('the newest signed edition')
    .addOption(asJson())
    .action(async (options) => {
      const { listTrust } = await import('./trust.ts');
      process.exitCode = await listTrust(options);
    });
  trust
    .command('export')
    .description('write it for another program')
    .requiredOption('--out <file>', 'where to write it')
    .addOption(new Option('--format <format>', 'the signed list, or its anchors as PEM').choices(['json', 'pem']).default('json'))
    .action(async (options) => {
      const { exportTrust } = await import('./trust.ts');
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
      const { checkTrust } = await import('./trust.ts');
      process.exitCode = await checkTrust(file, options);
    });

  const signerLog = program.command('signer-log').description('the log of the signer');
  signerLog
    .command('verify')
    .description('find a changed, removed, exchanged or cut-off line in the signer’s log')
    .argument('[files...]', 'its files, or their folder; default: the one in the data folder')
    .option('--head <file>', 'signed heads kept elsewhere, one on each line; may be given several times', collect, [])
    .option('--noted', 'compare with the heads that the audit trail noted as well')
    .option('--key <pem>', 'public key that signs the heads, or several, the oldest first; default: those this installation believes')
    .option('--endorsements <file>', 'links from those keys to their successors, as head-keys.jws beside the log has them')
    .addOption(asJson())
    .action(async (files: string[], options) => {
      const { verifySignerLogFiles } = await import('./signer-log.ts');
      process.exitCode = await verifySignerLogFiles(files, options);
    });
  signerLog
    .command('trust')
    .description('believe a key of the heads that no key before vouches for: after `keys rotate signer-log --compromised`')
    .requiredOption(
      '--key <pem>',
      'the new public key, brought from the signer’s machine (head-key.pem beside its log; the last in it counts)',
    )
    .addOption(asJson())
    .action(async (options) => {
      const { trustLogKey } = await import('./trust-log-key.ts');
      process.exitCode = await trustLogKey(options);
    });
  program
    .command('operators')
    .description('who runs the installation')
    .command('appoint')
    .description('the first operators, at least two, once; everybody else is appointed by them')
    .requiredOption(
      '--file <file>',
      'JSON: {"organisation": {name, uscc, divisionCode}, "operators": [{name, citizenNumber, phone}, …]}; delete it afterwards',
    )
    .action(async (options: { file: string }) => {
      const { appointFirstOperators } = await import('./first-operators.ts');
      process.exitCode = await appointFirstOperators(options);
    });
}
