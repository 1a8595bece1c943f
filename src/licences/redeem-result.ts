/** What a counter is told about a code: CONTRACT.md's JSON and more. */
import type { ParsedCode } from '#codes/code-envelope.ts';
import type { CodeType, CodeVerdictWord } from '#codes/code-types.ts';
import type { ShownField } from '#documents/page/mask-field.ts';
import { openPhoto } from './licence-content.ts';
import type { LicenceDeps } from './licence-deps.ts';
import type { LicenceStatus } from './licence-status.ts';
import { codeLicenceTypes } from './licence-types.ts';
import { licenceViewOf } from './licence-view.ts';
import type { LicenceRow } from './make-licence-files.ts';

export interface RedeemResult {
  verdict: CodeVerdictWord;
  type: CodeType | null;
  licenceType: string | null;
  issuedAt: string | null;
  expiresAt: string | null;
  statusAsOf: string | null;
  /** The code came from the holder's signed-in page; whose face is before the counter, the clerk must see. */
  holder: 'shown-by-holder' | 'not-proven';
  reasons: string[];
  status?: LicenceStatus;
  licence?: RedeemedLicence;
  /** JWS, for the verifier's file. */
  receipt?: string;
  lookUpId?: string;
  /** When a used code was used. */
  usedAt?: string;
}

export interface RedeemedLicence {
  identifier: string;
  number: string;
  typeName: string;
  typeNameEn: string;
  status: LicenceStatus;
  issuerName: string;
  holderName: string;
  holderIdentifier: string;
  validFrom: string | null;
  validTo: string | null;
  fields: ShownField[];
  /** PNG or JPEG in Base64, where the licence has one: the counter compares faces. */
  photo?: string;
}

/** When nothing in the code could be believed. */
export function refusedResult(verdict: CodeVerdictWord, ...reasons: string[]): RedeemResult {
  return { verdict, type: null, licenceType: null, issuedAt: null, expiresAt: null, statusAsOf: null, holder: 'not-proven', reasons };
}

/** What a genuine code says about itself. */
export function codeFacts(code: ParsedCode): Pick<RedeemResult, 'type' | 'licenceType' | 'issuedAt' | 'expiresAt'> {
  return {
    type: code.codeType,
    licenceType: codeLicenceTypes().find(({ number }) => number === code.licenceTypeNumber)?.code ?? null,
    issuedAt: new Date(code.issuedAtSeconds * 1000).toISOString(),
    expiresAt: new Date(code.expiresAtSeconds * 1000).toISOString(),
  };
}

/** The main fields, as the counter sees them once. */
export function redeemedLicenceOf(deps: LicenceDeps, row: LicenceRow, status: LicenceStatus): RedeemedLicence {
  const view = licenceViewOf(deps, row);
  const photo = openPhoto(deps.fields, row);
  return {
    identifier: view.identifier,
    number: view.number,
    typeName: view.typeName,
    typeNameEn: view.typeNameEn,
    status,
    issuerName: view.issuerName,
    holderName: view.holderName,
    holderIdentifier: view.holderIdentifier,
    validFrom: view.validFrom ?? null,
    validTo: view.validTo ?? null,
    fields: view.fields,
    ...(photo ? { photo: Buffer.from(photo.bytes).toString('base64') } : {}),
  };
}
