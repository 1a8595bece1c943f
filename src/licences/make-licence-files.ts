/** From a prepared row to its two sealed files: render both from one layout, put the issuer's seal and our timestamp on each. Stores nothing. */

import { requestTimestamp } from '#certificates/issue-timestamp.ts';
import { digest } from '#crypto/suite.ts';
import { sealOfd } from '#documents/ofd/seal-ofd.ts';
import { renderOfd } from '#documents/ofd/write-ofd.ts';
import type { LicenceData } from '#documents/page/licence-data.ts';
import { licenceDocument } from '#documents/page/licence-document.ts';
import { signPdf } from '#documents/pdf/sign-pdf.ts';
import { renderPdf } from '#documents/pdf/write-pdf.ts';
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

export const SEALING_PROGRAM = { name: 'Tongren', company: 'Tongren', version: '0.1.0' };

/** Throws Problem `seal-not-usable`, `character-not-in-font`, `text-does-not-fit`, `signing-refused`, `unavailable` while the clock is in doubt. */
export async function makeLicenceFiles(deps: LicenceDeps, row: LicenceRow): Promise<LicenceFiles> {
  const { clock, keys } = deps;
  const type = requireLicenceType(row.typeKey);
  const signedAt = clock.now();
  const seal = await requireUsableSeal(deps, { organisationId: row.issuerOrganisationId, licenceType: row.typeKey, at: signedAt });
  const { layouts, metadata, seal: place } = licenceDocument(type, licenceDataOf(deps, row), { createdAt: row.preparedAt });
  // The seal keeps its true size; the template says where its centre is.
  const stamp = {
    pageIndex: place.pageIndex,
    xMm: place.xMm + (place.widthMm - seal.widthMm) / 2,
    yMm: place.yMm + (place.heightMm - seal.heightMm) / 2,
    widthMm: seal.widthMm,
    heightMm: seal.heightMm,
  };
  const ofd = await sealOfd(renderOfd(layouts, metadata), {
    seal: seal.seal,
    signerCertificate: seal.signerCertificate,
    signedAt,
    stamps: [stamp],
    provider: SEALING_PROGRAM,
    // The list of signatures is sealed too: nobody can take the seal off and leave a file that was never signed.
    lock: true,
    sign: (toBeSigned) => keys.sign(seal.keyName, 'seal-signature', toBeSigned),
    timestamp: (signature) => requestTimestamp(deps, { imprint: digest('sm3', signature), digest: 'sm3', suite: 'sm2-sm3' }),
  });
  const pdf = await signPdf(renderPdf(layouts, metadata), {
    certificates: seal.pdfCertificates,
    suite: 'es256',
    signedAt,
    fieldName: 'IssuerSeal',
    stamp: { ...stamp, png: seal.picturePng },
    reason: type.name.zh,
    certification: 1,
    sign: (toBeSigned) => keys.sign(seal.pdfKeyName, 'cms-attributes', toBeSigned),
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
