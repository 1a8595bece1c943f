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
}

/** The suites in which there is a root and an issuing authority. */
export type AuthoritySuite = Extract<Suite, 'sm2-sm3' | 'es256'>;
export const AUTHORITY_SUITES: readonly AuthoritySuite[] = ['sm2-sm3', 'es256'];

const SUITE_NAMES: Record<AuthoritySuite, string> = { 'sm2-sm3': 'sm2', es256: 'p256' };

export type AuthorityRole = 'root' | 'issuing';

/** `ca-root-sm2`, `ca-issuing-p256` …: the key in the key store, and the file name in `/crl` and `/ca`. */
export function authorityKeyName(role: AuthorityRole, suite: AuthoritySuite): string {
  return `ca-${role}-${SUITE_NAMES[suite]}`;
}

/** All of them. */
export const AUTHORITY_KEYS: readonly string[] = AUTHORITY_SUITES.flatMap((suite) => [
  authorityKeyName('root', suite),
  authorityKeyName('issuing', suite),
]);

export function crlUrl(publicOrigin: string, keyName: string): string {
  return `${publicOrigin}/crl/${keyName}.crl`;
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
