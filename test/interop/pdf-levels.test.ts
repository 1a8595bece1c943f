/** Levels B-B to B-LTA in both suites, seam seals and two seals beside each other, read by other people's programs. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseSignedData } from '#crypto/cms.ts';
import { OID } from '#crypto/oids.ts';
import { validationDataFrom } from '#documents/pdf/collect-validation-data.ts';
import { extendPdf } from '#documents/pdf/extend-pdf.ts';
import { findSignatures } from '#documents/pdf/find-signatures.ts';
import { locateSignature } from '#documents/pdf/locate-signature.ts';
import { openPdf } from '#documents/pdf/pdf-file.ts';
import { pictureOfPdfPage } from '#documents/pdf/picture-of-pdf.ts';
import { type SignPdfInput, signPdf } from '#documents/pdf/sign-pdf.ts';
import { signedBytes, unpad } from '#documents/pdf/signature-dictionary.ts';
import { verifyPdf } from '#documents/pdf/verify-pdf.ts';
import { toPem } from '#pki/pem.ts';
import { DocumentAuthority } from '#test/fakes/document-authority.ts';
import { samplePdf, samplePng } from '#test/fakes/sample-pdf.ts';
import { timestampAuthority } from '#test/fakes/timestamp-authority.ts';

const folder = mkdtempSync(join(tmpdir(), 'tongren-levels-'));
const at = (name: string) => join(folder, name);
const now = new Date();
const STAMP = { pageIndex: 0, xMm: 120, yMm: 40, widthMm: 42, heightMm: 42, png: samplePng(120) };

function town(suite: 'es256' | 'sm2-sm3') {
  const authority = new DocumentAuthority({ suite });
  const signer = authority.issue('document-signer', { commonName: '通州市公安局' });
  const crls = [authority.crl([], new Date(now.getTime() - 60_000), new Date(now.getTime() + 86_400_000))];
  const anchors = [authority.root.certificate];
  const timestamp = timestampAuthority(authority.issue('timestamp'), () => new Date());
  return { suite, authority, signer, anchors, timestamp, validationData: validationDataFrom({ anchors, crls, now: () => now }) };
}
const p256 = town('es256');
const sm2 = town('sm2-sm3');
const anchors = [...p256.anchors, ...sm2.anchors];

const sign = ({ suite, signer, authority }: typeof p256, pdf: Uint8Array, changes: Partial<SignPdfInput> = {}) =>
  signPdf(pdf, {
    certificates: [signer.certificate.der, authority.root.certificate.der],
    suite,
    signedAt: now,
    fieldName: 'Seal1',
    stamp: STAMP,
    sign: signer.sign,
    ...changes,
  });

const LEVELS = ['b', 't', 'lt', 'lta'] as const;
const levelOf = ({ timestamp, validationData }: typeof p256, level: (typeof LEVELS)[number]): Partial<SignPdfInput> => ({
  ...(level === 'b' ? {} : { timestamp }),
  ...(level === 'lt' || level === 'lta' ? { validationData } : {}),
  ...(level === 'lta' ? { archive: true } : {}),
});

/** Extended to B-LTA, and extended once more. */
async function extended(from: typeof p256, pdf: Uint8Array): Promise<Uint8Array> {
  let now = pdf;
  for (let time = 0; time < 2; time++) {
    const { timestamp, validationData } = from;
    const digest = from.suite === 'es256' ? 'sha256' : 'sm3';
    const trust = { anchors, at: new Date(Date.now() + 1_000) };
    now = (await extendPdf(now, { level: 'lta', timestamp, digest, validationData, trust })).pdf;
  }
  return now;
}

function run(program: string, ...args: string[]): string {
  const result = spawnSync(program, args, { encoding: 'utf8' });
  return result.stdout + result.stderr;
}

const JARS = ['pdfbox2', 'fontbox2', 'commons-logging', 'bcprov', 'bcpkix', 'bcutil']
  .map((name) => `/usr/share/java/${name}.jar`)
  .join(':');
const seenByJava = (...names: string[]) =>
  execFileSync('java', ['-cp', JARS, join(import.meta.dirname, 'pdfbox/ReadSignatures.java'), ...names.map(at)], { encoding: 'utf8' })
    .trim()
    .split('\n');

const verdictOf = (pdf: Uint8Array) => verifyPdf(pdf, { anchors, at: new Date(Date.now() + 1_000), requireRevocation: false }).report;

function inputs(): Record<string, Uint8Array> {
  writeFileSync(at('plain.pdf'), samplePdf({ pages: 3 }));
  writeFileSync(at('packed.pdf'), samplePdf({ pages: 3, streams: true }));
  run('qpdf', '--linearize', at('plain.pdf'), at('linear.pdf'));
  run('qpdf', '--linearize', '--object-streams=generate', at('packed.pdf'), at('linear-packed.pdf'));
  const read = (name: string) => readFileSync(at(name));
  return { table: read('plain.pdf'), stream: read('packed.pdf'), linear: read('linear.pdf'), 'linear-stream': read('linear-packed.pdf') };
}

beforeAll(() => {
  mkdirSync(at('nss'));
  writeFileSync(at('root.pem'), toPem('CERTIFICATE', p256.authority.root.certificate.der));
  execFileSync('certutil', ['-N', '-d', `sql:${at('nss')}`, '--empty-password']);
  execFileSync('certutil', ['-A', '-d', `sql:${at('nss')}`, '-n', 'root', '-t', 'C,C,C', '-i', at('root.pem')]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('PDFBox with Bouncy Castle', () => {
  test.each([
    ['P-256', p256, 'ETSI.CAdES.detached'],
    ['SM2', sm2, 'adbe.pkcs7.detached'],
  ] as const)('verifies every signature and timestamp of each level in %s on every structure', async (_name, from, subFilter) => {
    const files: string[] = [];
    for (const [structure, input] of Object.entries(inputs())) {
      for (const level of LEVELS) {
        const name = `${structure}-${from.suite}-${level}.pdf`;
        writeFileSync(at(name), await sign(from, input, levelOf(from, level)));
        files.push(name);
      }
    }
    const seen = seenByJava(...files)
      .join('\n')
      .split(/^file /m)
      .slice(1);
    expect(seen).toHaveLength(16);
    seen.forEach((text, index) => {
      const level = LEVELS[index % 4] as (typeof LEVELS)[number];
      const expected = [`${files[index]} dss=${level === 'lt' || level === 'lta' ? '2,1,0' : '0,0,0'}`, `signature ${subFilter} true`];
      if (level !== 'b') expected.push('signature-timestamp true');
      if (level === 'lta') expected.push('document-timestamp true');
      expect(text.trim().split('\n')).toEqual(expected);
    });
  });

  test('verifies an SM2 seal beside a P-256 one, archived together', async () => {
    const place = { ...STAMP, xMm: 30 };
    const first = await sign(p256, samplePdf(), { certification: 2, reserve: [{ fieldName: 'Sm2Seal', place }], ...levelOf(p256, 't') });
    const both = await sign(sm2, first, { fieldName: 'Sm2Seal', stamp: place, ...levelOf(sm2, 't') });
    const { pdf } = await extendPdf(both, {
      level: 'lta',
      timestamp: p256.timestamp,
      digest: 'sha256',
      validationData: (chain) => p256.validationData(chain).catch(() => sm2.validationData(chain)),
      trust: { anchors, at: new Date(Date.now() + 1_000) },
    });
    writeFileSync(at('both.pdf'), pdf);
    expect(seenByJava('both.pdf')).toEqual([
      'file both.pdf dss=4,2,0',
      'signature ETSI.CAdES.detached true',
      'signature-timestamp true',
      'signature adbe.pkcs7.detached true',
      'signature-timestamp true',
      'document-timestamp true',
    ]);
    expect(verdictOf(pdf).signatures.map(({ indication }) => indication)).toEqual(Array(3).fill('TOTAL-PASSED'));
  });
});

describe('pdfsig, qpdf and mutool', () => {
  test.each(Object.entries(inputs()))('find B-LTA on %s whole', async (structure, input) => {
    const name = at(`read-${structure}.pdf`);
    writeFileSync(name, await sign(p256, input, levelOf(p256, 'lta')));
    const seen = run('pdfsig', '-nssdir', `sql:${at('nss')}`, name);
    expect(seen).toContain('Signature is Valid.');
    expect(seen).toContain('Certificate is Trusted.');
    expect(seen).toContain('Total document signed');
    const checked = run('qpdf', '--check', name);
    expect(checked).toContain('No syntax or stream encoding errors found');
    expect(checked).not.toContain('WARNING');
    expect(run('mutool', 'sign', '-v', name)).toContain('The signature is valid but there have been edits since signing');
  });
});

describe('each level, and what extend makes of it', () => {
  test.each([
    ['b', 1, 'unchanged'],
    ['t', 1, 'unchanged'],
    ['lt', 1, 'edits'],
    ['lta', 1, 'edits'],
    ['b, extended twice', 1, 'edits'],
    ['lta, extended twice', 1, 'edits'],
  ] as const)('level %s: pdfsig, qpdf, mutool', async (what, valid, change) => {
    const [level] = what.split(',') as [(typeof LEVELS)[number]];
    const sealed = await sign(p256, samplePdf(), levelOf(p256, level));
    const pdf = what.includes('extended') ? await extended(p256, sealed) : sealed;
    writeFileSync(at('level.pdf'), pdf);
    const seen = run('pdfsig', '-nssdir', `sql:${at('nss')}`, at('level.pdf'));
    expect(seen.match(/Signature is Valid/g)).toHaveLength(valid);
    expect(seen).toContain('Certificate is Trusted.');
    const checked = run('qpdf', '--check', at('level.pdf'));
    expect(checked).toContain('No syntax or stream encoding errors found');
    expect(checked).not.toContain('WARNING');
    expect(run('mutool', 'sign', '-v', at('level.pdf'))).toContain(change);
    expect(verdictOf(pdf)).toMatchObject({ verdict: 'genuine' });
  });

  test.each([
    ['P-256', p256, 'ETSI.CAdES.detached'],
    ['SM2', sm2, 'adbe.pkcs7.detached'],
  ] as const)('in %s, extended twice: PDFBox and Bouncy Castle verify the seal and every timestamp', async (_name, from, subFilter) => {
    writeFileSync(at('extended-b.pdf'), await extended(from, await sign(from, samplePdf())));
    writeFileSync(at('extended-lta.pdf'), await extended(from, await sign(from, samplePdf(), levelOf(from, 'lta'))));
    const seen = seenByJava('extended-b.pdf', 'extended-lta.pdf');
    const stamps = (count: number) => Array(count).fill('document-timestamp true');
    expect(seen.filter((line) => !line.startsWith('file '))).toEqual([
      `signature ${subFilter} true`,
      ...stamps(2),
      `signature ${subFilter} true`,
      'signature-timestamp true',
      ...stamps(3),
    ]);
  });
});

describe('OpenSSL', () => {
  test('verifies the signature timestamp, and each document timestamp over the file as it was, extended or not', async () => {
    const sealed = await sign(p256, samplePdf(), levelOf(p256, 'lta'));
    const pdf = await extended(p256, sealed);
    expect(Buffer.compare(pdf.subarray(0, sealed.length), sealed)).toBe(0);
    const file = openPdf(pdf);
    const [seal, ...archives] = findSignatures(file, file.viewAt(pdf.length)).map((found, index) => locateSignature(file, found, index));
    if (!seal?.contents) throw new Error('no signature');
    const [signer] = parseSignedData(seal.contents).signers;
    const token = signer?.unsignedAttributes.find(({ oid }) => oid === OID.timeStampToken)?.values[0];
    const stamped: [token: Uint8Array, data: Uint8Array][] = [[token?.bytes ?? new Uint8Array(), signer?.signature ?? new Uint8Array()]];
    for (const { contents, range } of archives) {
      if (!contents || !range) throw new Error('no timestamp');
      stamped.push([unpad(contents) ?? new Uint8Array(), Uint8Array.from(signedBytes(pdf, range, new Uint8Array(pdf.length)))]);
    }
    expect(stamped).toHaveLength(4);
    for (const [der, data] of stamped) {
      writeFileSync(at('token.der'), der);
      writeFileSync(at('data.bin'), data);
      const said = run('openssl', 'ts', '-verify', '-token_in', '-in', at('token.der'), '-data', at('data.bin'), '-CAfile', at('root.pem'));
      expect(said).toContain('Verification: OK');
    }
  });
});

describe('a seam seal', () => {
  /** How many red pixels each column has. */
  function redColumns(png: Uint8Array): number[] {
    const { width, data } = PNG.sync.read(Buffer.from(png));
    const counts = Array.from({ length: width }, () => 0);
    for (let at = 0; at < data.length; at += 4) {
      const column = (at / 4) % width;
      if ((data[at] ?? 0) > 150 && (data[at + 1] ?? 255) < 120) counts[column] = (counts[column] ?? 0) + 1;
    }
    return counts;
  }

  test('shows a strip on each page in three renderers, under one signature that covers them all', async () => {
    const pdf = await signPdf(samplePdf({ pages: 3 }), {
      certificates: [p256.signer.certificate.der],
      suite: 'es256',
      signedAt: now,
      fieldName: 'Seal1',
      seam: { png: STAMP.png, widthMm: 42, heightMm: 42 },
      sign: p256.signer.sign,
    });
    writeFileSync(at('seam.pdf'), pdf);
    expect(seenByJava('seam.pdf').at(-1)).toBe('signature ETSI.CAdES.detached true');
    expect(run('pdfsig', '-nssdir', `sql:${at('nss')}`, at('seam.pdf'))).toContain('Signature is Valid.');
    expect(run('qpdf', '--check', at('seam.pdf'))).toContain('No syntax or stream encoding errors found');
    expect(run('mutool', 'sign', '-v', at('seam.pdf'))).toContain('unchanged since signing');
    run('pdftoppm', '-r', '50.8', '-png', at('seam.pdf'), at('poppler'));
    run('mutool', 'draw', '-q', '-r', '50.8', '-o', at('mupdf-%d.png'), at('seam.pdf'));
    for (let page = 0; page < 3; page++) {
      const pictures = [
        await pictureOfPdfPage(pdf, page, 50.8),
        readFileSync(at(`poppler-${page + 1}.png`)),
        readFileSync(at(`mupdf-${page + 1}.png`)),
      ];
      for (const png of pictures) {
        const columns = redColumns(png);
        // Two pixels a millimetre: 14 mm of ring at the right edge, nothing to the left of it.
        expect(columns.slice(0, -30).every((count) => count === 0)).toBe(true);
        expect(columns.slice(-28).filter((count) => count > 0).length).toBeGreaterThan(24);
      }
    }
    expect(verdictOf(pdf)).toMatchObject({ verdict: 'genuine', signatures: [{ coverage: 'whole-file', uncovered: [] }] });
    await expect(sign(p256, pdf, { fieldName: 'Other', seam: { png: STAMP.png, widthMm: 42, heightMm: 42 } })).rejects.toMatchObject({
      code: 'pdf-not-signable',
    });
  });
});
