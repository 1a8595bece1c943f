/** What a PDF's metadata says about the licence it shows: Info keys, or the same in XMP (namespace `urn:tongren:licence:1#`). */

import type { PdfView } from './pdf-file.ts';
import { openPdf } from './pdf-file.ts';
import { isStream, PdfError, textOf } from './pdf-values.ts';

export interface PdfLicenceMetadata {
  identifier?: string;
  dataDigest?: string;
}

/** Identifiers are dotted, upper-case groups; anything else in the key is no identifier of ours. */
const IDENTIFIER = /^[0-9A-Za-z.-]{8,100}$/;
const MAX_XMP_BYTES = 1024 * 1024;

/** Reads the metadata of a file, or of one revision of it. Never throws for bad input: what cannot be read is absent. */
export function licenceMetadataOfPdf(source: Uint8Array | PdfView): PdfLicenceMetadata {
  try {
    const view = source instanceof Uint8Array ? openPdf(source).viewAt(source.length) : source;
    const info = view.dict(view.trailer.entries.get('Info'));
    const xmp = xmpOf(view);
    const read = (key: string) => (info && textOf(view.get(info, key))) || fromXmp(xmp, key);
    const identifier = read('LicenceIdentifier');
    const dataDigest = read('LicenceDataDigest');
    return {
      ...(identifier && IDENTIFIER.test(identifier) ? { identifier } : {}),
      ...(dataDigest && /^sha256:[0-9a-f]{64}$/.test(dataDigest) ? { dataDigest } : {}),
    };
  } catch (error) {
    if (error instanceof PdfError) return {};
    throw error;
  }
}

function xmpOf(view: PdfView): string {
  const metadata = view.resolve(view.catalog.entries.get('Metadata'));
  if (!isStream(metadata)) return '';
  const data = view.decode(metadata);
  return data.length > MAX_XMP_BYTES ? '' : Buffer.from(data).toString('utf8');
}

/** The property as an element or as an attribute, whatever prefix its namespace has. */
function fromXmp(xmp: string, key: string): string | undefined {
  if (!xmp.includes('urn:tongren:licence:1#')) return undefined;
  return (new RegExp(`:${key}>([^<]{1,200})<`).exec(xmp) ?? new RegExp(`:${key}="([^"]{1,200})"`).exec(xmp))?.[1];
}
