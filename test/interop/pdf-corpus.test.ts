import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { verifyPdf } from '#documents/pdf/verify-pdf.ts';
import { VERDICTS } from '#documents/verdict.ts';
import { parseCertificateFile } from '#pki/certificate.ts';

const ROOT = new URL('../vectors/pdf/', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, ROOT));
const AT = new Date('2026-11-21T12:00:00Z');

/** Rows of a manifest that name a PDF: path and the verdicts that are right. */
function rowsOf(folder: string): { name: string; allowed: readonly string[] }[] {
  return read(`${folder}/MANIFEST.tsv`)
    .toString('utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'))
    .filter(([name = '']) => name.endsWith('.pdf'))
    .map(([name = '', expected = '']) => {
      const words = expected.replace(/\(.*\)/, '').trim();
      return { name: `${folder}/${name}`, allowed: words === 'any' ? VERDICTS : words.split('|') };
    });
}

function verdictOf(name: string, anchor: string) {
  return verifyPdf(read(name), { anchors: [parseCertificateFile(read(anchor))], at: AT }).report;
}

describe('attacks and levels', () => {
  test.each(rowsOf('attacks-and-levels'))('$name gets the verdict its manifest states', ({ name, allowed }) => {
    expect(allowed).toContain(verdictOf(name, 'attacks-and-levels/pki/root.crt').verdict);
  });

  test.each([
    ['b', 'pades-b'],
    ['t', 'pades-t'],
    ['lt', 'pades-lt'],
    ['lta', 'pades-lta'],
  ])('level %s is told as %s', (level, form) => {
    const report = verdictOf(`attacks-and-levels/levels/peer-table-${level}.pdf`, 'attacks-and-levels/pki/root.crt');
    expect(report.signatures[0]?.form).toBe(form);
    expect(report.signatures[0]?.time.proven === null).toBe(level === 'b');
  });
});

describe('edge cases', () => {
  test.each(rowsOf('edge-cases'))('$name gets an answer its manifest allows', ({ name, allowed }) => {
    expect(allowed).toContain(verdictOf(name, 'edge-cases/testing-ca/root.cert.pem').verdict);
  });
});

describe('SM2', () => {
  test.each(['sm2/pdf-sm2-adbe-pkcs7-detached.pdf', 'sm2/pdf-sm2-subfilter-GM.SM2.pdf'])('%s is genuine under its anchor', (name) => {
    const report = verdictOf(name, 'sm2/ca.crt');
    expect(report.verdict).toBe('genuine');
    expect(report.signatures[0]?.suite).toBe('sm2-sm3');
  });
});
