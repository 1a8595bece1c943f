/** Certificates, revocation lists and OCSP answers that the document carries with it: /DSS (EN 319 142-1 §5.4.2.2). Trusted for nothing by being here. */
import { createHash } from 'node:crypto';
import { DerError } from '#crypto/der.ts';
import { readCertificates } from '#documents/judge-time-stamp.ts';
import type { Certificate } from '#pki/certificate.ts';
import { type Crl, parseCrl } from '#pki/crl.ts';
import { type BasicOcspResponse, parseOcspResponse } from '#pki/ocsp-response.ts';
import { itemsOf } from './form-fields.ts';
import type { PdfView } from './pdf-file.ts';
import { isStream, PdfError } from './pdf-values.ts';
import { joinValidationData, NO_VALIDATION_DATA, type ValidationData } from './validation-data.ts';

const MAX_ENTRIES = 100;
const MAX_BYTES = 20 * 1024 * 1024;

export interface SecurityStore {
  readonly certificates: readonly Certificate[];
  readonly crls: readonly Crl[];
  readonly ocspResponses: readonly BasicOcspResponse[];
  /** Revocation data of any kind is there: what makes level LT. */
  readonly hasRevocationData: boolean;
}

/**
 * What all these revisions hold together: a later one may leave out what an earlier one knew, and a revocation must not be
 * forgotten by that. Never throws: what cannot be read is left out.
 */
export function readSecurityStore(...views: readonly PdfView[]): SecurityStore {
  const all = joinValidationData(...views.map(storedData));
  const [certificates, crls, ocspResponses] = [all.certificates, all.crls, all.ocspResponses].map(distinct) as [Ders, Ders, Ders];
  return {
    certificates: readCertificates(certificates),
    crls: readCrls(crls),
    ocspResponses: readOcspResponses(ocspResponses),
    hasRevocationData: crls.length + ocspResponses.length > 0,
  };
}

type Ders = readonly Uint8Array[];

function distinct(ders: Ders): Ders {
  const names = ders.map((der) => createHash('sha256').update(der).digest('base64'));
  return ders.filter((_der, index) => names.indexOf(names[index] as string) === index);
}

/** Whether one revision has revocation data of any kind, readable or not. */
export function holdsRevocationData(view: PdfView): boolean {
  const { crls, ocspResponses } = storedData(view);
  return crls.length + ocspResponses.length > 0;
}

/** One revision's as it stands. Never throws. */
export function storedData(view: PdfView): ValidationData {
  try {
    const dss = view.dict(view.catalog.entries.get('DSS'));
    if (!dss) return NO_VALIDATION_DATA;
    const read = (key: string) => streamsOf(view, dss.entries.get(key));
    return { certificates: read('Certs'), crls: read('CRLs'), ocspResponses: read('OCSPs') };
  } catch (error) {
    if (error instanceof PdfError) return NO_VALIDATION_DATA;
    throw error;
  }
}

function streamsOf(view: PdfView, value: Parameters<typeof itemsOf>[1]): Uint8Array[] {
  const out: Uint8Array[] = [];
  let total = 0;
  for (const item of itemsOf(view, value).slice(0, MAX_ENTRIES)) {
    const stream = view.resolve(item);
    if (!isStream(stream)) continue;
    const data = view.decode(stream);
    total += data.length;
    if (total > MAX_BYTES) break;
    out.push(data);
  }
  return out;
}

/** Lists that can be read; the others prove nothing. */
export function readCrls(ders: readonly Uint8Array[]): Crl[] {
  return ders.flatMap((der) => {
    try {
      return [parseCrl(der)];
    } catch (error) {
      if (error instanceof DerError) return [];
      throw error;
    }
  });
}

/** Answers that can be read; refusals and the others prove nothing. */
export function readOcspResponses(ders: readonly Uint8Array[]): BasicOcspResponse[] {
  return ders.flatMap((der) => {
    try {
      const response = parseOcspResponse(der);
      return response.status === 'successful' ? [response.basic] : [];
    } catch (error) {
      if (error instanceof DerError) return [];
      throw error;
    }
  });
}
