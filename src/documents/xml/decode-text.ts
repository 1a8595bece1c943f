/** Bytes of an XML file to text: UTF-8 with or without BOM, UTF-16 with BOM, and the GB encodings GB/T 33190 §7.2 allows. */

/** Thrown for XML that is not well-formed, or not safe to read. `reason` is a stable code. */
export class XmlError extends Error {
  override name = 'XmlError';
  readonly reason: string;

  constructor(reason: string, message: string = reason, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}

const ENCODINGS: Record<string, string> = {
  'utf-8': 'utf-8',
  utf8: 'utf-8',
  'us-ascii': 'utf-8',
  gbk: 'gb18030',
  gb2312: 'gb18030',
  gb18030: 'gb18030',
  'utf-16': 'utf-16le',
  'utf-16le': 'utf-16le',
  'utf-16be': 'utf-16be',
};

const MAX_DECLARATION_BYTES = 1024;

/** So much is decoded at a time: short texts are cleared away at once, long ones stay until somebody tidies up. */
const PIECE_BYTES = 64 * 1024;

/** The text without its BOM, piece by piece. Throws XmlError for an encoding we do not read or bytes that do not fit it. */
export function* decodeXml(bytes: Uint8Array): Generator<string> {
  const encoding = encodingOf(bytes);
  const decoder = new TextDecoder(encoding, { fatal: true });
  try {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield decoder.decode(bytes.subarray(at, at + PIECE_BYTES), { stream: true });
    yield decoder.decode();
  } catch (cause) {
    throw new XmlError('xml-encoding', `the file is not ${encoding}`, cause);
  }
}

function encodingOf(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  const isMarked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  const head = Buffer.from(bytes.subarray(isMarked ? 3 : 0, MAX_DECLARATION_BYTES)).toString('latin1');
  const declaration = /^\s*<\?xml\s([^>]*)/.exec(head)?.[1];
  if (!declaration) return 'utf-8';
  // Other readers go on to its end: what it says there counts for them.
  if (!declaration.endsWith('?')) throw new XmlError('xml-encoding', 'the declaration is too long');
  if (!/encoding/i.test(declaration)) return 'utf-8';
  const declared = /\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']/.exec(` ${declaration}`)?.[1];
  const encoding = ENCODINGS[declared?.toLowerCase() ?? ''];
  if (!encoding) throw new XmlError('xml-encoding', `encoding ${declared} is not read`);
  return isMarked ? 'utf-8' : encoding;
}
