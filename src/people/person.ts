/** A natural person as this room shows them, and how the sealed row is opened. Only `people/` knows the sealed form. */
import type { FieldCipher } from '#crypto/field-cipher.ts';
import type { Clock } from '#ports/clock.ts';
import type { Database, Prisma } from '#storage/database.ts';
import { type AssuranceLevel, assuranceLevelAt, type Evidence } from './assurance.ts';
import { maskCitizenNumber, maskName, maskPhone } from './mask.ts';

export interface PeopleDeps {
  db: Database;
  clock: Clock;
  fields: FieldCipher;
}

/** Everything in clear: for callers that must print it on a licence or hand it over with consent. Others take `MaskedPerson`. */
export interface PersonView {
  id: string;
  /** Undefined for a person known by phone alone. */
  name: string | undefined;
  citizenNumber: string | undefined;
  /** E.164 */
  phone: string | undefined;
  /** YYYY-MM-DD, from the citizen number. */
  birthDate: string | undefined;
  assuranceLevel: AssuranceLevel;
  evidence: Evidence[];
  createdAt: Date;
  /** Name, else the masked phone: never empty. */
  displayName: string;
  masked: { name: string | undefined; citizenNumber: string | undefined; phone: string | undefined };
}

export interface MaskedPerson {
  id: string;
  displayName: string;
  name: string | undefined;
  citizenNumber: string | undefined;
  phone: string | undefined;
  assuranceLevel: AssuranceLevel;
}

export type PersonRow = Prisma.PersonGetPayload<{ include: { evidence: true } }>;

/** A ciphertext opens only in the column and row it was sealed for. */
export const placeOf = (field: 'name' | 'citizen-number' | 'phone', personId: string) => `person.${field}:${personId}`;

/** Under which a person of this number or phone may stand, first the one that is written now. */
export const citizenNumberIndexes = (fields: FieldCipher, number: string) => fields.blindIndexes('citizen-number', number);
export const phoneIndexes = (fields: FieldCipher, phone: string) => fields.blindIndexes('phone', phone);

export function openPerson(fields: FieldCipher, row: PersonRow, at: Date): PersonView {
  const open = (field: 'name' | 'citizen-number' | 'phone', sealed: Uint8Array | null) =>
    sealed ? fields.openText(placeOf(field, row.id), sealed) : undefined;
  const name = open('name', row.name);
  const citizenNumber = open('citizen-number', row.citizenNumber);
  const phone = open('phone', row.phone);
  const evidence = row.evidence.map(evidenceOf).sort((a, b) => a.at.getTime() - b.at.getTime());
  const masked = {
    name: name === undefined ? undefined : maskName(name),
    citizenNumber: citizenNumber === undefined ? undefined : maskCitizenNumber(citizenNumber),
    phone: phone === undefined ? undefined : maskPhone(phone),
  };
  return {
    id: row.id,
    name,
    citizenNumber,
    phone,
    birthDate: citizenNumber?.replace(/^.{6}(\d{4})(\d{2})(\d{2}).*$/, '$1-$2-$3'),
    assuranceLevel: assuranceLevelAt(evidence, at),
    evidence,
    createdAt: row.createdAt,
    displayName: name ?? masked.phone ?? '—',
    masked,
  };
}

export function maskPerson(view: PersonView): MaskedPerson {
  const { id, assuranceLevel, masked } = view;
  return { id, assuranceLevel, ...masked, displayName: masked.name ?? masked.phone ?? '—' };
}

function evidenceOf(row: PersonRow['evidence'][number]): Evidence {
  return {
    method: row.method as Evidence['method'],
    level: row.level as AssuranceLevel,
    source: row.source,
    at: row.at,
    ...(row.expiresAt ? { expiresAt: row.expiresAt } : {}),
  };
}
