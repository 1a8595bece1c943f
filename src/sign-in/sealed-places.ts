/** What of signing in is sealed: hashes of passwords, and what browsers call themselves. */
import type { SealedColumn } from '#storage/sealed-places.ts';
import { passwordPlace } from './is-right-password.ts';
import { agentPlace } from './sessions.ts';

export const SEALED_OF_SIGN_IN: readonly SealedColumn[] = [
  { table: 'password_credential', column: 'hash', idColumn: 'person_id', idType: 'uuid', place: passwordPlace },
  { table: 'browser_session', column: 'user_agent', idColumn: 'id', idType: 'uuid', place: agentPlace },
];
