/**
 * A document timestamp says when, and not who: anybody gets one. What its field draws is therefore nobody's, and shown outside
 * every signature.
 */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { appendUpdate, bodyOf, handMadePdf } from '#test/fakes/sample-pdf.ts';
import { timestampAuthority } from '#test/fakes/timestamp-authority.ts';
import { authority, check, OBJECTS, SIGNED_AT, seal, sealedOnce } from './sealed-pdf.ts';

const token = timestampAuthority(authority.issue('timestamp'), () => SIGNED_AT);
const words = 'BT /F1 24 Tf 10 20 Td (FORGED) Tj ET';
const drawing = `<</Type/XObject/Subtype/Form/BBox[0 0 350 60]/Resources<</Font<</F1 5 0 R>>>>/Length ${words.length}>>\nstream\n${words}\nendstream`;
const DRAWN = '/Type/Annot/Subtype/Widget/F 4/P 3 0 R/AP<</N 22 0 R>>';
const PLACE = '/Rect[50 740 400 800]';
const NOWHERE = '/Rect[0 0 0 0]';

/** The update with a document timestamp over all of it as object 21. */
async function stamped(pdf: Uint8Array, objects: Record<number, string>, type = 'DocTimeStamp'): Promise<Uint8Array> {
  const gap = `<${'0'.repeat(16000)}>`;
  const range = '[0 AAAAAAAAAA BBBBBBBBBB CCCCCCCCCC]';
  const update = appendUpdate(pdf, {
    objects: {
      ...objects,
      21: `<</Type/${type}/Filter/Adobe.PPKLite/SubFilter/ETSI.RFC3161/ByteRange ${range}/Contents ${gap}>>`,
      22: drawing,
    },
  });
  const text = Buffer.from(update).toString('latin1');
  const start = text.lastIndexOf(gap);
  const numbers = [start, start + gap.length, text.length - start - gap.length].map((number) => String(number).padEnd(10));
  const ready = Buffer.from(text.replace(range, `[0 ${numbers.join(' ')}]`), 'latin1');
  const signedBytes = Buffer.concat([ready.subarray(0, start), ready.subarray(start + gap.length)]);
  const value = await token(createHash('sha256').update(signedBytes).digest(), 'sha256');
  ready.write(Buffer.from(value).toString('hex'), start + 1, 'latin1');
  return ready;
}

const into = (body: string, list: string, entry: string) =>
  body.replace(new RegExp(`/${list}\\s*\\[[^\\]]*`), (found) => `${found} ${entry}`);

describe('a document timestamp whose field draws over a sealed page', () => {
  const added = (pdf: Uint8Array, type?: string) =>
    stamped(
      pdf,
      {
        [OBJECTS.form]: into(bodyOf(pdf, OBJECTS.form), 'Fields', '20 0 R'),
        [OBJECTS.page]: into(bodyOf(pdf, OBJECTS.page), 'Annots', '20 0 R'),
        20: `<</FT/Sig/T(Time)/V 21 0 R${DRAWN}${PLACE}>>`,
      },
      type,
    );

  test.each(['DocTimeStamp', 'Sig'])('a new field (%s)', async (type) => {
    expect(check(await added(await sealedOnce(), type))).toMatchObject({ verdict: 'partly-covered', official: false });
  });

  test.each([1, 2, 3] as const)('a new field after a certification of level %s', async (certification) => {
    expect(check(await added(await sealedOnce({ certification }))).verdict).toBe('altered');
  });

  /** One place kept free for a later seal, drawn or not. */
  const prepared = (place: string) =>
    appendUpdate(handMadePdf([`<</FT/Sig/T(Later)/Type/Annot/Subtype/Widget/F 4${place}/P 3 0 R>>`], '/Annots[6 0 R]'), {
      objects: { 1: '<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R]>>>>' },
    });
  const filled = `<</FT/Sig/T(Later)/V 21 0 R${DRAWN}${PLACE}>>`;

  test.each([
    [undefined, 'partly-covered'],
    [1, 'altered'],
    [2, 'altered'],
    [3, 'partly-covered'],
  ] as const)('a reserved field, certified at level %s', async (certification, verdict) => {
    const sealed = await seal(prepared(PLACE), certification ? { certification } : {});
    expect(check(sealed)).toMatchObject({ verdict: 'genuine', official: true });
    expect(check(await stamped(sealed, { 6: filled }))).toMatchObject({ verdict, official: false });
  });

  test('a widget given to a reserved field that is nowhere', async () => {
    const sealed = await seal(prepared(NOWHERE));
    const forged = await stamped(sealed, {
      [OBJECTS.page]: into(bodyOf(sealed, OBJECTS.page), 'Annots', '20 0 R'),
      6: `<</FT/Sig/T(Later)/V 21 0 R/Kids[20 0 R]/Type/Annot/Subtype/Widget/F 4/P 3 0 R${NOWHERE}>>`,
      20: `<</Parent 6 0 R${DRAWN}${PLACE}>>`,
    });
    expect(['partly-covered', 'altered']).toContain(check(forged).verdict);
  });

  test('one that draws nothing stays what it is: validation data', async () => {
    const sealed = await seal(prepared(NOWHERE), { certification: 1 });
    const body = `<</FT/Sig/T(Later)/V 21 0 R/Type/Annot/Subtype/Widget/F 4/P 3 0 R${NOWHERE}>>`;
    expect(check(await stamped(sealed, { 6: body }))).toMatchObject({ verdict: 'genuine', official: true });
  });
});
