/**
 * The only plain JavaScript that runs first: an older Node cannot even read our TypeScript, so this checks the version,
 * hands over to the Node that npm installed when there is one, and otherwise says what to do.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const MINIMUM_MAJOR = 22;
const MINIMUM_MINOR = 18;

/**
 * Whether `version` ("24.21.0") can run this program.
 * @param {string} version
 */
export function isSupported(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > MINIMUM_MAJOR || (major === MINIMUM_MAJOR && minor >= MINIMUM_MINOR);
}

/**
 * Calls `run` under a Node that can: here, or in a child process that runs this same script again.
 * @param {() => Promise<void>} run
 */
export async function launch(run) {
  if (isSupported(process.versions.node)) return run();
  const installed = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));
  if (!existsSync(installed)) {
    console.error(
      `Tongren needs Node ${MINIMUM_MAJOR}.${MINIMUM_MINOR} or newer; this is ${process.versions.node}. Run "npm ci" with install scripts allowed: it brings Node 24. / 需要 Node ${MINIMUM_MAJOR}.${MINIMUM_MINOR} 或更高版本，请允许安装脚本后重新执行 npm ci。`,
    );
    process.exit(1);
  }
  const child = spawn(installed, process.argv.slice(1), { stdio: 'inherit' });
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(signal, () => child.kill(signal));
  child.on('exit', (code) => process.exit(code ?? 1));
}
