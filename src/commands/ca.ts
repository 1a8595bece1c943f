/**
 * `tongren ca …`: the ceremonies at which a root's key is used. The key is made, or put together from shares, in the memory of this
 * process, and overwritten at its end; what is written are encrypted files, shares, and a transcript for those who stood by.
 */
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { systemClock } from '#adapters/system-clock.ts';
import { type Authority, isRoot, listAuthorities } from '#certificates/authorities.ts';
import type { CertificateDeps } from '#certificates/certificate-deps.ts';
import {
  authorityWarnings,
  ceremonyState,
  initialiseOfflineRoots,
  publishRootCrl,
  revokeAuthority,
  type Succession,
  succeedAuthority,
} from '#certificates/hold-ceremony.ts';
import { generateRoots, openRoots, type RootKeyFile, sealRoots } from '#certificates/root-vault.ts';
import { SecretShareError } from '#crypto/secret-shares.ts';
import { type OpenInstallation, openInstallation } from '#edge/open-installation.ts';
import type { RevocationReason } from '#pki/crl.ts';
import { nameToString } from '#pki/name.ts';
import { CATALOGUE, Problem } from '#problem.ts';
import { type Transcript, writeTranscript } from './ca-transcript.ts';
import { fileFault } from './file-fault.ts';
import {
  proveKey,
  proveRestored,
  type RootAccess,
  readAccess,
  readText,
  type WrittenFile,
  withOpenRoots,
  writeRootFiles,
  writtenFile,
} from './root-files.ts';

export const EXIT = { good: 0, refused: 1, unreadable: 2, wrongUse: 3 } as const;

export interface InitOptions extends RootAccess {
  out: string;
  shares?: number;
  threshold?: number;
  organisation?: string;
  province?: string;
  locality?: string;
  participant: string[];
  json?: boolean;
}

/**
 * `ca init`: new offline roots in both suites, an authority for each area, shares, transcript. Refuses where a ceremony was held; one
 * that was cut off goes on with the root files and shares it left (`root`, `share`).
 */
export function initialiseCa(options: InitOptions): Promise<number> {
  return inInstallation(async ({ config, deps }) => {
    if (config.production && !config.origin.startsWith('https:'))
      return fail(
        EXIT.refused,
        'Set TONGREN_ORIGIN first: its addresses stay in the authorities’ certificates for good. / 请先设置 TONGREN_ORIGIN：其地址将永久写入各签发机构证书。',
      );
    const state = await ceremonyState(deps);
    if (state === 'held') return fail(EXIT.refused, 'This installation has a root already. / 本系统已有根证书。');
    const isResumed = options.root.length > 0;
    if (state === 'cut-off' && !isResumed)
      return fail(
        EXIT.refused,
        'A ceremony was cut off here: go on with the root files and shares it left (--root, --share). / 此前的仪式中断，请用其留下的根密钥文件和份额（--root、--share）继续。',
      );
    if (isResumed) return resumeCeremony(deps, options);
    const { shares: count, threshold } = options;
    if (!count || !threshold)
      return fail(EXIT.wrongUse, '--shares and --threshold say how many shares. / 请用 --shares 和 --threshold 指定份额数。');
    await mkdir(options.out, { recursive: true, mode: 0o700 });
    const roots = generateRoots();
    try {
      const { files, shares } = sealRoots(roots.keys, { shares: count, threshold });
      const written = await writeRootFiles(options.out, files, shares);
      // Before anything relies on these keys: they come back from what was written.
      await proveRestored(options.out, files, shares);
      return await holdCeremony(withOpenRoots(deps, roots), options, { file: files[0], written });
    } finally {
      roots.close();
    }
  });
}

async function resumeCeremony(deps: CertificateDeps, options: InitOptions): Promise<number> {
  const { files, shares } = await readAccess(options);
  const roots = openRoots(files, shares);
  try {
    for (const file of files) await proveKey(roots, file);
    const written = await Promise.all(options.root.map(async (path) => writtenFile(basename(path), await readText(path))));
    await mkdir(options.out, { recursive: true, mode: 0o700 });
    return await holdCeremony(withOpenRoots(deps, roots), options, { file: files[0], written });
  } finally {
    roots.close();
  }
}

async function holdCeremony(
  deps: CertificateDeps,
  { out, organisation, province, locality, participant, json }: InitOptions,
  { file, written }: { file: RootKeyFile | undefined; written: WrittenFile[] },
): Promise<number> {
  const naming = { ...(organisation ? { organisation } : {}), ...(province ? { province } : {}), ...(locality ? { locality } : {}) };
  const authorities = await initialiseOfflineRoots(deps, naming, 'system:ceremony');
  const transcript = { ...transcriptOf('init', participant, file, authorities), files: written };
  await writeTranscript(out, transcript);
  tell(transcript, json);
  return EXIT.good;
}

/** `ca restore-test`: proves that the shares bring the keys back; writes and changes nothing. */
export async function testRestore({ root, share, json }: RootAccess & { json?: boolean }): Promise<number> {
  return guarded(async () => {
    const { files, shares } = await readAccess({ root, share });
    if (files.length === 0) return fail(EXIT.wrongUse, '--root names the files with the root keys. / 请用 --root 指定根密钥文件。');
    const roots = openRoots(files, shares);
    try {
      for (const file of files) await proveKey(roots, file);
    } finally {
      roots.close();
    }
    const names = files.map(({ keyName }) => keyName);
    const used = shares.map(({ index }) => index);
    console.log(
      json
        ? JSON.stringify({ restored: names, shares: used })
        : `restored / 可恢复: ${names.join(', ')} (shares / 份额 ${used.join(', ')})`,
    );
    return EXIT.good;
  });
}

/** `ca reshare`: the same keys under a new set of shares; the old set opens the old files only, which should then be destroyed. */
export async function reshareRoots(
  options: RootAccess & { out: string; shares: number; threshold: number; json?: boolean },
): Promise<number> {
  return guarded(async () => {
    const { files, shares } = await readAccess(options);
    const roots = openRoots(files, shares);
    try {
      await mkdir(options.out, { recursive: true, mode: 0o700 });
      const made = sealRoots(roots.keys, { shares: options.shares, threshold: options.threshold });
      const written = await writeRootFiles(options.out, made.files, made.shares);
      await proveRestored(options.out, made.files, made.shares);
      console.log(options.json ? JSON.stringify({ files: written }) : written.map(({ name }) => join(options.out, name)).join('\n'));
      return EXIT.good;
    } finally {
      roots.close();
    }
  });
}

/** `ca rotate`: a new authority for an area; `compromised` revokes the one before. */
export function rotateAuthority(options: RootAccess & Omit<Succession, 'by'> & { json?: boolean }): Promise<number> {
  return withRootOpen(options, async (deps) => {
    const { before, after } = await succeedAuthority(deps, { ...options, by: 'system:ceremony' });
    const said = { before: before?.keyName ?? null, after: after.keyName, fingerprint: after.certificate.fingerprint };
    console.log(options.json ? JSON.stringify(said) : `${said.before ?? '—'} → ${said.after} (SHA-256 ${said.fingerprint})`);
    return EXIT.good;
  });
}

/** `ca root-crl`: the roots' lists anew, before they end. */
export function renewRootCrls(options: RootAccess & { json?: boolean }): Promise<number> {
  return withRootOpen(options, async (deps) => {
    const published: { keyName: string; number: string; nextUpdate: string }[] = [];
    for (const authority of (await listAuthorities(deps)).filter(isRoot)) {
      const { number, nextUpdate } = await publishRootCrl(deps, authority);
      published.push({ keyName: authority.keyName, number: String(number), nextUpdate: nextUpdate.toISOString() });
    }
    if (options.json) console.log(JSON.stringify(published, null, 2));
    else for (const { keyName, number, nextUpdate } of published) console.log(`${keyName}: #${number}, until / 有效至 ${nextUpdate}`);
    return EXIT.good;
  });
}

/** `ca revoke`: an issuing authority, and with it everything it issued. */
export function revokeCa(options: RootAccess & { keyName: string; reason: RevocationReason; json?: boolean }): Promise<number> {
  return withRootOpen(options, async (deps) => {
    if (!(await listAuthorities(deps)).some(({ keyName }) => keyName === options.keyName))
      return fail(
        EXIT.refused,
        `No authority is called ${options.keyName}: see \`ca list\`. / 没有名为 ${options.keyName} 的证书机构，见 ca list。`,
      );
    const { number } = await revokeAuthority(deps, { keyName: options.keyName, reason: options.reason, by: 'system:ceremony' });
    console.log(
      options.json
        ? JSON.stringify({ revoked: options.keyName, crl: String(number) })
        : `${options.keyName} revoked / 已吊销 (CRL #${number})`,
    );
    return EXIT.good;
  });
}

/** `ca list`: authorities, their state, and what must be seen to soon. */
export function listCa({ json }: { json?: boolean }): Promise<number> {
  return inInstallation(async ({ config, deps }) => {
    const authorities = (await listAuthorities(deps)).map(describe);
    const warnings = await authorityWarnings({ ...deps, production: config.production });
    if (json) console.log(JSON.stringify({ authorities, warnings }, null, 2));
    else {
      if (authorities.length === 0)
        console.log('No authority yet: hold the key ceremony, `tongren ca init`. / 尚无证书机构，请先执行 tongren ca init。');
      for (const { keyName, state, notAfter, fingerprint } of authorities)
        console.log(`${keyName.padEnd(26)} ${state.padEnd(8)} ${notAfter.slice(0, 10)}  ${fingerprint}`);
      for (const { keyName, what, at } of warnings) console.log(`! ${keyName}: ${what}${at ? ` ${at.toISOString().slice(0, 10)}` : ''}`);
    }
    return EXIT.good;
  });
}

function withRootOpen(access: RootAccess, act: (deps: CertificateDeps) => Promise<number>): Promise<number> {
  return inInstallation(async ({ deps }) => {
    const { files, shares } = await readAccess(access);
    // Roots in the key store need no shares: a development installation, or one before its ceremony.
    if (files.length === 0) return act(deps);
    const roots = openRoots(files, shares);
    try {
      for (const file of files) await proveKey(roots, file);
      return await act(withOpenRoots(deps, roots));
    } finally {
      roots.close();
    }
  });
}

export function transcriptOf(
  act: Transcript['act'],
  participants: readonly string[],
  file: RootKeyFile | undefined,
  authorities: readonly Authority[],
): Omit<Transcript, 'files'> {
  return {
    act,
    at: systemClock.now().toISOString(),
    participants: [...participants],
    shareSet: file?.shareSet ?? '',
    threshold: file?.threshold ?? 0,
    shares: file?.shares ?? 0,
    authorities: authorities.map(describe),
  };
}

function describe({ keyName, area, suite, state, certificate }: Authority) {
  return {
    keyName,
    area,
    suite,
    state,
    subject: nameToString(certificate.subject),
    serial: certificate.serialHex,
    notBefore: certificate.notBefore.toISOString(),
    notAfter: certificate.notAfter.toISOString(),
    fingerprint: certificate.fingerprint,
  };
}

export function tell(transcript: Transcript, json: boolean | undefined): void {
  if (json) {
    console.log(JSON.stringify(transcript, null, 2));
    return;
  }
  for (const { keyName, fingerprint } of transcript.authorities) console.log(`${keyName.padEnd(26)} SHA-256 ${fingerprint}`);
  console.log(
    `\n${transcript.shares} shares, ${transcript.threshold} restore the roots. Give each to its keeper, take the files off this machine.`,
  );
  console.log(`共 ${transcript.shares} 份，任意 ${transcript.threshold} 份可恢复。请分别交给保管人，并将文件移出本机。`);
}

export async function inInstallation(act: (installation: OpenInstallation) => Promise<number>): Promise<number> {
  return guarded(async () => {
    const installation = await openInstallation(process.env);
    try {
      return await act(installation);
    } finally {
      await installation.close();
    }
  });
}

/** Whatever is wrong is said in a sentence. */
async function guarded(act: () => Promise<number>): Promise<number> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof SecretShareError) return fail(EXIT.refused, error.message);
    if (error instanceof Problem) {
      const detail =
        error.code === 'key-not-found' || error.code === 'key-retired'
          ? 'The root’s key is not here: bring --root and --share. / 根密钥不在本机，请提供 --root 和 --share。'
          : `${error.message} / ${error.detailZh ?? CATALOGUE[error.code][2]}`;
      return fail(EXIT.refused, `${detail} [${error.code}]`);
    }
    const { code } = error as NodeJS.ErrnoException;
    return fail(code === 'ENOENT' || code === 'EEXIST' ? EXIT.unreadable : EXIT.refused, fileFault(error));
  }
}

export function fail(code: number, sentence: string): number {
  console.error(sentence);
  return code;
}
