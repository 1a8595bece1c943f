/** A SoftHSM2 token of this test alone, made by softhsm2-util in a folder that goes with it. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MODULES = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
];

export interface SoftHsm {
  modulePath: string;
  token: string;
  pin: string;
  /** Where SOFTHSM2_CONF must point in another process. */
  configuration: string;
  remove(): void;
}

/** The module reads SOFTHSM2_CONF when it is first loaded: one token for each test process. */
export function softHsm(): SoftHsm {
  const modulePath = MODULES.find((path) => existsSync(path));
  if (!modulePath) throw new Error('SoftHSM2 is not installed (Debian: apt-get install softhsm2).');
  const folder = mkdtempSync(join(tmpdir(), 'tongren-hsm-'));
  mkdirSync(join(folder, 'tokens'));
  const configuration = join(folder, 'softhsm2.conf');
  writeFileSync(configuration, `directories.tokendir = ${join(folder, 'tokens')}\nobjectstore.backend = file\nlog.level = ERROR\n`);
  process.env['SOFTHSM2_CONF'] = configuration;
  const [token, pin] = ['tongren-test', '314159'];
  const run = spawnSync('softhsm2-util', ['--init-token', '--free', '--label', token, '--so-pin', '27182818', '--pin', pin], {
    encoding: 'utf8',
  });
  if (run.status !== 0) throw new Error(`softhsm2-util: ${run.stderr}`);
  return { modulePath, token, pin, configuration, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
