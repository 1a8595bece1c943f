/** What of apps and token keys is sealed. */
import type { SealedColumn } from '#storage/sealed-places.ts';
import { secretPlace } from './clients.ts';
import { jwkPlace } from './signing-keys.ts';

export const SEALED_OF_OIDC: readonly SealedColumn[] = [
  { table: 'oidc_client', column: 'sealed_secret', idColumn: 'id', idType: 'text', place: secretPlace },
  { table: 'oidc_signing_key', column: 'sealed_jwk', idColumn: 'kid', idType: 'text', place: jwkPlace },
];
