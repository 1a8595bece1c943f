/**
 * What a command may know of the installation beside it: the trust folder that the service writes, and the database if
 * one is set or running. Commands start no servers.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { LogKey } from '#certificates/log-head.ts';
import { anchorsOf, withListed } from '#certificates/trust-list-anchors.ts';
import type { TrustList } from '#certificates/trust-list-format.ts';
import { readTrustList } from '#certificates/trust-list-read.ts';
import { importPublicKey } from '#crypto/suite.ts';
import { type Certificate, parseCertificate } from '#pki/certificate.ts';
import { type Crl, parseCrl } from '#pki/crl.ts';
import { parsePem } from '#pki/pem.ts';
import type { DatabaseAddress } from '#storage/database.ts';
import { findRunningPostgres } from '#storage/embedded-postgres.ts';

/** Certificates and revocation lists of this installation's own authorities. */
export interface InstalledTrust {
  anchors: Certificate[];
  intermediates: Certificate[];
  crls: Crl[];
  /** Its trust list, when that is signed by a key under these anchors and not out of date. */
  trustList?: TrustList;
}

export const ANCHORS_FILE = 'anchors.pem';
export const INTERMEDIATES_FILE = 'intermediates.pem';
export const AUDIT_KEY_FILE = 'audit-key.pem';
export const TRUST_LIST_FILE = 'trust-list.json';
export const LOG_KEYS_FILE = 'log-keys.pem';

export function trustFolderOf(dataDir: string): string {
  return join(dataDir, 'trust');
}

export function dataDirOf(environment: NodeJS.ProcessEnv): string {
  return resolve(environment['TONGREN_DATA_DIR'] || 'data');
}

/** Reads the trust folder; empty when there is no installation here. */
export function readInstalledTrust(dataDir: string): InstalledTrust {
  const folder = trustFolderOf(dataDir);
  const certificates = (name: string) => {
    const path = join(folder, name);
    return existsSync(path) ? readCertificates(path) : [];
  };
  const crls = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.crl')) : [];
  const anchors = certificates(ANCHORS_FILE);
  const trustList = readInstalledList(join(folder, TRUST_LIST_FILE), anchors);
  return {
    anchors,
    intermediates: certificates(INTERMEDIATES_FILE),
    crls: crls.map((name) => parseCrl(readFileSync(join(folder, name)))),
    ...(trustList ? { trustList } : {}),
  };
}

/** A list that cannot be relied on takes no part: what it would allow is then untrusted, which is the safe side. */
function readInstalledList(path: string, anchors: readonly Certificate[]): TrustList | undefined {
  if (!existsSync(path)) return undefined;
  try {
    const { list, faults } = readTrustList(JSON.parse(readFileSync(path, 'utf8')), { anchors, at: new Date() });
    return faults.length === 0 ? list : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Anchors and intermediates of this installation and of its trust list, with the limits of the latter, for a question about this moment. */
export function trustWithList(installed: InstalledTrust, at: Date): ReturnType<typeof withListed> {
  return withListed(installed, installed.trustList ? anchorsOf(installed.trustList, at) : []);
}

/** Keys that may have signed audit checkpoints; undefined when this installation left none. */
export function readAuditKeys(dataDir: string): Uint8Array[] | undefined {
  const path = join(trustFolderOf(dataDir), AUDIT_KEY_FILE);
  return existsSync(path) ? parsePem(readFileSync(path, 'utf8'), 'PUBLIC KEY') : undefined;
}

/** Keys that may have signed heads of the issuance log; undefined when this installation left none. */
export function readLogKeys(dataDir: string): LogKey[] | undefined {
  const path = join(trustFolderOf(dataDir), LOG_KEYS_FILE);
  if (!existsSync(path)) return undefined;
  return parsePem(readFileSync(path, 'utf8'), 'PUBLIC KEY').flatMap((spki) => {
    const { suite } = importPublicKey(spki);
    return suite === 'es256' || suite === 'sm2-sm3' ? [{ name: '', suite, spki }] : [];
  });
}

/** Every certificate of a PEM file. Throws when there is none or one cannot be read. */
export function readCertificates(path: string): Certificate[] {
  const certificates = parsePem(readFileSync(path, 'utf8'), 'CERTIFICATE').map((der) => parseCertificate(der));
  if (certificates.length === 0) throw new Error(`${path} holds no certificate in PEM. / ${path} 中没有 PEM 证书。`);
  return certificates;
}

/** The database of this installation, when DATABASE_URL names one or the embedded one is running. */
export function findInstalledDatabase(environment: NodeJS.ProcessEnv): DatabaseAddress | undefined {
  const url = environment['DATABASE_URL'];
  return url ? { url } : findRunningPostgres(dataDirOf(environment));
}
