/**
 * Readers that give up on a file's cross-reference put the document together from whatever objects stand in the file, the last of a
 * number counting. A forger who hid a second page content before the seal needs nothing but an update that makes them give up.
 */
import { describe, expect, test } from 'vitest';
import type { FileVerdict } from '#documents/verdict.ts';
import { appendUpdate, handMadePdf } from '#test/fakes/sample-pdf.ts';
import { check, seal } from './sealed-pdf.ts';

const sealed = await seal(handMadePdf());
const text = Buffer.from(sealed).toString('latin1');
const previous = /startxref\s+(\d+)\s+%%EOF\s*$/.exec(text)?.[1] ?? '';
const judge = (added: string) => check(Buffer.from(text + added, 'latin1'));

const update = ({ head = 'xref\n0 1\n', entry = '0000000000 65535 f \n', word = 'trailer\n', size = '60', prev = previous, gap = '' }) =>
  `${head}${entry}${word}<</Size ${size}/Root 1 0 R/Prev ${prev}>>\nstartxref\n${text.length}\n${gap}%%EOF\n`;

/** An update of nothing but a cross-reference stream: rows of type, place and index. */
function streamUpdate(widths: readonly number[], types: readonly number[], further = ''): string {
  const rows = [...types.map((type) => [type, 5, 0]), [1, text.length, 0]];
  const data = Buffer.concat(rows.flatMap((row) => row.map((value, index) => wide(value, widths[index] as number))));
  const keys = `/Type/XRef/W[${widths.join(' ')}]/Size 60/Index[${52 - rows.length} ${rows.length}]/Root 1 0 R/Prev ${previous}${further}/Length ${data.length}`;
  return `51 0 obj\n<<${keys}>>\nstream\n${data.toString('latin1')}\nendstream\nendobj\nstartxref\n${text.length}\n%%EOF\n`;
}

function wide(value: number, width: number): Uint8Array {
  return Buffer.from(value.toString(16).padStart(width * 2, '0'), 'hex');
}

describe('an update that readers cannot follow', () => {
  test.each([
    ['nothing but some blank space', ' '.repeat(100)],
    ['a plain update', update({})],
    ['a plain stream', streamUpdate([1, 4, 2], [])],
    ['a plain update with a comment before its end mark', update({ gap: '% made by a program\n' })],
  ])('%s stays genuine', (_name, added) => {
    expect(judge(added)).toMatchObject({ verdict: 'genuine', official: true });
  });

  test.each([
    ['blank space that hides the end from them', ' '.repeat(3000)],
    ['zeros that hide the end', '\0'.repeat(3000)],
    ['blank space behind a plain update', update({}) + '\n'.repeat(3000)],
    ['blank space before the end mark', update({ gap: ' '.repeat(3000) })],
    ['a long comment before the end mark', update({ gap: `%${'x'.repeat(3000)}\n` })],
    ['an entry of a kind that is none', streamUpdate([1, 4, 2], [7])],
    ['a kind eight bytes wide', streamUpdate([8, 4, 2], [])],
    ['a stream that names another', streamUpdate([1, 4, 2], [], '/XRefStm 5')],
    ['comments in the table', update({ head: 'xref\n0 1 %a\n' })],
    ['an entry that is too short', update({ entry: '0 65535 f\n' })],
    ['a size beyond all measure', update({ size: '99999999999' })],
    ['a size below zero', update({ size: '-5' })],
    ['a size smaller than before', update({ size: '3' })],
    ['an object beyond all measure', update({ head: 'xref\n4294967295 1\n' })],
    ['an object beyond the size', update({ head: 'xref\n70 1\n' })],
    ['a part beyond the size, with nothing in it', update({ head: 'xref\n9999999 0\n0 1\n' })],
    ['a name that ends for some readers before it ends', update({ size: '60/Root#00 99 0 R' })],
    ['a place that is no whole number', update({ prev: `${previous}.0` })],
  ])('%s: altered', (_name, added) => {
    expect(judge(added)).toMatchObject({ verdict: 'altered', official: false });
  });
});

describe('objects that stand in the sealed file and are listed nowhere', () => {
  const body = '<</Length 27>>\nstream\n1 0 0 rg 0 0 900 900 re f  \nendstream\nendobj\n';

  /** Sealed with this text before its table, and with an update that changes nothing. */
  async function judgeWith(hidden: string, before = handMadePdf()): Promise<{ sealed: FileVerdict; updated: FileVerdict }> {
    const plain = Buffer.from(before).toString('latin1');
    const tableAt = plain.lastIndexOf('xref\n0 ');
    const table = plain.slice(tableAt).replace(/startxref\n\d+/, `startxref\n${tableAt + hidden.length}`);
    const one = await seal(Buffer.from(plain.slice(0, tableAt) + hidden + table, 'latin1'));
    return { sealed: check(one), updated: check(appendUpdate(one, { objects: { 60: '<</Unused true>>' } })) };
  }

  test.each([
    ['another of a number', `4 0 obj\n${body}`],
    ['another with a comment in its head', `4 %x\n0 %y obj\nobj\n${body}`],
    ['one of a number that is none yet', `70 0 obj\n${body}`],
    ['one of another generation', `4 1 obj\n${body}`],
    ['one behind nulls', `\0\x004\x000 obj${body}`],
  ])('%s: sealed as it is, and altered by any update, for some make readers look for it', async (_name, hidden) => {
    const { sealed: alone, updated } = await judgeWith(hidden);
    expect(alone).toMatchObject({ verdict: 'genuine', official: true });
    expect(updated).toMatchObject({ verdict: 'altered', official: false });
  });

  test.each([
    ['a comment', '% 4 0 obj is meant\n'],
    ['a word that is none', 'obj '],
  ])('%s is no object', async (_name, hidden) => {
    expect((await judgeWith(hidden)).updated).toMatchObject({ verdict: 'genuine', official: true });
  });

  test('one in a text is one for MuPDF; one in the data of a stream is content', async () => {
    const text = handMadePdf([`(\n4 0 obj\n${body})`]);
    const data = handMadePdf([`<</Length ${body.length + 9}>>\nstream\n4 0 obj\n${body.replace('endstream', 'end-strea')}\nendstream`]);
    expect((await judgeWith('', text)).updated.verdict).toBe('altered');
    expect((await judgeWith('', data)).updated).toMatchObject({ verdict: 'genuine', official: true });
  });
});
