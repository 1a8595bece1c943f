/** The log of a seal as a table for a spreadsheet: UTF-8 with a byte order mark, RFC 4180, and no cell that would be run as a formula. */

export const CSV_START = '\uFEFF';

/** A cell that begins like a formula gets an apostrophe in front, which spreadsheets hide. */
function cell(value: string): string {
  const plain = value.replace(/\p{Cc}/gu, ' ');
  const safe = /^\s*[=+\-@＝＋－＠]/u.test(plain) ? `'${plain}` : plain;
  return /[",;]/.test(safe) || safe !== safe.trim() ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** One line, ended as RFC 4180 wants it. */
export function csvRow(values: readonly string[]): string {
  return `${values.map(cell).join(',')}\r\n`;
}
