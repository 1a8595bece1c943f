/** The register of everything that is sealed with data keys: what a pass goes through before an old key may be erased. */
import { SEALED_OF_CERTIFICATES } from '#certificates/sealed-places.ts';
import { SEALED_LICENCE_FILES, SEALED_OF_LICENCES } from '#licences/sealed-places.ts';
import { SEALED_OF_OIDC } from '#oidc/sealed-places.ts';
import { SEALED_OF_PEOPLE } from '#people/sealed-places.ts';
import { SEALED_JOB_FILES, SEALED_OF_SEAL_JOBS } from '#seals/sealed-places.ts';
import { SEALED_OF_SIGN_IN } from '#sign-in/sealed-places.ts';
import type { SealedColumn, SealedFiles } from '#storage/sealed-places.ts';

export const SEALED_COLUMNS: readonly SealedColumn[] = [
  ...SEALED_OF_PEOPLE,
  ...SEALED_OF_SIGN_IN,
  ...SEALED_OF_CERTIFICATES,
  ...SEALED_OF_OIDC,
  ...SEALED_OF_LICENCES,
  ...SEALED_OF_SEAL_JOBS,
];

export const SEALED_FILES: readonly SealedFiles[] = [SEALED_LICENCE_FILES, SEALED_JOB_FILES];

/** Name in the register. */
export const nameOfColumn = ({ table, column }: SealedColumn) => `${table}.${column}`;
