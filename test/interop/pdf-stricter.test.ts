/** Forgeries that other programs call valid, or valid with a remark: ours calls none of them genuine. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { appendUpdate, bodyOf, handMadePdf } from '#test/fakes/sample-pdf.ts';
import { timestampAuthority } from '#test/fakes/timestamp-authority.ts';
import { authority, check, OBJECTS, patch, SIGNED_AT, sealedOnce } from '#test/unit/documents/pdf/sealed-pdf.ts';

const folder = process.env['TONGREN_FORGERIES'] ?? mkdtempSync(join(tmpdir(), 'tongren-forged-'));
afterAll(() => {
  if (!process.env['TONGREN_FORGERIES']) rmSync(folder, { recursive: true, force: true });
});

function run(program: string, ...args: string[]): string {
  const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return stdout + stderr;
}

const sealed = await sealedOnce();
// Room for a timestamp leaves zeros behind the value.
const padded = await sealedOnce({ timestamp: timestampAuthority(authority.issue('timestamp'), () => SIGNED_AT) });
const [certified1, certified2] = [await sealedOnce({ certification: 1 }), await sealedOnce({ certification: 2 })];
const rewrite = (pdf: Uint8Array, num: number, from: string | RegExp, to: string, more: Record<number, string> = {}) =>
  appendUpdate(pdf, { objects: { [num]: bodyOf(pdf, num).replace(from, to), ...more } });
const content = '4 0 obj\n<</Length 27>>\nstream\nBT /F1 24 Tf (Forged) Tj ET\nendstream\nendobj\n';
const note = { 40: '<</Type/Annot/Subtype/FreeText/Rect[50 700 300 800]/Contents(Forged)/F 4>>' };
const field = { 41: '<</FT/Sig/T(Other)/Type/Annot/Subtype/Widget/F 132/Rect[50 700 300 800]/P 3 0 R>>' };
const withAnnotation = (pdf: Uint8Array, num: number, objects: Record<number, string>) =>
  rewrite(pdf, OBJECTS.page, /\/Annots \[([^\]]*)\]/, `/Annots [$1 ${num} 0 R]`, objects);

const FORGERIES: Record<string, Uint8Array> = {
  'bytes behind the end': Buffer.concat([sealed, Buffer.from('Forged')]),
  'an object without a cross-reference': Buffer.concat([sealed, Buffer.from(content)]),
  'an object without a cross-reference, with an end mark': Buffer.concat([sealed, Buffer.from(`${content}%%EOF\n`)]),
  'padding that is not zero': patch(padded, /00>\/M/, () => '01>/M'),
  'another key inside the gap': patch(padded, /0{40}>\/M/, (found) => found.replace(/^0{12}/, '>/K  0/L <00')),
  'a second range inside the gap': patch(padded, /0{60}>\/M/, (found) => found.replace(/^0{30}/, '>/ByteRange [0 9 9 9]      <00')),
  'a page replaced': rewrite(sealed, OBJECTS.content, '(Sample)', '(Forged)'),
  'an annotation under level 1': withAnnotation(certified1, 40, note),
  'an annotation under level 2': withAnnotation(certified2, 40, note),
  'a new visible field after a certification': appendUpdate(withAnnotation(certified2, 41, field), {
    objects: { [OBJECTS.form]: bodyOf(certified2, OBJECTS.form).replace(/\/Fields ?\[([^\]]*)\]/, '/Fields[$1 41 0 R]') },
  }),
  'the seal’s appearance replaced': rewrite(sealed, OBJECTS.appearance, '/Seal Do', '/None Do'),
  'an action when the file is opened': rewrite(sealed, OBJECTS.catalog, '/Pages', '/OpenAction<</S/URI/URI(http://x)>>/Pages'),
  'the signature’s field taken out': rewrite(sealed, OBJECTS.catalog, /\/AcroForm \d+ 0 R/, ''),
};

describe('ours is stricter', () => {
  test.each(Object.keys(FORGERIES).map((name, index) => [name, index] as const))('%s is not genuine', (name, index) => {
    const file = join(folder, `${String(index + 1).padStart(2, '0')}-${name.replace(/\W+/g, '-')}.pdf`);
    writeFileSync(file, FORGERIES[name] ?? '');
    const { verdict, signatures } = check(FORGERIES[name] ?? handMadePdf());
    expect(['altered', 'malformed', 'partly-covered']).toContain(verdict);
    expect(signatures[0]?.indication).not.toBe('TOTAL-PASSED');
  });

  test('and pdfsig calls most of them valid', () => {
    const valid = Object.entries(FORGERIES).filter(([, pdf], index) => {
      const file = join(folder, `said-${index}.pdf`);
      writeFileSync(file, pdf);
      const said = run('pdfsig', '-nocert', file);
      rmSync(file);
      return said.includes('Signature is Valid.');
    });
    console.log(`pdfsig calls ${valid.length} of ${Object.keys(FORGERIES).length} forgeries valid; ours calls none genuine`);
    expect(valid.length).toBeGreaterThan(6);
  });
});
