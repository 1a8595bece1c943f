/** Putting a seal of ours on a file: OFD by its SM2 key, PDF by its P-256 key, each with time-stamps of our authority. */
import { requestTimestamp } from '#certificates/issue-timestamp.ts';
import { ownValidationData } from '#certificates/own-validation-data.ts';
import { type DigestName, digest } from '#crypto/suite.ts';
import type { ByteSource } from '#documents/container/byte-source.ts';
import { addSignatureTo, type StampPlace } from '#documents/ofd/add-signature.ts';
import { type SealOfdInput, sealOfd, sealSignature } from '#documents/ofd/seal-ofd.ts';
import type { RequestTimestamp } from '#documents/pdf/request-timestamp.ts';
import { type SignPdfInput, signPdf } from '#documents/pdf/sign-pdf.ts';
import type { CollectValidationData } from '#documents/pdf/validation-data.ts';
import type { KeyStore } from '#ports/key-store.ts';
import type { UsableSeal } from './require-usable-seal.ts';
import type { SealDeps } from './seal-view.ts';

export const SEALING_PROGRAM = { name: 'Tongren', company: 'Tongren', version: '0.1.0' };

export interface OfdSealing {
  stamps: readonly StampPlace[];
  signedAt: Date;
  /** Seals the list of signatures too: nothing can be added or taken away. */
  lock: boolean;
}

/** The sealed file. Problems as `sealOfd`; `unavailable` while the clock is in doubt. */
export function putSealOnOfd(deps: SealDeps, seal: UsableSeal, ofd: Uint8Array, sealing: OfdSealing): Promise<Uint8Array> {
  return sealOfd(ofd, ofdInput(deps, seal, sealing));
}

/** The same for a file that need not be in memory: the sealed one is handed over in parts, none before the key was used. */
export function putSealOnOfdTo(
  deps: SealDeps,
  seal: UsableSeal,
  ofd: ByteSource,
  sealing: OfdSealing,
  take: (part: Uint8Array) => void,
): Promise<void> {
  return addSignatureTo(take, ofd, sealSignature(ofdInput(deps, seal, sealing)));
}

function ofdInput(deps: SealDeps, seal: UsableSeal, sealing: OfdSealing): SealOfdInput {
  return {
    ...sealing,
    seal: seal.seal,
    signerCertificate: seal.signerCertificate,
    provider: SEALING_PROGRAM,
    sign: (toBeSigned) => deps.keys.sign(seal.keyName, 'seal-signature', toBeSigned),
    timestamp: (signature) => requestTimestamp(deps, { imprint: digest('sm3', signature), digest: 'sm3', suite: 'sm2-sm3' }),
  };
}

export type PdfSealing = Pick<SignPdfInput, 'stamp' | 'furtherStamps' | 'seam' | 'signedAt' | 'fieldName' | 'reason' | 'certification'>;

/**
 * The sealed file, PAdES B-LTA: with time-stamps, and with all that proves signer and authorities good at that time, so that it can be
 * judged long after they are gone. Problems as `signPdf`; `unavailable` while the clock is in doubt.
 */
export function putSealOnPdf(deps: SealDeps, seal: UsableSeal, pdf: Uint8Array, sealing: PdfSealing): Promise<Uint8Array> {
  return signPdf(pdf, {
    ...sealing,
    validationData: validationDataFor(deps),
    archive: true,
    certificates: seal.pdfCertificates,
    suite: 'es256',
    sign: (toBeSigned) => deps.keys.sign(seal.pdfKeyName, 'cms-attributes', toBeSigned),
    timestamp: timestampFor(deps),
  });
}

const timestampers = new WeakMap<KeyStore, RequestTimestamp>();

/** The same function for the same key store: what is learnt of its tokens' length is learnt once. */
function timestampFor(deps: SealDeps): RequestTimestamp {
  const known = timestampers.get(deps.keys);
  if (known) return known;
  const timestamp = (imprint: Uint8Array, name: DigestName) => requestTimestamp(deps, { imprint, digest: name, suite: 'es256' });
  timestampers.set(deps.keys, timestamp);
  return timestamp;
}

const collectors = new WeakMap<KeyStore, CollectValidationData>();

/** Likewise: lists are read once a minute, not once a file. */
function validationDataFor(deps: SealDeps): CollectValidationData {
  const known = collectors.get(deps.keys) ?? ownValidationData(deps);
  collectors.set(deps.keys, known);
  return known;
}
