/**
 * Reading SESeal and SES_SealInfo. Tolerant where real seals deviate, each time with a warning; signed parts are slices
 * of the input, never encoded again. Throws DerError for anything else.
 */
import { context, type DerElement, DerError, parseDer, TAG } from '#crypto/der.ts';
import { sequence } from '#crypto/encode-der.ts';
import { readExtensionDatas } from './extension-datas.ts';
import type { ExtensionData, Seal, SealInfo, SealPicture, SesVersion } from './seal.ts';
import { readAlgorithmField, readBitsField, readCertificateField, readText, readTime } from './ses-fields.ts';

/** A seal with a vector picture has some hundred kilobytes at most; this is far above. */
export const MAX_SEAL_BYTES = 16 * 1024 * 1024;
const LIMITS = { maxElements: 20_000, maxDepth: 24 };
const MAX_SIGNERS = 1000;

/** Reads a seal file (Seal.esl). */
export function parseSeal(der: Uint8Array): Seal {
  if (der.length > MAX_SEAL_BYTES) throw new DerError('seal too large');
  return readSeal(parseDer(der, LIMITS));
}

/** Reads SES_SealInfo alone: what a seal maker's key is asked to sign. */
export function parseSealInfo(der: Uint8Array): SealInfo & { warnings: readonly string[] } {
  if (der.length > MAX_SEAL_BYTES) throw new DerError('seal too large');
  const warnings = new Set<string>();
  return { ...readSealInfo(parseDer(der, LIMITS), warnings), warnings: [...warnings] };
}

/** Reads an SESeal element, wherever it stands. */
export function readSeal(element: DerElement): Seal {
  const parts = element.expect(TAG.sequence).children;
  if (parts.length === 2) return readV1(element);
  if (parts.length !== 4 && parts.length !== 5) throw new DerError('a seal has two, four or five parts');
  const warnings = new Set<string>();
  const info = readSealInfo(element.at(0), warnings);
  const version: SesVersion = info.headerVersion === 5 ? 5 : 4;
  if (info.headerVersion !== version) warnings.add('seal-header-version');
  const timeStamp = parts[4] ? readTimeStamp(parts[4], warnings) : undefined;
  if (timeStamp && version === 4) warnings.add('seal-timestamp-in-v4');
  return {
    ...info,
    version,
    sealDer: element.bytes,
    makerCertificate: readCertificateField(element.at(1), warnings),
    signatureOid: readAlgorithmField(element.at(2), warnings),
    signature: readBitsField(element.at(3), 'seal-value-type', warnings),
    toBeSigned: info.der,
    ...(timeStamp ? { timeStamp } : {}),
    warnings: [...warnings],
  };
}

function readV1(element: DerElement): Seal {
  const warnings = new Set<string>();
  const info = readSealInfo(element.at(0), warnings);
  const signInfo = element.at(1, TAG.sequence);
  if (signInfo.children.length !== 3) throw new DerError('SES_SignInfo has three parts');
  const [certificate, algorithm] = [signInfo.at(0), signInfo.at(1)];
  if (info.headerVersion < 1 || info.headerVersion > 3) warnings.add('seal-header-version');
  return {
    ...info,
    version: 1,
    sealDer: element.bytes,
    makerCertificate: readCertificateField(certificate, warnings),
    signatureOid: readAlgorithmField(algorithm, warnings),
    signature: readBitsField(signInfo.at(2), 'seal-value-type', warnings),
    toBeSigned: sequence(info.der, certificate.bytes, algorithm.bytes),
    warnings: [...warnings],
  };
}

function readSealInfo(element: DerElement, warnings: Set<string>): SealInfo {
  const parts = element.expect(TAG.sequence).children;
  if (parts.length < 4) throw new DerError('SES_SealInfo cut short');
  const header = element.at(0, TAG.sequence);
  if (header.at(0).asText() !== 'ES') warnings.add('seal-header-id');
  const headerVersion = header.at(1).asNumber();
  const extensions: ExtensionData[] = [];
  for (const extra of parts.slice(4)) {
    if (extra.tag === context(0)) {
      warnings.add('seal-extensions-tagged');
      extensions.push(...readExtensionDatas(extra.inner()));
    } else if (extra.tag === TAG.sequence && extensions.length === 0) extensions.push(...readExtensionDatas(extra));
    else warnings.add('seal-unknown-field');
  }
  if (extensions.some(({ critical }) => critical)) warnings.add('seal-critical-extension');
  return {
    der: element.bytes,
    headerVersion,
    vendor: readText(header.at(2), warnings),
    esId: readText(element.at(1), warnings),
    ...readProperty(element.at(2), headerVersion, warnings),
    picture: readPicture(element.at(3)),
    extensions,
  };
}

function readProperty(
  element: DerElement,
  headerVersion: number,
  warnings: Set<string>,
): Pick<SealInfo, 'type' | 'name' | 'certificates' | 'certificateDigests' | 'createdAt' | 'validFrom' | 'validTo'> {
  const parts = element.expect(TAG.sequence).children;
  // V1 has no certListType.
  const listAt = parts.length === 6 ? 2 : 3;
  if (parts.length !== 6 && parts.length !== 7) throw new DerError('SES_ESPropertyInfo has six or seven parts');
  const listType = listAt === 3 ? element.at(2).asNumber() : 1;
  const list = element.at(listAt, TAG.sequence);
  if (list.children.length > MAX_SIGNERS) throw new DerError('too many certificates in a seal');
  if (listType !== 1 && listType !== 2) throw new DerError('unknown certListType');
  const dates = [element.at(listAt + 1), element.at(listAt + 2), element.at(listAt + 3)] as const;
  const timeTag = headerVersion >= 4 ? TAG.generalizedTime : TAG.utcTime;
  if (dates.some(({ tag }) => tag !== timeTag)) warnings.add('seal-date-type');
  return {
    type: element.at(0).asNumber(),
    name: readText(element.at(1), warnings),
    ...(listType === 1
      ? { certificates: readCertificates(list, warnings), certificateDigests: [] }
      : { certificates: [], certificateDigests: list.children.map(readCertificateDigest) }),
    createdAt: readTime(dates[0], warnings),
    validFrom: readTime(dates[1], warnings),
    validTo: readTime(dates[2], warnings),
  };
}

function readCertificates(list: DerElement, warnings: Set<string>): Uint8Array[] {
  const certificates: Uint8Array[] = [];
  for (const item of list.children) {
    if (item.tag === TAG.octetString) certificates.push(item.content);
    else warnings.add('seal-certificate-list-entry');
  }
  return certificates;
}

function readCertificateDigest(item: DerElement): { algorithm: string; value: Uint8Array } {
  return { algorithm: item.expect(TAG.sequence).at(0).asText(), value: item.at(1).asOctets() };
}

function readPicture(element: DerElement): SealPicture {
  return {
    type: element.expect(TAG.sequence).at(0).asText(),
    data: element.at(1).asOctets(),
    widthMm: element.at(2).asNumber(),
    heightMm: element.at(3).asNumber(),
  };
}

/** `[0] EXPLICIT BIT STRING`, an untagged BIT STRING, or a bare token: all three are written. */
export function readTimeStamp(element: DerElement, warnings: Set<string>): Uint8Array {
  if (element.tag === context(0)) {
    const inner = element.inner();
    if (inner.tag === TAG.bitString) return inner.asBits();
    warnings.add('timestamp-encoding');
    return inner.tag === TAG.octetString ? inner.content : inner.expect(TAG.sequence).bytes;
  }
  warnings.add('timestamp-encoding');
  return element.tag === TAG.bitString ? element.asBits() : element.expect(TAG.sequence).bytes;
}
