/** A licence as pages show it: to its holder in full, to others as far as they may see. */
import { displayValue } from '#documents/page/display-value.ts';
import { maskedFieldsOf, type ShownField } from '#documents/page/mask-field.ts';
import { maskCitizenNumber, maskName } from '#people/mask.ts';
import { openContent, openPublicToken } from './licence-content.ts';
import type { LicenceDeps } from './licence-deps.ts';
import { type LicenceStatus, statusAt } from './licence-status.ts';
import { codeNumberOf, requireLicenceType } from './licence-types.ts';
import type { LicenceRow } from './make-licence-files.ts';
import { publicAddressOf } from './public-address.ts';

export interface LicenceView {
  id: string;
  identifier: string;
  /** The number on its face. */
  number: string;
  version: number;
  typeKey: string;
  typeCode: string;
  typeName: string;
  typeNameEn: string;
  status: LicenceStatus;
  statusAsOf: Date;
  issuerName: string;
  issuerOrganisationId: string;
  holderKind: 'natural' | 'legal';
  holderName: string;
  holderIdentifier: string;
  issuedAt: Date;
  /** `YYYY-MM-DD`. */
  validFrom: string | undefined;
  /** Last day; undefined for long-term. */
  validTo: string | undefined;
  fields: ShownField[];
  /** Whether it can be shown by code now. */
  codeAllowed: boolean;
  publicAddress: string;
}

/** In full: for the holder and for those who may read it. */
export function licenceViewOf(deps: Pick<LicenceDeps, 'fields' | 'clock' | 'publicOrigin'>, row: LicenceRow): LicenceView {
  const now = deps.clock.now();
  const type = requireLicenceType(row.typeKey);
  const content = openContent(deps.fields, row);
  const status = statusAt(row, now);
  return {
    id: row.id,
    identifier: row.identifier,
    number: content.number,
    version: row.version,
    typeKey: row.typeKey,
    typeCode: row.typeCode,
    typeName: type.name.zh,
    typeNameEn: type.name.en,
    status,
    statusAsOf: now,
    issuerName: content.issuer.name,
    issuerOrganisationId: row.issuerOrganisationId,
    holderKind: row.holderKind as 'natural' | 'legal',
    holderName: content.holder.name,
    holderIdentifier: content.holder.identifier,
    issuedAt: row.issuedAt ?? row.preparedAt,
    validFrom: content.validFrom,
    validTo: content.validTo,
    fields: type.fields.flatMap((field) => {
      const value = content.fields[field.key];
      return value ? [{ key: field.key, label: field.label, value: displayValue(field, value) }] : [];
    }),
    codeAllowed: status === 'in-force' && codeNumberOf(type) !== undefined,
    publicAddress: publicAddressOf(deps.publicOrigin, openPublicToken(deps.fields, row)),
  };
}

export type MaskedLicence = Omit<LicenceView, 'holderIdentifier' | 'publicAddress' | 'id' | 'issuerOrganisationId' | 'codeAllowed'> & {
  holderIdentifier: string;
};

/** Masked: for whoever holds the paper. Organisations and their codes are public, persons are not. */
export function maskedLicenceOf(deps: Pick<LicenceDeps, 'fields' | 'clock' | 'publicOrigin'>, row: LicenceRow): MaskedLicence {
  const { id: _id, publicAddress: _address, issuerOrganisationId: _issuer, codeAllowed: _allowed, ...view } = licenceViewOf(deps, row);
  const natural = view.holderKind === 'natural';
  return {
    ...view,
    holderName: natural ? maskName(view.holderName) : view.holderName,
    holderIdentifier: natural ? maskCitizenNumber(view.holderIdentifier) : view.holderIdentifier,
    fields: maskedFieldsOf(requireLicenceType(row.typeKey), openContent(deps.fields, row).fields),
  };
}
