/** `tongren ca …` and `tongren keys …`. */
import { Argument, type Command, Option } from 'commander';
import { asJson, collect, parseCount, parseWhole } from './command-options.ts';

export function registerAuthorityCommands(program: Command): void {
  const ca = program.command('ca').description('the certificate authorities: key ceremonies, successors, lists of the roots');
  const rootFile = () => new Option('--root <file>', 'file with an offline root key; once for each suite').argParser(collect).default([]);
  const share = () => new Option('--share <share>', 'a share, or a file with one; as many as the threshold').argParser(collect).default([]);
  const shareCount = () => new Option('--shares <number>', 'how many shares to make').argParser(parseCount).makeOptionMandatory();
  const threshold = () =>
    new Option('--threshold <number>', 'how many of them restore the keys').argParser(parseCount).makeOptionMandatory();
  const suite = () => new Option('--suite <suite>', 'suite of the authority').choices(['sm2-sm3', 'es256']).makeOptionMandatory();
  ca.command('init')
    .description('key ceremony: offline roots in both suites, an authority for each area, shares and transcript; before the first start')
    .requiredOption('--out <dir>', 'folder for key files, shares and transcript; take it off this machine afterwards')
    .addOption(shareCount().makeOptionMandatory(false))
    .addOption(threshold().makeOptionMandatory(false))
    .option('--organisation <name>', 'name of the authority in its certificates')
    .option('--province <name>', 'province in its certificates')
    .option('--locality <name>', 'city in its certificates')
    .option('--participant <name>', 'who stood by; may be given several times', collect, [])
    .addOption(rootFile())
    .addOption(share())
    .addOption(asJson())
    .action(async (options) => {
      const { initialiseCa } = await import('./ca.ts');
      process.exitCode = await initialiseCa(options);
    });
  ca.command('list')
    .description('authorities, their state, and what must be seen to soon')
    .addOption(asJson())
    .action(async (options) => {
      const { listCa } = await import('./ca.ts');
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
      const { rotateAuthority } = await import('./ca.ts');
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
      const { revokeCa } = await import('./ca.ts');
      process.exitCode = await revokeCa({ ...options, keyName });
    });
  ca.command('root-crl')
    .description('make the revocation lists of the roots anew, before they end')
    .addOption(rootFile())
    .addOption(share())
    .addOption(asJson())
    .action(async (options) => {
      const { renewRootCrls } = await import('./ca.ts');
      process.exitCode = await renewRootCrls(options);
    });
  ca.command('restore-test')
    .description('drill: prove that the shares bring the root keys back; changes nothing')
    .addOption(rootFile())
    .addOption(share())
    .addOption(asJson())
    .action(async (options) => {
      const { testRestore } = await import('./ca.ts');
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
      const { reshareRoots } = await import('./ca.ts');
      process.exitCode = await reshareRoots(options);
    });
  ca.command('take-offline')
    .description(
      'take roots whose keys are in files of the key store offline: encrypted files and shares, proved, then gone from the store',
    )
    .requiredOption('--out <dir>', 'folder for key files, shares and transcript; take it off this machine afterwards')
    .addOption(shareCount())
    .addOption(threshold())
    .option('--participant <name>', 'who stood by; may be given several times', collect, [])
    .option('--key-folder <dir>', 'folder of keys of a signer of its own')
    .option('--key-secret <file>', 'file with the secret of that signer')
    .addOption(asJson())
    .action(async (options) => {
      const { takeOffline } = await import('./ca-take-offline.ts');
      process.exitCode = await takeOffline(options);
    });

  const keys = program.command('keys').description('signing keys of every kind, and their successors; authorities rotate by `ca rotate`');
  keys
    .command('list')
    .description('kind, name, suite and state of each')
    .addOption(asJson())
    .action(async (options) => {
      const { listKeys } = await import('./list-keys.ts');
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
        'signer-log',
        'code',
        'token',
        'data',
        'index',
      ]),
    )
    .addOption(new Option('--suite <suite>', 'where a kind comes in both').choices(['sm2-sm3', 'es256']).default('es256'))
    .addOption(new Option('--alg <alg>', 'of token keys').choices(['ES256', 'RS256']).default('ES256'))
    .option('--compromised', 'the old key is in wrong hands: its certificates are revoked, and what it signed stops counting, at once')
    .option('--reseal', 'of data keys: what older ones sealed is sealed anew, as by `keys reseal`; --compromised does so too')
    .addOption(asJson())
    .action(async (kind: string, options) => {
      const { rotateKey } = await import('./rotate-keys.ts');
      process.exitCode = await rotateKey(kind, options);
    });
  keys
    .command('reseal')
    .description('seal anew with the newest data key what older ones sealed; the worker does it while everything runs')
    .option('--status', 'only tell how far it is')
    .option('--wait', 'until it has ended')
    .option('--here', 'do it in this process, for an installation that is not running')
    .addOption(asJson())
    .action(async (options) => {
      const { resealKeys } = await import('./reseal-keys.ts');
      process.exitCode = await resealKeys(options);
    });
  keys
    .command('rewrap')
    .description('after a change of TONGREN_SECRET: data keys and key files under the new one; TONGREN_SECRET_BEFORE holds the old')
    .addOption(asJson())
    .action(async (options) => {
      const { rewrapKeys } = await import('./rewrap-keys.ts');
      process.exitCode = await rewrapKeys(options);
    });
  keys
    .command('retire')
    .description('erase an old data key when nothing needs it any more; tells what does')
    .addArgument(new Argument('<kind>', 'kind of key').choices(['data']))
    .argument('<version>', 'its number, as `keys list` shows it', parseWhole)
    .option('--confirm <name>', 'its name once more, data-N: only then it is erased')
    .addOption(
      new Option('--give-up <number>', 'how many damaged values are lost with it: exactly as many as there are').argParser(parseWhole),
    )
    .addOption(asJson())
    .action(async (_kind: string, version: number, options) => {
      const { retireDataKey } = await import('./reseal-keys.ts');
      process.exitCode = await retireDataKey(version, options);
    });
}
