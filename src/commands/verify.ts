/** `tongren verify`: judges files by CONTRACT.md, prints for people or programs, keeps nothing. */

import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { systemClock } from '#adapters/system-clock.ts';
import { contractReport } from '#documents/contract-report.ts';
import { DEFAULT_LIMITS, refusedFile, type Verification } from '#documents/verdict.ts';
import { verifyDocument } from '#documents/verify-document.ts';
import { dataDirOf, findInstalledDatabase, type InstalledTrust, readCertificates, readInstalledTrust } from '#edge/installation.ts';
import { findLicenceStatus } from '#licences/find-public-licence.ts';
import type { Certificate } from '#pki/certificate.ts';
import { openDatabase } from '#storage/database.ts';
import { describeVerdict } from './describe-verdict.ts';

export interface VerifyOptions {
  trust: string[];
  at?: Date;
  offline?: boolean;
  requireRevocation?: boolean;
  json?: boolean;
}

const EXIT = { genuine: 0, otherVerdict: 1, unreadable: 2, wrongUse: 3 } as const;

/** Judges one file and prints what was found. Returns the exit code. */
export async function verifyFile(path: string, options: VerifyOptions): Promise<number> {
  let extra: Certificate[];
  try {
    extra = options.trust.flatMap((file) => readCertificates(file));
  } catch (error) {
    console.error(`--trust: ${(error as Error).message}`);
    return EXIT.wrongUse;
  }
  const outcome = await verifyOne(path, options, readInstalledTrust(dataDirOf(process.env)), extra);
  if (!outcome) {
    console.error(`${path} cannot be read. / 无法读取该文件。`);
    return EXIT.unreadable;
  }
  if (!options.offline) await addLicenceStatus(outcome);
  const { report } = outcome;
  console.log(options.json ? JSON.stringify(contractReport(report), null, 2) : describeVerdict(report));
  if (report.verdict === 'malformed') return EXIT.unreadable;
  return report.verdict === 'genuine' ? EXIT.genuine : EXIT.otherVerdict;
}

async function verifyOne(
  path: string,
  options: VerifyOptions,
  installed: InstalledTrust,
  extra: readonly Certificate[],
): Promise<Verification | undefined> {
  const name = basename(path);
  let bytes: Uint8Array;
  try {
    const { size } = await stat(path);
    if (size > DEFAULT_LIMITS.maxFileBytes) return withFile(refusedFile('unknown', 'malformed', 'file-too-large'), name, size);
    bytes = await readFile(path);
  } catch {
    return undefined;
  }
  return verifyDocument(bytes, name, {
    anchors: [...installed.anchors, ...extra],
    // A path may also end at our issuing authority, when that was given by --trust.
    officialAnchors: [...installed.anchors, ...installed.intermediates],
    intermediates: installed.intermediates,
    crls: installed.crls,
    at: options.at ?? new Date(),
    requireRevocation: options.requireRevocation ?? false,
    offline: options.offline ?? false,
  });
}

function withFile(verification: Verification, name: string, bytes: number): Verification {
  return { ...verification, report: { ...verification.report, file: { name, bytes, sha256: '' } } };
}

/** Fills in the licence's state where the database of this installation answers; says nothing when it does not. */
async function addLicenceStatus({ report, licenceIdentifier }: Verification): Promise<void> {
  const address = licenceIdentifier ? findInstalledDatabase(process.env) : undefined;
  if (!address || !licenceIdentifier) return;
  const db = openDatabase(address, { maxConnections: 1 });
  try {
    const found = await findLicenceStatus({ db, clock: systemClock }, licenceIdentifier);
    if (found) report.licence = { ...found, source: 'database' };
  } catch {
    // A database that does not answer leaves the file's verdict as it is.
  } finally {
    await db.$disconnect();
  }
}
