import { describe, expect, test } from 'vitest';
import { fitText, type TextStyle } from '#documents/page/fit-text.ts';
import type { TextItem } from '#documents/page/page-layout.ts';
import { Problem } from '#problem.ts';

const box = { xMm: 10, yMm: 20, widthMm: 50, heightMm: 30 };
const style: TextStyle = { face: 'serif', sizeMm: 5, maximumLines: 4 };

function linesOf(items: readonly TextItem[]): string[] {
  const lines = new Map<number, string>();
  for (const item of items) lines.set(item.baselineMm, (lines.get(item.baselineMm) ?? '') + item.text);
  return [...lines.values()];
}

function widthOf(item: TextItem): number {
  return item.advancesMm.reduce((sum, advance) => sum + advance, 0);
}

describe('fitting text', () => {
  test('ten Chinese characters of 5 mm fill a line of 50 mm, the eleventh starts the next', () => {
    expect(linesOf(fitText('一二三四五六七八九十', box, style))).toEqual(['一二三四五六七八九十']);
    expect(linesOf(fitText('一二三四五六七八九十百千万亿', box, style))).toEqual(['一二三四五六七八九十', '百千万亿']);
  });

  test('a lonely last character is brought back by setting the text a little smaller', () => {
    const items = fitText('一二三四五六七八九十百', { ...box, widthMm: 52 }, style);
    expect(linesOf(items)).toEqual(['一二三四五六七八九十百']);
    expect(items[0]?.sizeMm).toBeCloseTo(4.6, 6);
    expect(linesOf(fitText('一二三四五六七八九十百', { ...box, widthMm: 45 }, style))).toEqual(['一二三四五六七八九', '十百']);
  });

  test('every character has its advance', () => {
    for (const item of fitText('通州市 Tongzhou 88号', box, style)) expect(item.advancesMm).toHaveLength(Array.from(item.text).length);
  });

  test('a Latin word is not broken while it fits a line', () => {
    expect(linesOf(fitText('电子证照 certificate 服务', { ...box, widthMm: 40 }, style))[1]).toMatch(/^certificate/);
  });

  test('closing punctuation never begins a line', () => {
    for (const line of linesOf(fitText('一二三四五六七八九十，甲乙丙丁戊己庚辛壬癸。子丑寅卯', box, style)))
      expect(line).not.toMatch(/^[，。；]/);
  });

  test('text too long for the lines allowed is set smaller', () => {
    const [item] = fitText('一二三四五六七八九十百千', box, { ...style, maximumLines: 1 });
    expect(item?.sizeMm).toBeLessThan(5);
    expect(widthOf(item as TextItem)).toBeLessThanOrEqual(50.02);
  });

  test('text that does not fit at the smallest size is refused, with a pointer to its field', () => {
    const attempt = () => fitText('长'.repeat(200), box, { ...style, minimumSizeMm: 4, field: 'business/Scope' });
    expect(attempt).toThrow(
      expect.objectContaining({ code: 'text-does-not-fit', errors: [expect.objectContaining({ pointer: '/business~1Scope' })] }),
    );
  });

  test('justified labels reach both edges of their box', () => {
    const [item] = fitText('名称', box, { ...style, align: 'justify' });
    expect(item?.xMm).toBe(10);
    const last = (item as TextItem).advancesMm[0] as number;
    expect(10 + last + 5).toBeCloseTo(60, 5);
  });

  test.each([
    ['left', 10],
    ['centre', 30],
    ['right', 50],
  ] as const)('aligned %s, 10 mm of text in a box of 50 mm begin at %d mm', (align, x) => {
    expect(fitText('证照', box, { ...style, align })[0]?.xMm).toBeCloseTo(x, 5);
  });

  test('a character the serif face lacks is set in the sans face, where the line goes on', () => {
    const items = fitText('老店𰻝𰻝面', box, style);
    expect(items.map((item) => [item.face, item.text])).toEqual([
      ['serif', '老店'],
      ['sans', '𰻝𰻝'],
      ['serif', '面'],
    ]);
    expect(items.map((item) => item.xMm)).toEqual([10, 20, 30]);
  });

  test('a character that no face has is refused by name', () => {
    const attempt = () => fitText('张\u{E000}', box, style);
    expect(attempt).toThrow(Problem);
    expect(attempt).toThrow(/U\+E000/);
  });

  test('blank text gives nothing', () => {
    expect(fitText('  \n ', box, style)).toEqual([]);
  });
});
