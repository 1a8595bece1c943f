/** What this room needs, and the names of the keys it works with. */
import type { Suite } from '#crypto/suite.ts';
import type { Clock } from '#ports/clock.ts';
import type { KeyStore } from '#ports/key-store.ts';
import type { Database } from '#storage/database.ts';

export interface CertificateDeps {
  db: Database;
  clock: Clock;
  keys: KeyStore;
  /** Where CRLs and CA certificates are fetched: written into each certificate, so changing it later does not reach old ones. */
  publicOrigin: string;
  /** Into how many parts the lists of an area's authorities go, by area; none by default. */
  crlPartitions?: Readonly<Partial<Record<string, number>>>;
}

/** The suites in which there is a root and an issuing authority. */
export type AuthoritySuite = Extract<Suite, 'sm2-sm3' | 'es256'>;
export const AUTHORITY_SUITES: readonly AuthoritySuite[] = ['sm2-sm3', 'es256'];

const SUITE_LABELS: Record<AuthoritySuite, string> = { 'sm2-sm3': 'sm2', es256: 'p256' };

/** `sm2` or `p256`, as key names have it. */
export function suiteLabel(suite: AuthoritySuite): string {
  return SUITE_LABELS[suite];
}

/** @param partition number of a partition list; absent for the complete one. */
export function crlUrl(publicOrigin: string, keyName: string, partition?: number): string {
  return `${publicOrigin}/crl/${fileOf(keyName, partition)}.crl`;
}

/** Of the delta of that list. */
export function deltaCrlUrl(publicOrigin: string, keyName: string, partition?: number): string {
  return `${publicOrigin}/crl/${fileOf(keyName, partition)}-delta.crl`;
}

function fileOf(keyName: string, partition: number | undefined): string {
  return partition === undefined ? keyName : `${keyName}-part-${partition}`;
}

export function issuerUrl(publicOrigin: string, keyName: string): string {
  return `${publicOrigin}/ca/${keyName}.cer`;
}

/** One responder answers for all authorities: a request names the one it means. */
export function ocspUrl(publicOrigin: string): string {
  return `${publicOrigin}/ocsp`;
}

/** Certificates and CRLs count in whole seconds. */
export function wholeSeconds(date: Date): Date {
  return new Date(Math.floor(date.getTime() / 1000) * 1000);
}
