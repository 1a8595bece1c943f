/** A seal as pages show it, and what this room needs from outside. */
import type { CertificateDeps } from '#certificates/certificate-deps.ts';
import { findOrganisation } from '#people/organisations.ts';
import type { Database } from '#storage/database.ts';
import { designOf } from './design-seal.ts';
import type { SealKind } from './seal-kinds.ts';
import { type SealStatus, sealStatusAt } from './seal-status.ts';

export type SealDeps = CertificateDeps;
export type SealRow = NonNullable<Awaited<ReturnType<Database['seal']['findUnique']>>>;

export interface SealView {
  id: string;
  /** 14 digits; undefined until the seal is made. */
  esId: string | undefined;
  organisationId: string;
  organisationName: string;
  name: string;
  kind: SealKind;
  status: SealStatus;
  statusSince: Date;
  /** Short names of licence types; empty means any. */
  licenceTypes: string[];
  /** `staff:<id>`, `client:<id>`; empty means any issuer and any system of the organisation. */
  users: string[];
  /** Files a day; null for no limit. */
  dailyLimit: number | null;
  /** Under the star of a `special` one. */
  purpose: string | undefined;
  /** A picture that came with the application, or was drawn for it. */
  givenPicture: { png: Uint8Array; widthMm: number; heightMm: number } | undefined;
  divisionCode: string;
  approvalId: string | undefined;
  replacesId: string | undefined;
  appliedAt: Date;
  madeAt: Date | undefined;
  validFrom: Date | undefined;
  validTo: Date | undefined;
  picturePng: Uint8Array | undefined;
  /** Whether we drew it, so that it is there as outlines too. */
  hasVectorPicture: boolean;
  widthMm: number | undefined;
  heightMm: number | undefined;
  certificateSerial: string | undefined;
  pdfCertificateSerial: string | undefined;
  /** Since then the private halves of its keys are gone. */
  keysDestroyedAt: Date | undefined;
}

export async function sealViewOf(deps: Pick<SealDeps, 'db' | 'clock'>, row: SealRow): Promise<SealView> {
  const organisation = await findOrganisation(deps, row.organisationId);
  return {
    id: row.id,
    esId: row.esId ?? undefined,
    organisationId: row.organisationId,
    organisationName: organisation?.name ?? '',
    name: row.name,
    kind: row.kind as SealKind,
    status: sealStatusAt(row, deps.clock.now()),
    statusSince: row.statusSince,
    licenceTypes: row.licenceTypes,
    users: row.users,
    dailyLimit: row.dailyLimit,
    purpose: row.purpose ?? undefined,
    givenPicture: designOf(row).given,
    divisionCode: row.divisionCode,
    approvalId: row.approvalId ?? undefined,
    replacesId: row.replacesId ?? undefined,
    appliedAt: row.appliedAt,
    madeAt: row.madeAt ?? undefined,
    validFrom: row.validFrom ?? undefined,
    validTo: row.validTo ?? undefined,
    picturePng: row.picturePng ?? undefined,
    hasVectorPicture: row.pictureSvg !== null,
    widthMm: row.widthMm ?? undefined,
    heightMm: row.heightMm ?? undefined,
    certificateSerial: row.certificateSerial ?? undefined,
    pdfCertificateSerial: row.pdfCertificateSerial ?? undefined,
    keysDestroyedAt: row.keysDestroyedAt ?? undefined,
  };
}
