/**
 * Reading SES_Signature, the content of SignedValue.dat of a sealed document. What was signed is handed over as it stood.
 * Throws DerError for anything that is not such a structure.
 */
import { context, type DerElement, DerError, parseDer, TAG } from '#crypto/der.ts';
import { readExtensionDatas } from './extension-datas.ts';
import { MAX_SEAL_BYTES, readSeal, readTimeStamp } from './read-seal.ts';
import { readTimeInfo } from './read-time-info.ts';
import type { ExtensionData, SesSignature, TbsSign } from './seal.ts';
import { readAlgorithmField, readBitsField, readCertificateField } from './ses-fields.ts';

const LIMITS = { maxElements: 20_000, maxDepth: 28 };

/** Reads a whole SES_Signature of any version. */
export function parseSesSignature(der: Uint8Array): SesSignature {
  if (der.length > MAX_SEAL_BYTES) throw new DerError('signature too large');
  return readSesSignature(parseDer(der, LIMITS));
}

/** Reads TBS_Sign alone: what a seal's key is asked to sign. */
export function parseTbsSign(der: Uint8Array): TbsSign {
  if (der.length > MAX_SEAL_BYTES) throw new DerError('signature too large');
  return readTbsSign(parseDer(der, LIMITS));
}

function readSesSignature(element: DerElement): SesSignature {
  const parts = element.expect(TAG.sequence).children;
  const toSign = readTbsSign(element.at(0));
  const { version } = toSign.seal;
  const warnings = new Set([...toSign.warnings, ...toSign.seal.warnings]);
  if (toSign.version !== toSign.seal.headerVersion) warnings.add('version-differs-from-seal');
  if (parts.length === 2) {
    const tbs = element.at(0);
    if (tbs.children.length < 7) throw new DerError('TBS_Sign without the signer certificate');
    if (version !== 1) warnings.add('version-differs-from-layout');
    const signer = {
      signerCertificate: readCertificateField(tbs.at(5), warnings),
      signatureOid: readAlgorithmField(tbs.at(6), warnings),
      signature: readBitsField(element.at(1), 'signature-value-type', warnings),
    };
    return { version: 1, toSign, ...signer, warnings: [...warnings] };
  }
  if (parts.length !== 4 && parts.length !== 5) throw new DerError('a signature has two, four or five parts');
  if (version === 1) warnings.add('version-differs-from-layout');
  const timeStamp = parts[4] ? readTimeStamp(parts[4], warnings) : undefined;
  return {
    version: version === 1 ? 4 : version,
    toSign,
    signerCertificate: readCertificateField(element.at(1), warnings),
    signatureOid: readAlgorithmField(element.at(2), warnings),
    signature: readBitsField(element.at(3), 'signature-value-type', warnings),
    ...(timeStamp ? { timeStamp } : {}),
    warnings: [...warnings],
  };
}

function readTbsSign(element: DerElement): TbsSign {
  const parts = element.expect(TAG.sequence).children;
  if (parts.length < 5) throw new DerError('TBS_Sign cut short');
  const warnings = new Set<string>();
  const dataHash = element.at(3);
  const property = element.at(4);
  if (property.tag !== TAG.ia5String) warnings.add('property-info-type');
  // In V1 the signer's certificate and algorithm follow; in V4 and V5 nothing but extensions may.
  const isV1 = parts[5]?.tag === TAG.octetString || (parts.length === 7 && parts[6]?.tag === TAG.oid);
  const extensions: ExtensionData[] = [];
  for (const extra of parts.slice(isV1 ? 7 : 5)) {
    if (extra.tag === context(0)) extensions.push(...readExtensionDatas(extra.inner()));
    else if (extra.tag === TAG.sequence && extensions.length === 0) {
      warnings.add('signature-extensions-untagged');
      extensions.push(...readExtensionDatas(extra));
    } else warnings.add('signature-unknown-field');
  }
  if (extensions.some(({ critical }) => critical)) warnings.add('signature-critical-extension');
  const time = readTimeInfo(element.at(2), isV1, warnings);
  const hash = readBitsField(dataHash, 'data-hash-type', warnings);
  return {
    der: element.bytes,
    version: element.at(0).asNumber(),
    seal: readSeal(element.at(1)),
    signedAt: time.signedAt,
    ...(time.token ? { timeInfoToken: time.token } : {}),
    dataHash: hash,
    propertyInfo: property.asText(),
    extensions,
    warnings: [...warnings],
  };
}
