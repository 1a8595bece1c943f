/**
 * How this process comes to its keys: by way of the signer elsewhere, or, when it has the signer role, from its own store behind
 * the guard. Nothing else in the program opens a store of trust keys.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileKeyStore } from '#adapters/file-keys.ts';
import { keysBySuite } from '#adapters/keys-by-suite.ts';
import { pkcs11KeyStore } from '#adapters/pkcs11-keys.ts';
import { logHeadOf, type RemoteSigner, remoteSigner } from '#adapters/remote-signer.ts';
import { systemClock } from '#adapters/system-clock.ts';
import type { Config } from '#config.ts';
import type { KeyStore } from '#ports/key-store.ts';
import { type GuardedKeyStore, guardedKeyStore } from '#signer/guarded-key-store.ts';
import { keepLogHeads, type LogHeads } from '#signer/keep-log-heads.ts';
import type { SignerLogLine } from '#signer/log-line.ts';
import { openPolicyFile, type PolicyFile } from '#signer/policy-file.ts';
import { openSignerLog } from '#signer/signer-log.ts';
import { claimDataFolder } from './claim-data-folder.ts';
import { SIGNER_LOG_FOLDER } from './signer-log-place.ts';

/** With keys of their own in one data folder. */
const MOST_SIGNERS = 16;
const LOOK_AT_FILES_EVERY_MS = 10_000;

type SignerSettings = Config['signer'];
type SignerConfig = Pick<Config, 'dataDir' | 'secret' | 'secretBefore' | 'roles' | 'logLevel' | 'signer'>;

export interface OwnKeys {
  keys: GuardedKeyStore;
  heads: LogHeads;
  policy: PolicyFile;
  /** Notes somebody whom nobody knows; at most once a second. */
  noteStranger(): void;
  close(): Promise<void>;
}

/** The keys as the rooms see them, with the head of the signer's log and its key. */
export type RoomKeys = KeyStore & Pick<RemoteSigner, 'logHead' | 'rotateLogKey'>;

/** Throws a plain Error in one sentence when secret, token, PIN, policy or log are not as they should be. */
export async function openKeys(config: SignerConfig): Promise<{ keys: RoomKeys; close: () => Promise<void> }> {
  if (!config.roles.includes('signer')) return { keys: openRemote(config.signer), close: async () => undefined };
  const own = await openOwnKeys(config);
  const logHead = async () => logHeadOf(await own.heads.newest());
  return { keys: { ...own.keys, logHead }, close: own.close };
}

function openRemote({ socketPath, token, url, tlsFiles }: SignerSettings): RemoteSigner {
  if (url && tlsFiles) return remoteSigner({ url, material: freshMaterial(tlsFiles) });
  if (socketPath && token) return remoteSigner({ socketPath, token });
  throw new Error('The way to the signer is not set.');
}

export async function openOwnKeys(config: SignerConfig): Promise<OwnKeys> {
  const { dataDir, secret, signer } = config;
  const files = await fileKeyStore({ folder: join(dataDir, 'keys'), secret });
  const token =
    signer.keys.store === 'pkcs11' ? await pkcs11KeyStore({ ...signer.keys, secret, secretBefore: config.secretBefore }) : undefined;
  const bare = token ? keysBySuite([token, files]) : files;
  const { folder, release } = claimLogFolder(dataDir);
  const clock = systemClock;
  const log = openSignerLog({ folder, now: clock.now });
  const isAlone = config.roles.length === 1 && config.logLevel !== 'silent';
  const tell = (line: SignerLogLine) => {
    if (isAlone || (config.logLevel !== 'silent' && line.event !== 'signed' && line.reason)) console.log(JSON.stringify({ signer: line }));
  };
  const note = async (line: SignerLogLine) => {
    const place = await log.append(line);
    tell(line);
    return place;
  };
  const noteAside = (line: Omit<SignerLogLine, 'at'>) => {
    note({ at: clock.now().toISOString(), ...line }).catch((error: Error) => console.error(error.message));
  };
  const policy = openPolicyFile(signer.policyFile, { tell: noteAside });
  const heads = await keepLogHeads(
    { keys: bare, log: { ...log, append: note }, clock },
    {
      ...{ folder, linksFolder: join(dataDir, SIGNER_LOG_FOLDER) },
      tell: (head) => isAlone && console.log(JSON.stringify({ signerLogHead: head })),
      tellLink: (link) => isAlone && console.log(JSON.stringify({ signerLogKey: link })),
    },
  );
  let strangerAt = Number.NEGATIVE_INFINITY;
  return {
    keys: guardedKeyStore(bare, { clock, log: note, policy: policy.current, rotateLogKey: heads.rotate }),
    heads,
    policy,
    noteStranger() {
      if (performance.now() - strangerAt < 1_000) return;
      strangerAt = performance.now();
      noteAside({ event: 'stranger' });
    },
    async close() {
      policy.close();
      await heads.close();
      await log.close();
      await token?.close();
      release();
    },
  };
}

/**
 * Nobody else has keys of their own in this data folder until this is called again. Throws a plain Error when somebody does: a service, or
 * a command.
 */
export function claimOwnKeys(dataDir: string): () => void {
  const folders = Array.from({ length: MOST_SIGNERS }, (_, index) => logFolderOf(dataDir, index + 1)).filter((folder) =>
    existsSync(folder),
  );
  const releases: (() => void)[] = [];
  try {
    for (const folder of [dataDir, ...folders]) releases.push(claimDataFolder(folder));
  } catch (error) {
    for (const release of releases) release();
    throw error;
  }
  return () => {
    for (const release of releases) release();
  };
}

/** One writer for each log: where several processes with keys of their own share a data folder, each has its own. */
function claimLogFolder(dataDir: string): { folder: string; release: () => void } {
  for (let number = 1; number <= MOST_SIGNERS; number++) {
    const folder = logFolderOf(dataDir, number);
    try {
      return { folder, release: claimDataFolder(folder) };
    } catch {
      // Another process writes there.
    }
  }
  throw new Error('Too many signers share this data folder. / 共用该数据目录的签名进程过多。');
}

const logFolderOf = (dataDir: string, number: number) => join(dataDir, number === 1 ? SIGNER_LOG_FOLDER : `${SIGNER_LOG_FOLDER}-${number}`);

type TlsFiles = NonNullable<SignerSettings['tlsFiles']>;

export function readMaterial({ certificate, key, authority }: TlsFiles) {
  return { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8'), authority: readFileSync(authority, 'utf8') };
}

/** Reads the files again when they were renewed; halves of a pair in the middle of a renewal are not taken. */
function freshMaterial(files: TlsFiles) {
  let current = readMaterial(files);
  let seen = stampOf(files);
  let lookedAt = performance.now();
  return () => {
    if (performance.now() - lookedAt < LOOK_AT_FILES_EVERY_MS) return current;
    lookedAt = performance.now();
    const stamp = stampOf(files);
    if (stamp !== seen) {
      seen = stamp;
      current = readMaterial(files);
    }
    return current;
  };
}

function stampOf(files: TlsFiles): string {
  return Object.values(files)
    .map((path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0)
    .join(' ');
}
