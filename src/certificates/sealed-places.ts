/** What of certificates is sealed: the archived keys of encryption certificates. An encrypted identifyCode stands in a certificate for good. */
import type { SealedColumn } from '#storage/sealed-places.ts';
import { archivePlace } from './issue-pair.ts';

export const SEALED_OF_CERTIFICATES: readonly SealedColumn[] = [
  { table: 'archived_key', column: 'sealed_key', idColumn: 'serial_hex', idType: 'text', place: archivePlace },
];
