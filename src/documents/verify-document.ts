/** One door for files of any kind we verify: looks at the bytes, not at the name, and asks the right verifier. */
import { createHash } from 'node:crypto';
import { type ByteSource, bytesInMemory } from './container/byte-source.ts';
import { readZip } from './container/read-zip.ts';
import { ZipError } from './container/zip-error.ts';
import { verifyOfd } from './ofd/verify-ofd.ts';
import { verifyPdf } from './pdf/verify-pdf.ts';
import { verifySeal } from './ses/verify-seal.ts';
import { DEFAULT_LIMITS, type FileFormat, refusedFile, type Verification, type VerifyOptions } from './verdict.ts';

/** PDF readers accept a header anywhere in the first kilobyte. */
const PDF_HEADER_WITHIN = 1024;
const ROOT_ENTRY = 'OFD.xml';
const PIECE_BYTES = 1024 * 1024;

/** A verdict for any bytes, never an exception. Nothing of the file is kept. */
export function verifyDocument(bytes: Uint8Array, name: string, options: VerifyOptions): Verification {
  const verification = verify(bytes, options);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { ...verification, report: { file: { name, bytes: bytes.length, sha256 }, ...verification.report } };
}

function verify(bytes: Uint8Array, options: VerifyOptions): Verification {
  const { maxFileBytes } = { ...DEFAULT_LIMITS, ...options.limits };
  if (bytes.length > maxFileBytes) return refusedFile('unknown', 'malformed', 'file-too-large');
  const format = sniffFormat(bytes);
  if (format === 'two') return refusedFile('unknown', 'malformed', 'two-formats-in-one-file');
  try {
    switch (format) {
      case 'ofd':
        return verifyOfd(bytes, options);
      case 'pdf':
        return verifyPdf(bytes, options);
      case 'seal':
        return verifySeal(bytes, options);
      default:
        return refusedFile('unknown', 'malformed', bytes.length === 0 ? 'file-empty' : 'format-unknown');
    }
  } catch {
    // The verifiers promise not to throw. Should one do so for bytes nobody thought of, the answer is still a verdict.
    return refusedFile(format, 'malformed', 'not-readable');
  }
}

/** `two` when PDF readers and OFD readers would both open it, and show different documents. */
export function sniffFormat(file: Uint8Array | ByteSource): FileFormat | 'two' {
  const source = file instanceof Uint8Array ? bytesInMemory(file) : file;
  const head = source.read(0, Math.min(source.length, PDF_HEADER_WITHIN));
  const isPdf = head.includes('%PDF-', 0, 'latin1');
  if (head.length >= 4 && head.readUInt32LE(0) === 0x04034b50) return isPdf && mentionsOfd(source) ? 'two' : 'ofd';
  const isArchive = hasPackage(source);
  if (isPdf) return isArchive ? 'two' : 'pdf';
  if (isArchive) return 'ofd';
  return head[0] === 0x30 ? 'seal' : 'unknown';
}

/** An archive with something else in front, which is how some vendors deliver OFD files. */
function hasPackage(source: ByteSource): boolean {
  try {
    return readZip(source).has('OFD.xml');
  } catch (error) {
    if (!(error instanceof ZipError)) throw error;
    return error.reason !== 'not-a-zip' && mentionsOfd(source);
  }
}

function mentionsOfd(source: ByteSource): boolean {
  for (let start = 0; start < source.length; start += PIECE_BYTES) {
    const end = Math.min(source.length, start + PIECE_BYTES + ROOT_ENTRY.length - 1);
    if (source.read(start, end).includes(ROOT_ENTRY, 0, 'latin1')) return true;
  }
  return false;
}
