/** From a prepared row to its two sealed files: render both from one layout, put the issuer's seal and our timestamp on each. Stores nothing. */

import { renderOfd } from '#documents/ofd/write-ofd.ts';
import type { LicenceData } from '#documents/page/licence-data.ts';
import { licenceDocument } from '#documents/page/licence-document.ts';
import { renderPdf } from '#documents/pdf/write-pdf.ts';
import { putSealOnOfd, putSealOnPdf } from '#seals/put-seal.ts';
import { requireUsableSeal, type UsableSeal } from '#seals/require-usable-seal.ts';
import type { Database } from '#storage/database.ts';
import { openContent, openPhoto, openPublicToken } from './licence-content.ts';
import type { LicenceDeps } from './licence-deps.ts';
import { requireLicenceType } from './licence-types.ts';
import { publicAddressOf } from './public-address.ts';

export type LicenceRow = NonNullable<Awaited<ReturnType<Database['licence']['findUnique']>>>;

export interface LicenceFiles {
  ofd: Uint8Array;
  pdf: Uint8Array;
  seal: UsableSeal;
}

/**
 * @param actor who has it issued, as the audit names them: not everybody may use every seal.
 * Throws Problem `seal-not-usable`, `seal-use-not-allowed`, `seal-daily-limit`, `character-not-in-font`, `text-does-not-fit`, `signing-refused`, `unavailable` while the clock is in doubt.
 */
export async function makeLicenceFiles(deps: LicenceDeps, row: LicenceRow, actor: string): Promise<LicenceFiles> {
  const { clock } = deps;
  const type = requireLicenceType(row.typeKey);
  const signedAt = clock.now();
  const who = { organisationId: row.issuerOrganisationId, licenceType: row.typeKey, actor };
  const seal = await requireUsableSeal(deps, { ...who, at: signedAt });
  const { layouts, metadata, seal: place } = licenceDocument(type, licenceDataOf(deps, row), { createdAt: row.preparedAt });
  // The seal keeps its true size; the template says where its centre is.
  const stamp = {
    pageIndex: place.pageIndex,
    xMm: place.xMm + (place.widthMm - seal.widthMm) / 2,
    yMm: place.yMm + (place.heightMm - seal.heightMm) / 2,
    widthMm: seal.widthMm,
    heightMm: seal.heightMm,
  };
  const ofd = await putSealOnOfd(deps, seal, renderOfd(layouts, metadata), {
    stamps: [stamp],
    signedAt,
    // The list of signatures is sealed too: nobody can take the seal off and leave a file that was never signed.
    lock: true,
  });
  const pdf = await putSealOnPdf(deps, seal, renderPdf(layouts, metadata), {
    stamp: { ...stamp, png: seal.picturePng },
    signedAt,
    fieldName: 'IssuerSeal',
    reason: type.name.zh,
    certification: 1,
  });
  return { ofd, pdf, seal };
}

/** What the licence says, with its photo and public address. */
export function licenceDataOf(deps: Pick<LicenceDeps, 'fields' | 'publicOrigin'>, row: LicenceRow): LicenceData {
  const photo = openPhoto(deps.fields, row);
  return {
    ...openContent(deps.fields, row),
    typeCode: row.typeCode,
    identifier: row.identifier,
    version: String(row.version).padStart(3, '0'),
    verifyAddress: publicAddressOf(deps.publicOrigin, openPublicToken(deps.fields, row)),
    ...(photo ? { photo } : {}),
  };
}
