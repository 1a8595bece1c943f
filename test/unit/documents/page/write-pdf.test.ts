import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { decodePng } from '#documents/page/decode-png.ts';
import { encodePng, encodeStencilPng } from '#documents/page/encode-png.ts';
import { jpegSize } from '#documents/page/jpeg-size.ts';
import { licenceDataDigest } from '#documents/page/licence-data.ts';
import { licenceDocument } from '#documents/page/licence-document.ts';
import { requireReadablePhoto } from '#documents/page/require-readable-photo.ts';
import { srgbProfile } from '#documents/page/srgb-profile.ts';
import { renderPdf } from '#documents/pdf/write-pdf.ts';
import { Problem } from '#problem.ts';
import { sampleLicence, sampleType } from '#test/fakes/sample-licence.ts';
import { seededRandom } from '#test/fakes/seeded-random.ts';

const createdAt = new Date('2026-11-20T02:00:00Z');

function write(slug: string, at = createdAt): string {
  const { layouts, metadata } = licenceDocument(sampleType(slug), sampleLicence(slug), { createdAt: at });
  return Buffer.from(renderPdf(layouts, metadata)).toString('latin1');
}

describe('the PDF file of a licence', () => {
  const pdf = write('driving-licence');

  test('the cross-reference table points at every object', () => {
    const start = Number(/startxref\n(\d+)\n%%EOF\n$/.exec(pdf)?.[1]);
    expect(pdf.slice(start, start + 4)).toBe('xref');
    const rows = pdf.slice(start).match(/^\d{10} 00000 n $/gm) ?? [];
    expect(rows.length).toBeGreaterThan(10);
    rows.forEach((row, index) => {
      expect(pdf.slice(Number(row.slice(0, 10))).startsWith(`${index + 1} 0 obj\n`)).toBe(true);
    });
  });

  test('has one page per layout, A5 in points', () => {
    expect(pdf.match(/\/Type \/Page /g)).toHaveLength(2);
    expect(pdf).toContain('/MediaBox [0 0 595.2756 419.5276]');
  });

  test('carries identifier and digest in plain XMP and in the Info dictionary', () => {
    const data = sampleLicence('driving-licence');
    const xmp = /<x:xmpmeta[\s\S]*<\/x:xmpmeta>/.exec(pdf)?.[0] ?? '';
    expect(xmp).toContain(`<tongren:LicenceIdentifier>${data.identifier}</tongren:LicenceIdentifier>`);
    expect(xmp).toContain(`<tongren:LicenceDataDigest>${licenceDataDigest(data)}</tongren:LicenceDataDigest>`);
    expect(xmp).toContain('<pdfaid:part>2</pdfaid:part>');
    expect(pdf).toContain(`/LicenceDataDigest (${licenceDataDigest(data)})`);
  });

  test('the dates of Info and XMP are the same instant, in China time', () => {
    expect(pdf).toContain("/CreationDate (D:20261120100000+08'00')");
    expect(pdf).toContain('<xmp:CreateDate>2026-11-20T10:00:00+08:00</xmp:CreateDate>');
  });

  test('is the same, byte for byte, when made again, and another when made a second later', () => {
    const digest = (text: string) => createHash('sha256').update(text, 'latin1').digest('hex');
    expect(digest(write('driving-licence'))).toBe(digest(pdf));
    expect(digest(write('driving-licence', new Date(createdAt.getTime() + 1000)))).not.toBe(digest(pdf));
  });

  test('asks for nothing outside and runs nothing', () => {
    expect(pdf).not.toMatch(/\/(JavaScript|JS|Launch|URI|EmbeddedFile|OpenAction|AA)\b/);
  });
});

describe('the colour profile', () => {
  const profile = Buffer.from(srgbProfile());

  test('says its own size and that it is an RGB display profile', () => {
    expect(profile.readUInt32BE(0)).toBe(profile.length);
    expect(profile.toString('latin1', 12, 20)).toBe('mntrRGB ');
    expect(profile.toString('latin1', 36, 40)).toBe('acsp');
  });

  test('its primaries add up to the white point', () => {
    const sums = [0, 0, 0];
    for (let i = 0; i < profile.readUInt32BE(128); i++) {
      const at = 132 + i * 12;
      if (!/^[rgb]XYZ$/.test(profile.toString('latin1', at, at + 4))) continue;
      const body = profile.readUInt32BE(at + 4);
      sums.forEach((sum, axis) => {
        sums[axis] = sum + profile.readInt32BE(body + 8 + axis * 4) / 65536;
      });
    }
    expect(sums[0]).toBeCloseTo(0.9642, 2);
    expect(sums[1]).toBeCloseTo(1, 2);
    expect(sums[2]).toBeCloseTo(0.8249, 2);
  });
});

describe('pictures inside a licence', () => {
  const random = seededRandom(7);
  const pixels = Uint8Array.from({ length: 20 * 9 * 3 }, () => Math.floor(random() * 256));

  test('a PNG written is read back', () => {
    const decoded = decodePng(encodePng(pixels, 20, 9, 300));
    expect([decoded.width, decoded.height, decoded.alpha]).toEqual([20, 9, undefined]);
    expect(Buffer.compare(decoded.rgb, pixels)).toBe(0);
  });

  test('a stencil has one colour and keeps every opacity', () => {
    const alpha = Uint8Array.from({ length: 256 }, (_, i) => i);
    const decoded = decodePng(encodeStencilPng(alpha, 16, 16, '#e60000', 400));
    expect(Buffer.compare(decoded.alpha ?? Buffer.alloc(0), alpha)).toBe(0);
    expect([...decoded.rgb.subarray(0, 3)]).toEqual([230, 0, 0]);
  });

  test('a portrait keeps its proportions inside its frame', () => {
    const data = sampleLicence('residence-permit', { photo: { format: 'PNG', bytes: encodePng(pixels, 20, 9, 300) } });
    const [layout] = licenceDocument(sampleType('residence-permit'), data, { createdAt }).layouts;
    const image = layout?.items.find((item) => item.kind === 'image');
    expect(image).toMatchObject({ xMm: 158, widthMm: 34 });
    expect(image?.heightMm).toBeCloseTo((34 * 9) / 20, 6);
    expect(image?.yMm).toBeCloseTo(33 + (44 - (34 * 9) / 20) / 2, 6);
  });

  test.each([
    ['too small', { format: 'PNG', bytes: encodePng(pixels, 20, 9, 300) }],
    ['no picture', { format: 'PNG', bytes: Buffer.from('GIF89a') }],
    ['a PNG called JPEG', { format: 'JPEG', bytes: encodePng(new Uint8Array(200 * 200 * 3), 200, 200, 300) }],
  ] as const)('a photo that is %s is refused before anything is stored', (_case, photo) => {
    const refused = expect.objectContaining({ code: 'invalid-input', errors: [expect.objectContaining({ pointer: '/photo' })] });
    expect(() => requireReadablePhoto(photo)).toThrow(refused);
  });

  test('a readable photo passes', () => {
    expect(() => requireReadablePhoto({ format: 'PNG', bytes: encodePng(new Uint8Array(200 * 260 * 3), 200, 260, 300) })).not.toThrow();
  });

  test('a PNG that promises more pixels than it may is refused before it is inflated', () => {
    const file = Buffer.from(encodePng(pixels, 20, 9, 300));
    file.writeUInt32BE(60_000, 16);
    file.writeUInt32BE(60_000, 20);
    expect(() => decodePng(file)).toThrow(Problem);
  });

  test('damaged pictures are refused with a Problem or read, never anything else', () => {
    const png = encodePng(pixels, 20, 9, 300);
    const jpeg = Buffer.from('ffd8ffe000104a46494600010100000100010000ffc00011080010002003012200021101031101ffd9', 'hex');
    expect(jpegSize(jpeg)).toEqual({ width: 32, height: 16, components: 3 });
    for (let run = 0; run < 500; run++) {
      const [source, read] = run % 2 === 0 ? [png, decodePng] : [jpeg, jpegSize];
      const damaged = Uint8Array.from(source);
      for (let n = 0; n < 3; n++) damaged[Math.floor(random() * damaged.length)] = Math.floor(random() * 256);
      try {
        read(damaged.subarray(0, Math.ceil(random() * damaged.length)));
      } catch (error) {
        expect(error).toBeInstanceOf(Problem);
      }
    }
  });
});
