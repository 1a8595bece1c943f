/** Everything the two writers and the two sealers need for one licence. */
import { type DocumentMetadata, licenceMetadata } from './document-metadata.ts';
import { LARGE_TYPE_SEAL } from './large-type.ts';
import { type LayoutVariant, layOutLicence } from './lay-out-licence.ts';
import type { LicenceData } from './licence-data.ts';
import type { LicenceType, SealPlace } from './licence-type.ts';
import type { PageLayout } from './page-layout.ts';

export interface LicenceDocument {
  layouts: PageLayout[];
  metadata: DocumentMetadata;
  /** Where the issuer's seal belongs. */
  seal: SealPlace;
}

/** @throws Problem `character-not-in-font`, `text-does-not-fit`. */
export function licenceDocument(
  type: LicenceType,
  data: LicenceData,
  options: { createdAt: Date; variant?: LayoutVariant },
): LicenceDocument {
  const variant = options.variant ?? 'standard';
  return {
    layouts: layOutLicence(type, data, { variant }),
    metadata: licenceMetadata(type, data, options),
    seal: variant === 'large' ? LARGE_TYPE_SEAL : type.seal,
  };
}
