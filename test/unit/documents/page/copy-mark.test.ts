import { describe, expect, test } from 'vitest';
import { chinaDate, markCopy } from '#documents/page/copy-mark.ts';
import { layOutLicence } from '#documents/page/lay-out-licence.ts';
import type { TextItem } from '#documents/page/page-layout.ts';
import { sampleLicence, sampleType } from '#test/fakes/sample-licence.ts';

const mark = { madeAt: new Date('2026-11-20T16:30:00Z'), madeBy: '海月区人才服务中心', purpose: '人才引进落户', validUntil: '2026-12-20' };
const [plain] = layOutLicence(sampleType('residence-permit'), sampleLicence('residence-permit'));
if (!plain) throw new Error('no page');
const marked = markCopy(plain, mark);
const texts = marked.items.filter((item): item is TextItem => item.kind === 'text');

describe('a purpose-bound copy', () => {
  test('grows by a strip at its foot and leaves the licence where it was', () => {
    expect(marked.heightMm).toBe(plain.heightMm + 9);
    expect(marked.background).toBe(plain.background);
    for (const item of plain.items) expect(marked.items).toContain(item);
  });

  test('says in full who, for what, until when, and the day in China on which it was made', () => {
    const strip = texts.filter((item) => item.baselineMm > plain.heightMm && !item.rotationDegrees).map((item) => item.text);
    expect(strip.join('')).toBe(
      '加注件：仅限海月区人才服务中心用于“人才引进落户”，有效期至2026年12月20日。制作日期：2026年11月21日。他用无效。',
    );
  });

  test('no quarter of the page is without a mark, and every mark is pale and slanting', () => {
    const marks = texts.filter((item) => item.rotationDegrees !== undefined);
    const quarters = new Set<string>();
    for (const item of marks) {
      expect(item.opacity).toBeLessThan(0.3);
      let along = 0;
      for (const advance of item.advancesMm) {
        const [x, y] = [item.xMm + along * Math.cos(0.4887), item.baselineMm - along * Math.sin(0.4887)];
        if (x > 0 && y > 0 && x < plain.widthMm && y < plain.heightMm) quarters.add(`${x > plain.widthMm / 2} ${y > plain.heightMm / 2}`);
        along += advance;
      }
    }
    expect(quarters.size).toBe(4);
  });

  test('a purpose of any length fits the strip', () => {
    const long = markCopy(plain, { ...mark, purpose: '办'.repeat(200), madeBy: '局'.repeat(60) });
    expect(long.items.length).toBeGreaterThan(plain.items.length);
  });
});

test.each([
  ['2026-11-20T15:59:59Z', '2026-11-20'],
  ['2026-11-20T16:00:00Z', '2026-11-21'],
])('%s is %s in China', (instant, date) => expect(chinaDate(new Date(instant))).toBe(date));
