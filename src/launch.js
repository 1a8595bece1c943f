/**
 * The only plain JavaScript here: an older Node cannot even read our TypeScript, so this checks the version first,
 * hands over to the Node that npm installed when there is one, and otherwise says what to do.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const MINIMUM = [22, 18];

/**
 * Whether `version` ("24.21.0") can run this program.
 * @param {string} version
 */
export function isSupported(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1]);
}

/**
 * Runs a module of this folder under a Node that can.
 * @param {string} name for example `main.ts`
 */
export async function launch(name) {
  if (isSupported(process.versions.node)) {
    await import(new URL(name, import.meta.url).href);
    return;
  }
  const installed = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));
  if (!existsSync(installed)) {
    console.error(
      `Tongren needs Node ${MINIMUM.join('.')} or newer; this is ${process.versions.node}. Run "npm ci" with install scripts allowed: it brings Node 24. / 需要 Node ${MINIMUM.join('.')} 或更高版本，请允许安装脚本后重新执行 npm ci。`,
    );
    process.exit(1);
  }
  const child = spawn(installed, [fileURLToPath(new URL(name, import.meta.url)), ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
}
