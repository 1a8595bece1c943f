/** Writing Signatures.xml and Signature.xml: schema order, absolute paths, UTF-8 without BOM (GB/T 33190 A.7, A.8). */
import { OID } from '#crypto/oids.ts';
import { escapeXml } from '#documents/xml/escape-xml.ts';
import { type Box, formatBox } from './box.ts';

const HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n';
const NAMESPACE = 'xmlns:ofd="http://www.ofdspec.org/2016"';

/** Who makes the signature file: the signing component, not the signer. */
export interface SignatureProvider {
  name: string;
  company?: string | undefined;
  version?: string | undefined;
}

export interface ListEntry {
  id: string;
  type: string;
  loc: string;
  relative?: string | undefined;
}

export function signatureListXml(maxSignId: string, signatures: readonly ListEntry[]): Uint8Array {
  const items = signatures.map(
    ({ id, type, loc, relative }) =>
      `<ofd:Signature ${attributes({ ID: id, Type: type, BaseLoc: loc, ...(relative ? { Relative: relative } : {}) })}/>`,
  );
  return utf8(
    `${HEAD}<ofd:Signatures ${NAMESPACE}><ofd:MaxSignId>${escapeXml(maxSignId)}</ofd:MaxSignId>${items.join('')}</ofd:Signatures>`,
  );
}

export interface DescriptionInput {
  provider: SignatureProvider;
  signedAt: Date;
  /** Absolute path and base64 SM3 digest of each protected file. */
  references: readonly { path: string; checkValue: string }[];
  stamps: readonly { id: string; pageRef: string; boundary: Box; clip?: Box | undefined }[];
  sealPath?: string | undefined;
  valuePath: string;
}

export function signatureXml(input: DescriptionInput): Uint8Array {
  const { provider } = input;
  const references = input.references.map(
    ({ path, checkValue }) =>
      `<ofd:Reference ${attributes({ FileRef: path })}><ofd:CheckValue>${checkValue}</ofd:CheckValue></ofd:Reference>`,
  );
  const stamps = input.stamps.map(
    ({ id, pageRef, boundary, clip }) =>
      `<ofd:StampAnnot ${attributes({ ID: id, PageRef: pageRef, Boundary: formatBox(boundary), ...(clip ? { Clip: formatBox(clip) } : {}) })}/>`,
  );
  const providerAttributes = attributes({
    ProviderName: provider.name,
    ...(provider.version ? { Version: provider.version } : {}),
    ...(provider.company ? { Company: provider.company } : {}),
  });
  return utf8(
    [
      `${HEAD}<ofd:Signature ${NAMESPACE}><ofd:SignedInfo>`,
      `<ofd:Provider ${providerAttributes}/>`,
      `<ofd:SignatureMethod>${OID.sm2WithSm3}</ofd:SignatureMethod>`,
      `<ofd:SignatureDateTime>${utcStamp(input.signedAt)}</ofd:SignatureDateTime>`,
      `<ofd:References CheckMethod="${OID.sm3}">${references.join('')}</ofd:References>`,
      ...stamps,
      input.sealPath ? `<ofd:Seal><ofd:BaseLoc>${escapeXml(input.sealPath)}</ofd:BaseLoc></ofd:Seal>` : '',
      `</ofd:SignedInfo><ofd:SignedValue>${escapeXml(input.valuePath)}</ofd:SignedValue></ofd:Signature>`,
    ].join(''),
  );
}

/** `yyyyMMddHHmmssZ`, the same moment as timeInfo in the signature value. */
function utcStamp(time: Date): string {
  return `${time.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`;
}

function attributes(values: Record<string, string>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}="${escapeXml(value)}"`)
    .join(' ');
}

function utf8(text: string): Uint8Array {
  return Buffer.from(text, 'utf8');
}
