/** `tongren verify`: judges files by CONTRACT.md, prints for people or programs, keeps nothing. */

import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { systemClock } from '#adapters/system-clock.ts';
import { contractReport } from '#documents/contract-report.ts';
import { compareLicences, type LicenceComparison } from '#documents/same-licence.ts';
import { DEFAULT_LIMITS, type FileVerdict, refusedFile, type Verification } from '#documents/verdict.ts';
import { verifyDocument } from '#documents/verify-document.ts';
import {
  dataDirOf,
  findInstalledDatabase,
  type InstalledTrust,
  readCertificates,
  readInstalledTrust,
  trustWithList,
} from '#edge/installation.ts';
import { findLicenceStatus } from '#licences/find-public-licence.ts';
import type { Certificate } from '#pki/certificate.ts';
import { openDatabase } from '#storage/database.ts';
import { describeComparison, describeVerdict } from './describe-verdict.ts';
import { fileFault } from './file-fault.ts';

export interface VerifyOptions {
  trust: string[];
  at?: Date;
  offline?: boolean;
  requireRevocation?: boolean;
  json?: boolean;
}

const EXIT = { genuine: 0, otherVerdict: 1, unreadable: 2, wrongUse: 3 } as const;

/**
 * Judges files and prints what was found: one report for one file; for several, each report and whether they show one licence.
 * Returns the exit code, of the worst file when there are several; two files that show different licences give 1.
 */
export async function verifyFiles(paths: readonly string[], options: VerifyOptions): Promise<number> {
  let extra: Certificate[];
  try {
    extra = options.trust.flatMap((file) => readCertificates(file));
  } catch (error) {
    console.error(`--trust: ${fileFault(error)}`);
    return EXIT.wrongUse;
  }
  const installed = readInstalledTrust(dataDirOf(process.env));
  const outcomes: Verification[] = [];
  for (const path of paths) {
    const outcome = await verifyOne(path, options, installed, extra);
    if (!outcome) {
      console.error(`${path} cannot be read. / 无法读取该文件。`);
      return EXIT.unreadable;
    }
    if (!options.offline) await addLicenceStatus(outcome);
    outcomes.push(outcome);
  }
  const comparison = outcomes.length > 1 ? compareLicences(outcomes) : undefined;
  const reports = outcomes.map(({ report }) => report);
  if (options.json) console.log(JSON.stringify(asJson(reports, comparison), null, 2));
  else console.log([...reports.map(describeVerdict), ...(comparison ? [describeComparison(comparison)] : [])].join('\n'));
  if (reports.some(({ verdict }) => verdict === 'malformed')) return EXIT.unreadable;
  const isGood = reports.every(({ verdict }) => verdict === 'genuine') && comparison?.verdict !== 'different';
  return isGood ? EXIT.genuine : EXIT.otherVerdict;
}

function asJson(reports: readonly FileVerdict[], comparison: LicenceComparison | undefined): object | undefined {
  const files = reports.map(contractReport);
  return comparison ? { files, sameLicence: comparison } : files[0];
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
  const at = options.at ?? new Date();
  const trust = trustWithList(installed, at);
  return verifyDocument(bytes, name, {
    ...trust,
    anchors: [...trust.anchors, ...extra],
    // A path may also end at our issuing authority, when that was given by --trust.
    officialAnchors: [...trust.officialAnchors, ...installed.intermediates],
    crls: installed.crls,
    at,
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
