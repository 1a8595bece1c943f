/** PEM (RFC 7468): text around DER. Text outside the armour is ignored, as OpenSSL writes it. */
import { DerError } from '#crypto/der.ts';

const ARMOUR = /-----BEGIN ([A-Z0-9 ]{1,40})-----([A-Za-z0-9+/=\s]*)-----END \1-----/g;
/** Blocks read from one text; a trust file has a handful. */
const MAX_BLOCKS = 1_000;

export interface PemBlock {
  label: string;
  der: Uint8Array;
}

/** Every block of the text, in order. Throws DerError when there are too many. */
export function parsePemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  for (const [, label = '', body = ''] of text.matchAll(ARMOUR)) {
    if (blocks.length >= MAX_BLOCKS) throw new DerError('too many PEM blocks');
    blocks.push({ label, der: Uint8Array.from(Buffer.from(body, 'base64')) });
  }
  return blocks;
}

/** The DER of each block, optionally of one label only (`CERTIFICATE`, `X509 CRL`). */
export function parsePem(text: string, label?: string): Uint8Array[] {
  return parsePemBlocks(text)
    .filter((block) => label === undefined || block.label === label)
    .map(({ der }) => der);
}

/** One block with lines of 64 characters and a final line end. */
export function toPem(label: string, der: Uint8Array): string {
  const body = Buffer.from(der)
    .toString('base64')
    .replace(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;
}

/** DER as it is, or the first block of PEM text: what people upload under either name. */
export function derOrPem(bytes: Uint8Array): Uint8Array {
  if (bytes[0] === 0x30) return bytes;
  return parsePem(Buffer.from(bytes).toString('latin1'))[0] ?? bytes;
}
