/** Strings in PDF syntax. */

/** UTF-16BE with byte order mark, in hexadecimal: any text, no escaping. */
export function pdfUnicodeString(text: string): string {
  return `<FEFF${utf16Hex(text)}>`;
}

export function utf16Hex(text: string): string {
  return Buffer.from(text, 'utf16le').swap16().toString('hex').toUpperCase();
}

/** `D:YYYYMMDDHHmmSS+08'00'`, China's time. */
export function pdfDate(at: Date): string {
  const local = new Date(at.getTime() + 8 * 3_600_000).toISOString().replace(/[-:T]/g, '').slice(0, 14);
  return `(D:${local}+08'00')`;
}
