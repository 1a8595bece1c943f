import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Makes the data folder ours: one service per folder. A claim left by a killed process is taken over.
 * Returns what gives it back. Throws a plain Error when another service is alive there.
 */
export function claimDataFolder(dataDir: string): () => void {
  mkdirSync(dataDir, { recursive: true });
  const file = join(dataDir, 'tongren.pid');
  const other = existsSync(file) ? Number(readFileSync(file, 'utf8')) : Number.NaN;
  // In a container numbers come again: our own shell may have the number of the process that was killed.
  const isOurs = other === process.pid || other === process.ppid;
  if (Number.isInteger(other) && !isOurs && isTongren(other)) {
    throw new Error(`Tongren is already running on ${dataDir} (process ${other}). / 该数据目录已有运行中的服务（进程 ${other}）。`);
  }
  writeFileSync(file, String(process.pid), { mode: 0o600 });
  return () => rmSync(file, { force: true });
}

/** Whether that process is alive and, where the system tells, is one of ours: numbers are used again after a reboot. */
function isTongren(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  const commandLine = `/proc/${pid}/cmdline`;
  return !existsSync(commandLine) || /start\.js|tongren|main\.ts/.test(readFileSync(commandLine, 'utf8'));
}
