import { describe, expect, test } from 'vitest';
import { writeZip } from '#documents/container/write-zip.ts';
import { PictureBudget } from '#documents/ofd/picture-budget.ts';
import { svgPath } from '#documents/ofd/picture-objects.ts';
import { pictureOfOfdPage } from '#documents/ofd/picture-of-ofd.ts';
import { expandDeltas } from '#documents/ofd/picture-text.ts';
import { renderOfd } from '#documents/ofd/write-ofd.ts';
import { decodePng } from '#documents/page/decode-png.ts';
import { licenceDocument } from '#documents/page/licence-document.ts';
import { pictureOfPdfPage } from '#documents/pdf/picture-of-pdf.ts';
import { renderPdf } from '#documents/pdf/write-pdf.ts';
import { Problem } from '#problem.ts';
import { sampleLicence, sampleType } from '#test/fakes/sample-licence.ts';
import { seededRandom } from '#test/fakes/seeded-random.ts';

const OFD = 'xmlns:ofd="http://www.ofdspec.org/2016"';

/** A page of 20 × 10 mm with these objects, drawn at 254 dpi: ten pixels to the millimetre. */
async function draw(objects: string, resources = ''): Promise<(xMm: number, yMm: number) => string> {
  const files: Record<string, string> = {
    'OFD.xml': `<ofd:OFD ${OFD} Version="1.0" DocType="OFD"><ofd:DocBody><ofd:DocInfo><ofd:DocID>0</ofd:DocID></ofd:DocInfo><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>`,
    'Doc_0/Document.xml': `<ofd:Document ${OFD}><ofd:CommonData><ofd:MaxUnitID>99</ofd:MaxUnitID><ofd:PageArea><ofd:PhysicalBox>0 0 20 10</ofd:PhysicalBox></ofd:PageArea><ofd:PublicRes>Res.xml</ofd:PublicRes></ofd:CommonData><ofd:Pages><ofd:Page ID="1" BaseLoc="P.xml"/></ofd:Pages></ofd:Document>`,
    'Doc_0/Res.xml': `<ofd:Res ${OFD} BaseLoc=".">${resources}</ofd:Res>`,
    'Doc_0/P.xml': `<ofd:Page ${OFD}><ofd:Content><ofd:Layer ID="2">${objects}</ofd:Layer></ofd:Content></ofd:Page>`,
  };
  const ofd = writeZip(
    Object.entries(files).map(([name, xml]) => ({ name, data: Buffer.from(xml) })),
    { time: new Date(0) },
  );
  const { width, height, rgb } = decodePng(await pictureOfOfdPage(ofd, 0, 254));
  expect([width, height]).toEqual([200, 100]);
  return (xMm, yMm) => Buffer.from(rgb.subarray((yMm * 10 * width + xMm * 10) * 3, (yMm * 10 * width + xMm * 10) * 3 + 3)).toString('hex');
}

const RECTANGLE = '<ofd:AbbreviatedData>M 0 0 L 6 0 L 6 6 L 0 6 C</ofd:AbbreviatedData>';
const RED = '<ofd:FillColor Value="255 0 0"/>';

describe('a page of an OFD file as a picture', () => {
  test('object space begins at the Boundary, which clips', async () => {
    const at = await draw(`<ofd:PathObject ID="3" Boundary="2 2 4 4" Stroke="false" Fill="true">${RED}${RECTANGLE}</ofd:PathObject>`);
    expect([at(1, 1), at(3, 3), at(5, 5), at(7, 3)]).toEqual(['ffffff', 'ff0000', 'ff0000', 'ffffff']);
  });

  test('CTM comes before the Boundary', async () => {
    const at = await draw(
      `<ofd:PathObject ID="3" Boundary="10 0 10 10" CTM="0.5 0 0 0.5 1 1" Stroke="false" Fill="true">${RED}${RECTANGLE}</ofd:PathObject>`,
    );
    expect([at(10, 0), at(12, 2), at(13, 3), at(15, 2)]).toEqual(['ffffff', 'ff0000', 'ff0000', 'ffffff']);
  });

  test('paths are stroked in black and not filled when nothing is said', async () => {
    const at = await draw(
      `<ofd:PathObject ID="3" Boundary="0 0 20 10" LineWidth="1"><ofd:AbbreviatedData>M 2 5 L 18 5</ofd:AbbreviatedData></ofd:PathObject>`,
    );
    expect([at(10, 5), at(10, 7)]).toEqual(['000000', 'ffffff']);
  });

  test('hexadecimal, grey and CMYK colours', async () => {
    const box = (id: number, x: number, colour: string) =>
      `<ofd:PathObject ID="${id}" Boundary="${x} 0 6 6" Stroke="false" Fill="true">${colour}${RECTANGLE}</ofd:PathObject>`;
    const at = await draw(
      box(3, 0, '<ofd:FillColor Value="#00 #80 #ff"/>') +
        box(4, 7, '<ofd:FillColor Value="64"/>') +
        box(5, 14, '<ofd:FillColor Value="0 255 255 0"/>'),
    );
    expect([at(3, 3), at(10, 3), at(17, 3)]).toEqual(['0080ff', '404040', 'ff0000']);
  });

  test('drawing parameters are inherited, also from one another, and a circle of them ends', async () => {
    const params =
      '<ofd:DrawParams><ofd:DrawParam ID="10" Relative="11"/><ofd:DrawParam ID="11" Relative="10"><ofd:FillColor Value="0 0 255"/></ofd:DrawParam></ofd:DrawParams>';
    const at = await draw(
      `<ofd:PathObject ID="3" Boundary="0 0 6 6" DrawParam="10" Stroke="false" Fill="true">${RECTANGLE}</ofd:PathObject>`,
      params,
    );
    expect(at(3, 3)).toBe('0000ff');
  });

  test('text in a font that is not embedded is drawn with ours', async () => {
    const at = await draw(
      '<ofd:TextObject ID="3" Boundary="0 0 20 10" Font="9" Size="10"><ofd:TextCode X="5" Y="9">■</ofd:TextCode></ofd:TextObject>',
    );
    expect(at(10, 5)).toBe('000000');
  });

  test('a composite that contains itself ends', async () => {
    const unit = `<ofd:CompositeGraphicUnits><ofd:CompositeGraphicUnit ID="10" Width="20" Height="10"><ofd:Content><ofd:CompositeObject ID="11" Boundary="0 0 20 10" ResourceID="10"/><ofd:PathObject ID="12" Boundary="0 0 6 6" Stroke="false" Fill="true">${RED}${RECTANGLE}</ofd:PathObject></ofd:Content></ofd:CompositeGraphicUnit></ofd:CompositeGraphicUnits>`;
    const at = await draw('<ofd:CompositeObject ID="3" Boundary="0 0 20 10" ResourceID="10"/>', unit);
    expect(at(3, 3)).toBe('ff0000');
  });

  test('a picture that cannot be shown leaves a pale box', async () => {
    const at = await draw('<ofd:ImageObject ID="3" Boundary="0 0 10 10" CTM="10 0 0 10 0 0" ResourceID="77"/>');
    expect([at(5, 5), at(15, 5)]).toEqual(['e1e1e1', 'ffffff']);
  });

  test('invisible objects are not drawn', async () => {
    const at = await draw(
      `<ofd:PathObject ID="3" Boundary="0 0 6 6" Visible="false" Stroke="false" Fill="true">${RED}${RECTANGLE}</ofd:PathObject>`,
    );
    expect(at(3, 3)).toBe('ffffff');
  });
});

describe('bounds', () => {
  test('the repeat shorthand never gives more advances than characters', () => {
    expect(expandDeltas('g 3 5 2', 10)).toEqual([5, 5, 5, 2]);
    expect(expandDeltas('g 999999999 5', 4)).toEqual([5, 5, 5, 5]);
    expect(expandDeltas('1 x g', 9)).toEqual([1, 0]);
  });

  test('path data ends at the first thing that is not understood', () => {
    const budget = new PictureBudget();
    expect(svgPath('S 1 1 M 2 2 B 1 2 3 4 5 6 A 1 1 0 0 1 9 9 C', budget)).toBe('M1 1M2 2C1 2 3 4 5 6A1 1 0 0 1 9 9Z');
    expect(svgPath('M 1 1 L 2 " onload="x', budget)).toBe('M1 1');
    expect(svgPath('L 4 4', budget)).toBe('M0 0L4 4');
  });

  test('a page with too many objects is refused', () => {
    const budget = new PictureBudget();
    expect(() => budget.spend('objects', 60_001)).toThrow(Problem);
  });

  test('pages and pictures that are not there are refused', async () => {
    const { layouts, metadata } = licenceDocument(sampleType('residence-permit'), sampleLicence('residence-permit'), {
      createdAt: new Date(0),
    });
    const refused = expect.objectContaining({ code: 'picture-not-possible' });
    await expect(pictureOfOfdPage(renderOfd(layouts, metadata), 1, 50)).rejects.toEqual(refused);
    await expect(pictureOfPdfPage(renderPdf(layouts, metadata), 1, 50)).rejects.toEqual(refused);
    await expect(pictureOfOfdPage(renderOfd(layouts, metadata), 0, 100_000)).rejects.toEqual(refused);
    await expect(pictureOfPdfPage(renderPdf(layouts, metadata), 0, 100_000)).rejects.toEqual(refused);
    await expect(pictureOfPdfPage(Buffer.from('no PDF at all'), 0, 50)).rejects.toEqual(refused);
    await expect(pictureOfOfdPage(Buffer.from('no OFD at all'), 0, 50)).rejects.toEqual(refused);
  });

  test('mutated pages are drawn or refused with a Problem, and quickly', { timeout: 120_000 }, async () => {
    const random = seededRandom(33190);
    const { layouts, metadata } = licenceDocument(sampleType('residence-permit'), sampleLicence('residence-permit'), {
      createdAt: new Date(0),
    });
    const { readZip } = await import('#documents/container/read-zip.ts');
    const archive = readZip(renderOfd(layouts, metadata));
    const names = [...archive.entries.keys()];
    for (let run = 0; run < 40; run++) {
      const entries = names.map((name) => ({ name, data: Uint8Array.from(archive.read(name)) }));
      const victim = entries[Math.floor(random() * entries.length)];
      const digits = [...(victim?.data.keys() ?? [])].filter(
        (index) => victim && (victim.data[index] ?? 0) >= 0x30 && (victim.data[index] ?? 0) <= 0x39,
      );
      // Numbers are where the meaning lies: change some, and now and then any byte at all.
      for (let n = 0; n < 12 && victim; n++) {
        const anywhere = digits.length === 0 || random() < 0.1;
        const index = anywhere ? Math.floor(random() * victim.data.length) : (digits[Math.floor(random() * digits.length)] ?? 0);
        victim.data[index] = anywhere ? Math.floor(random() * 256) : 0x30 + Math.floor(random() * 10);
      }
      const started = performance.now();
      try {
        await pictureOfOfdPage(writeZip(entries, { time: new Date(0) }), 0, 40);
      } catch (error) {
        expect(error).toBeInstanceOf(Problem);
      }
      expect(performance.now() - started).toBeLessThan(20_000);
    }
  });
});
