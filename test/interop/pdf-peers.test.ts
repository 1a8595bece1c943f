import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseSignedData } from '#crypto/cms.ts';
import { signPdf } from '#documents/pdf/sign-pdf.ts';
import { toPem } from '#pki/pem.ts';
import { DocumentAuthority, type TestIdentity } from '#test/fakes/document-authority.ts';
import { samplePdf, samplePng } from '#test/fakes/sample-pdf.ts';

const folder = mkdtempSync(join(tmpdir(), 'tongren-pdf-'));
const at = (name: string) => join(folder, name);
const authority = new DocumentAuthority({ suite: 'es256' });
const first = authority.issue('document-signer', { commonName: '第一机关' });
const second = authority.issue('document-signer', { commonName: '第二机关' });

function run(program: string, ...args: string[]): string {
  const result = spawnSync(program, args, { encoding: 'utf8' });
  return result.stdout + result.stderr;
}

function seal(pdf: Uint8Array, fieldName: string, by: TestIdentity, visible: boolean): Promise<Uint8Array> {
  return signPdf(pdf, {
    certificates: [by.certificate.der, authority.root.certificate.der],
    suite: 'es256',
    signedAt: new Date(),
    fieldName,
    reason: '营业执照',
    ...(visible ? { stamp: { pageIndex: 0, xMm: 120, yMm: 40, widthMm: 42, heightMm: 42, png: samplePng(120) } } : {}),
    sign: by.sign,
  });
}

beforeAll(() => {
  mkdirSync(at('nss'));
  writeFileSync(at('root.pem'), toPem('CERTIFICATE', authority.root.certificate.der));
  execFileSync('certutil', ['-N', '-d', `sql:${at('nss')}`, '--empty-password']);
  execFileSync('certutil', ['-A', '-d', `sql:${at('nss')}`, '-n', 'root', '-t', 'C,C,C', '-i', at('root.pem')]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function inputs(): Promise<[string, Uint8Array][]> {
  const table = await samplePdf();
  const streams = await samplePdf({ streams: true, pages: 3 });
  writeFileSync(at('table.pdf'), table);
  writeFileSync(at('streams.pdf'), streams);
  run('qpdf', '--linearize', at('table.pdf'), at('linearised.pdf'));
  run('qpdf', '--linearize', '--object-streams=generate', at('streams.pdf'), at('linearised-streams.pdf'));
  return [
    ['a classic table', table],
    ['a cross-reference stream', streams],
    ['a linearised file', readFileSync(at('linearised.pdf'))],
    ['a linearised file with object streams', readFileSync(at('linearised-streams.pdf'))],
  ];
}

describe('other people read what we seal', async () => {
  test.each(await inputs())('two seals in sequence on %s', async (_name, input) => {
    const one = await seal(input, 'Seal1', first, true);
    const two = await seal(one, 'Seal2', second, false);
    writeFileSync(at('one.pdf'), one);
    writeFileSync(at('two.pdf'), two);

    const sig1 = run('pdfsig', '-nssdir', `sql:${at('nss')}`, at('one.pdf'));
    expect(sig1).toContain('Total document signed');
    expect(sig1).toContain('Signature is Valid.');
    expect(sig1).toContain('Certificate is Trusted.');
    const sig2 = run('pdfsig', '-nssdir', `sql:${at('nss')}`, at('two.pdf'));
    expect(sig2.match(/Signature is Valid\./g)).toHaveLength(2);
    expect(sig2.match(/Certificate is Trusted\./g)).toHaveLength(2);

    for (const file of ['one.pdf', 'two.pdf']) {
      const checked = run('qpdf', '--check', at(file));
      expect(checked).toContain('No syntax or stream encoding errors found');
      expect(checked).not.toContain('WARNING');
    }
    const judged = run('mutool', 'sign', '-v', at('two.pdf'));
    expect(judged).not.toContain('Digest error');
    expect(judged).toContain('The document is unchanged since signing');
    expect(judged).toContain('The signature is valid but there have been edits since signing');
  });

  test('OpenSSL verifies the CMS over the two ranges, with no signing time inside', async () => {
    const one = Buffer.from(await seal(await samplePdf(), 'Seal1', first, true));
    const [, a = '', b = '', c = ''] = /\/ByteRange \[0 +(\d+) +(\d+) +(\d+)\]/.exec(one.toString('latin1')) ?? [];
    const [length1, start2, length2] = [Number(a), Number(b), Number(c)];
    expect(start2 + length2).toBe(one.length);
    writeFileSync(at('tbs.bin'), Buffer.concat([one.subarray(0, length1), one.subarray(start2)]));
    writeFileSync(at('sig.der'), Buffer.from(one.toString('latin1', length1 + 1, start2 - 1), 'hex'));
    const args = [
      'cms',
      '-verify',
      '-inform',
      'DER',
      '-in',
      at('sig.der'),
      '-content',
      at('tbs.bin'),
      '-binary',
      '-CAfile',
      at('root.pem'),
    ];
    expect(run('openssl', ...args, '-purpose', 'any', '-out', '/dev/null')).toContain('erification successful');
    const printed = run('openssl', 'cms', '-cmsout', '-print', '-inform', 'DER', '-in', at('sig.der'), '-noout');
    expect(printed).toContain('id-smime-aa-signingCertificateV2');
    expect(printed).not.toContain('signingTime');
  });

  test('OpenSSL verifies the SM2 value over the attributes, and SM3 over the ranges', async () => {
    const gm = new DocumentAuthority({ suite: 'sm2-sm3' });
    const signer = gm.issue('seal');
    const pdf = Buffer.from(
      await signPdf(await samplePdf(), {
        certificates: [signer.certificate.der],
        suite: 'sm2-sm3',
        signedAt: new Date(),
        fieldName: 'Seal1',
        sign: signer.sign,
      }),
    );
    const [, a = '', b = ''] = /\/ByteRange \[0 +(\d+) +(\d+) +(\d+)\]/.exec(pdf.toString('latin1')) ?? [];
    const [length1, start2] = [Number(a), Number(b)];
    const cms = parseSignedData(Buffer.from(pdf.toString('latin1', length1 + 1, start2 - 1), 'hex')).signers[0];
    writeFileSync(at('tbs.bin'), Buffer.concat([pdf.subarray(0, length1), pdf.subarray(start2)]));
    writeFileSync(at('attributes.der'), cms?.signedAttributesBytes ?? new Uint8Array());
    writeFileSync(at('value.bin'), cms?.signature ?? new Uint8Array());
    writeFileSync(at('sm2.pem'), toPem('CERTIFICATE', signer.certificate.der));
    const digest = run('openssl', 'dgst', '-sm3', at('tbs.bin')).trim().split(' ').at(-1) ?? 'none';
    expect(readFileSync(at('attributes.der')).toString('hex')).toContain(digest);
    const options = ['-verify', '-rawin', '-digest', 'sm3', '-certin', '-inkey', at('sm2.pem'), '-pkeyopt', 'distid:1234567812345678'];
    const verified = run('openssl', 'pkeyutl', ...options, '-in', at('attributes.der'), '-sigfile', at('value.bin'));
    expect(verified).toContain('Signature Verified Successfully');
  });

  test('poppler draws the seal where it was put, also on a turned page', async () => {
    const upright = await samplePdf();
    const turned = Buffer.from(Buffer.from(upright).toString('latin1').replace('/MediaBox', '/Rotate 90\n/MediaBox'), 'latin1');
    writeFileSync(at('plain-turned.pdf'), turned);
    run('qpdf', at('plain-turned.pdf'), at('turned.pdf'));
    for (const [name, input] of [
      ['upright', upright],
      ['turned', readFileSync(at('turned.pdf'))],
    ] as const) {
      writeFileSync(at(`${name}-sealed.pdf`), await seal(input, 'Seal1', first, true));
      run('pdftoppm', '-r', '25.4', '-singlefile', at(`${name}-sealed.pdf`), at(name));
      // One pixel a millimetre: the ring's upper edge is red, its centre is not.
      const { pixel } = readPpm(readFileSync(at(`${name}.ppm`)));
      expect(pixel(141, 43)[0]).toBeGreaterThan(180);
      expect(pixel(141, 43)[1]).toBeLessThan(90);
      expect(pixel(141, 61)).toEqual([255, 255, 255]);
    }
  });
});

function readPpm(bytes: Buffer): { pixel: (x: number, y: number) => number[] } {
  const [head = '', width = ''] = /^P6\s+(\d+)\s+\d+\s+\d+\s/.exec(bytes.toString('latin1', 0, 40)) ?? [];
  return { pixel: (x, y) => [...bytes.subarray(head.length + (y * Number(width) + x) * 3).subarray(0, 3)] };
}
