/**
 * Updates with an object stream or a cross-reference that names an object twice: we would read the page as it was sealed, and
 * another reader the forger's (MuPDF goes by the number and not by the index).
 */
import { describe, expect, test } from 'vitest';
import { appendUpdate, bodyOf } from '#test/fakes/sample-pdf.ts';
import { check, OBJECTS, sealedOnce } from './sealed-pdf.ts';

const one = await sealedOnce();
const text = Buffer.from(one).toString('latin1');
const previous = /startxref\s+(\d+)\s+%%EOF\s*$/.exec(text)?.[1] ?? '';
const page = bodyOf(one, OBJECTS.page);
const forged = page.replace(`/Contents ${OBJECTS.content} 0 R`, '/Contents 52 0 R');
const [CONTAINER, XREF, CONTENT] = [50, 51, 52];
const drawing = '<</Length 27>>\nstream\n1 0 0 rg 0 0 900 900 re f  \nendstream';
type Row = readonly [num: number, type: number, second: number, third: number];

/** An update whose object stream holds these members, at these places when they are given; entries are number and index. */
function streamUpdate(
  members: readonly (readonly [number, string])[],
  entries: readonly (readonly [number, number])[],
  starts?: number[],
): Uint8Array {
  let update = text;
  let body = '';
  const head = members.map(([num, member], index) => {
    const start = starts?.[index] ?? body.length;
    body += `${member} `;
    return `${num} ${start} `;
  });
  const data = head.join('') + body;
  const rows: Row[] = [[CONTENT, 1, update.length, 0]];
  update += `${CONTENT} 0 obj\n${drawing}\nendobj\n`;
  rows.push([CONTAINER, 1, update.length, 0]);
  update += `${CONTAINER} 0 obj\n<</Type/ObjStm/N ${members.length}/First ${head.join('').length}/Length ${data.length}>>\nstream\n${data}\nendstream\nendobj\n`;
  for (const [num, index] of entries) rows.push([num, 2, CONTAINER, index]);
  const at = update.length;
  rows.push([XREF, 1, at, 0]);
  const table = Buffer.alloc(rows.length * 7);
  rows.forEach(([, type, second, third], index) => {
    table.writeUInt8(type, index * 7);
    table.writeUInt32BE(second, index * 7 + 1);
    table.writeUInt16BE(third, index * 7 + 5);
  });
  const keys = `/Type/XRef/W[1 4 2]/Size 60/Index[${rows.map(([num]) => `${num} 1`).join(' ')}]/Root 1 0 R/Prev ${previous}/Length ${table.length}`;
  update += `${XREF} 0 obj\n<<${keys}>>\nstream\n${table.toString('latin1')}\nendstream\nendobj\nstartxref\n${at}\n%%EOF\n`;
  return Buffer.from(update, 'latin1');
}

test('an object stream that repeats the page as it was changes nothing; one with another page does', () => {
  expect(check(streamUpdate([[OBJECTS.page, page]], [[OBJECTS.page, 0]]))).toMatchObject({ verdict: 'genuine', official: true });
  expect(check(streamUpdate([[OBJECTS.page, forged]], [[OBJECTS.page, 0]])).verdict).toBe('altered');
});

describe('the page as it was, and beside it another', () => {
  test.each([
    ['before it in the stream', [forged, page], [[OBJECTS.page, 1]]],
    ['behind it in the stream', [page, forged], [[OBJECTS.page, 0]]],
    [
      'listed behind it',
      [page, forged],
      [
        [OBJECTS.page, 0],
        [OBJECTS.page, 1],
      ],
    ],
    [
      'listed before it',
      [forged, page],
      [
        [OBJECTS.page, 1],
        [OBJECTS.page, 0],
      ],
    ],
  ] as const)('%s: altered', (_name, pages, entries) => {
    const members = pages.map((body) => [OBJECTS.page, body] as const);
    expect(check(streamUpdate(members, entries))).toMatchObject({ verdict: 'altered', official: false });
  });

  test('cut short for readers that end it where the next object begins: altered', () => {
    const members = [
      [OBJECTS.page, page],
      [53, 'null'],
    ] as const;
    const entries = [
      [OBJECTS.page, 0],
      [53, 1],
    ] as const;
    expect(check(streamUpdate(members, entries)).verdict).toBe('genuine');
    expect(check(streamUpdate(members, entries, [0, page.indexOf('/Contents')])).verdict).toBe('altered');
    expect(check(streamUpdate(members, entries, [0, 0])).verdict).toBe('altered');
  });

  test('listed twice in a table: altered', () => {
    const objects = { [OBJECTS.next]: '<</Unused true>>' };
    const update = Buffer.from(appendUpdate(one, { objects })).toString('latin1');
    expect(check(Buffer.from(update, 'latin1')).verdict).toBe('genuine');
    const twice = update.replace(/(\n12 1\n\d{10} 00000 n \n)(trailer[\s\S]*)$/, '$1$1$2').replace('\n\n12 1', '\n12 1');
    expect(twice).not.toBe(update);
    expect(check(Buffer.from(twice, 'latin1')).verdict).toBe('altered');
  });
});
